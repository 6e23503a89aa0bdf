/**
 * A page counter of the reference model: how much one level owes. Plain numbers; nothing runs in parallel here.
 * Facts: mm/page_counter.c.
 */
export const UNLIMITED = 2251799813685247;

export class PageCounter {
  usage = 0;
  max = UNLIMITED;
  high = UNLIMITED;
  low = 0;
  min = 0;
  watermark = 0;
  localWatermark = 0;
  emin = 0n;
  elow = 0n;
  minUsage = 0;
  lowUsage = 0;
  childrenMinUsage = 0;
  childrenLowUsage = 0;
  readonly parent: PageCounter | null;
  /** memory has protection, swap has not */
  readonly guarded: boolean;

  constructor(parent: PageCounter | null, guarded: boolean) {
    this.parent = parent;
    this.guarded = guarded;
  }

  /** This counter and all above it, the root last. */
  chain(): PageCounter[] {
    return [this, ...(this.parent?.chain() ?? [])];
  }

  /** The sums over the children follow what each child uses of its claim. */
  propagate(): void {
    if (!this.parent || !this.guarded) return;
    const min = Math.min(this.usage, this.min);
    const low = Math.min(this.usage, this.low);
    this.parent.childrenMinUsage += min - this.minUsage;
    this.parent.childrenLowUsage += low - this.lowUsage;
    this.minUsage = min;
    this.lowUsage = low;
  }

  #add(pages: number): void {
    this.usage += pages;
    this.propagate();
    this.localWatermark = Math.max(this.localWatermark, this.usage);
    this.watermark = Math.max(this.watermark, this.localWatermark);
  }

  #take(pages: number): void {
    this.usage -= pages;
    this.propagate();
  }

  /** All levels or none; answers the first that refused. Watermarks raised below it stay raised. */
  tryCharge(pages: number): PageCounter | null {
    const granted: PageCounter[] = [];
    for (const level of this.chain()) {
      if (level.usage + pages > level.max) {
        for (const below of granted) below.#take(pages);
        return level;
      }
      level.#add(pages);
      granted.push(level);
    }
    return null;
  }

  /** Whatever the limits. */
  charge(pages: number): void {
    for (const level of this.chain()) level.#add(pages);
  }

  uncharge(pages: number): void {
    for (const level of this.chain()) level.#take(pages);
  }

  protect(claim: 'min' | 'low', pages: number): void {
    this[claim] = pages;
    for (const level of this.chain()) level.propagate();
  }
}

/**
 * What one child really gets of its parent's effective protection. Products pass 2^53, hence `bigint`; unsigned 64 bits, because
 * the kernel's are.
 */
function effective(
  usage: bigint,
  parentUsage: bigint,
  claim: bigint,
  parentEffective: bigint,
  siblings: bigint,
): bigint {
  const used = usage < claim ? usage : claim;
  const product = (a: bigint, b: bigint) => BigInt.asUintN(64, a * b);
  if (siblings > parentEffective) return product(used, parentEffective) / siblings;
  if (parentEffective <= siblings || parentUsage <= siblings || usage <= used) return used;
  return used + product(parentEffective - siblings, usage - used) / (parentUsage - siblings);
}

/** emin and elow of `counter` for a reclaim from `root`. Parents first. An idle counter and the target keep what they had. */
export function calculateProtection(root: PageCounter, counter: PageCounter): void {
  const up = counter.parent;
  if (counter === root || !up || counter.usage === 0) return;
  const [usage, upUsage, min, low] = [counter.usage, up.usage, counter.min, counter.low].map(BigInt) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const first = up === root;
  counter.emin = first ? min : effective(usage, upUsage, min, up.emin, BigInt(up.childrenMinUsage));
  counter.elow = first ? low : effective(usage, upUsage, low, up.elow, BigInt(up.childrenLowUsage));
}
