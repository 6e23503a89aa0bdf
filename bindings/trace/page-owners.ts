/**
 * Who owns which page frame: /proc/kpagecgroup (a u64 per frame: inode of the memory cgroup) and /proc/kpageflags (a u64 per frame:
 * KPF_* bits), copied just before a recording. Documentation/admin-guide/mm/pagemap.rst.
 */
import * as ops from '../../assembly/replay/ops.ts';
import { ByteSource } from './byte-source.ts';
import { InputError } from './input-error.ts';

// include/uapi/linux/kernel-page-flags.h; all below bit 32
const KPF_REFERENCED = 1 << 2;
const KPF_UPTODATE = 1 << 3;
const KPF_DIRTY = 1 << 4;
const KPF_LRU = 1 << 5;
const KPF_SLAB = 1 << 7;
const KPF_BUDDY = 1 << 10;
const KPF_MMAP = 1 << 11;
const KPF_ANON = 1 << 12;
const KPF_SWAPBACKED = 1 << 14;
const KPF_COMPOUND_HEAD = 1 << 15;
const KPF_COMPOUND_TAIL = 1 << 16;
const KPF_HUGE = 1 << 17;
const KPF_NOPAGE = 1 << 20;
const KPF_PGTABLE = 1 << 26;
/** Neither charged page by page (slab), nor by memcg at all (hugetlb), nor a page. */
const NOT_CHARGED = KPF_SLAB | KPF_BUDDY | KPF_HUGE | KPF_NOPAGE;
/** Page cache that waits to be put on a list has no KPF_LRU yet, but no kernel memory has any of these. */
const IN_CACHE = KPF_LRU | KPF_UPTODATE | KPF_DIRTY | KPF_REFERENCED | KPF_MMAP;

/** No kpageflags were given: what the frame holds is not known. */
export const KIND_UNTOLD = 15;
const MAX_ORDER = 9;
/** The engine's memory holds fewer frames than this (docs/capacities.md). */
const MAX_OWNED = 150_000_000;

/** Owned frames in runs of equal folios, ascending: four numbers a run. */
export interface PageOwners {
  path: string;
  /** frames that the files cover */
  frames: number;
  /** frames that belong to a memory cgroup other than the root's */
  owned: number;
  /** calls `each` for every run: `count` folios of 2^order pages from frame `pfn` on, owned by the cgroup with inode `ino` */
  forEach(each: (pfn: number, count: number, ino: number, kind: number, order: number) => void): void;
}

/**
 * Reads `KPAGECGROUP[,KPAGEFLAGS]`, plain or compressed. Throws InputError for a file that is cut (its size must be a multiple of 8
 * bytes), for two files that do not cover the same frames, and where nothing is owned.
 */
export async function readPageOwners(option: string): Promise<PageOwners> {
  const paths = option.split(',');
  if (paths.length > 2 || paths.some((path) => path === ''))
    throw new InputError(`--page-owners ${option}: not KPAGECGROUP or KPAGECGROUP,KPAGEFLAGS`);
  const sources: ByteSource[] = [];
  try {
    for (const path of paths) sources.push(await ByteSource.open(path));
    const [owners, flags] = sources.map((source) => new Words(source));
    return await collect(owners!, flags ?? null);
  } finally {
    for (const source of sources) source.close();
  }
}

/** The u64 words of a file as chunks of two u32 each. */
class Words {
  readonly path: string;
  readonly #source: ByteSource;
  #rest: Buffer = Buffer.alloc(0);
  #chunk: Uint32Array = new Uint32Array(0);
  #at = 0;
  #words = 0;

  constructor(source: ByteSource) {
    this.path = source.path;
    this.#source = source;
  }

  /** Words at hand, after reading more if there are none; 0 at the end. */
  async available(): Promise<number> {
    while (this.#at === this.#chunk.length) {
      const bytes = await this.#source.next();
      if (bytes === null) {
        if (this.#rest.length > 0)
          throw new InputError(
            `${this.path}: byte ${this.#words * 8 + this.#rest.length}: cut within a frame's 8 bytes`,
          );
        return 0;
      }
      const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
      const whole = all.length - (all.length % 8);
      this.#rest = Buffer.from(all.subarray(whole));
      // A copy: a chunk need not be aligned.
      this.#chunk = new Uint32Array(whole / 4);
      new Uint8Array(this.#chunk.buffer).set(all.subarray(0, whole));
      this.#at = 0;
      this.#words += whole / 8;
    }
    return (this.#chunk.length - this.#at) / 2;
  }

  /** Takes `count` words that are available: pairs (low, high). */
  take(count: number): Uint32Array {
    const taken = this.#chunk.subarray(this.#at, this.#at + count * 2);
    this.#at += count * 2;
    return taken;
  }
}

class Runs {
  #data = new Float64Array(4096);
  #length = 0;

  add(pfn: number, ino: number, kind: number, order: number): void {
    const d = this.#data;
    const tag = kind * 16 + order;
    const last = this.#length - 4;
    if (last >= 0 && d[last + 2] === ino && d[last + 3] === tag && d[last]! + d[last + 1]! * 2 ** order === pfn) {
      d[last + 1]!++;
      return;
    }
    if (this.#length === d.length) {
      this.#data = new Float64Array(d.length * 2);
      this.#data.set(d);
    }
    this.#data.set([pfn, 1, ino, tag], this.#length);
    this.#length += 4;
  }

  forEach(each: (pfn: number, count: number, ino: number, kind: number, order: number) => void): void {
    for (let i = 0; i < this.#length; i += 4) {
      const tag = this.#data[i + 3]!;
      each(this.#data[i]!, this.#data[i + 1]!, this.#data[i + 2]!, Math.floor(tag / 16), tag % 16);
    }
  }
}

async function collect(owners: Words, flags: Words | null): Promise<PageOwners> {
  const runs = new Runs();
  let pfn = 0;
  let owned = 0;
  // The compound page at hand: its tails follow the head.
  let head = -1;
  let headIno = 0;
  let headKind = 0;
  let pages = 0;
  const flush = () => {
    for (let at = head; pages > 0; ) {
      // A power of two in reality; whatever it is, natural blocks that cover it.
      const order = Math.min(MAX_ORDER, Math.floor(Math.log2(pages)), at === 0 ? MAX_ORDER : trailingZeros(at));
      runs.add(at, headIno, headKind, order);
      at += 2 ** order;
      pages -= 2 ** order;
    }
    head = -1;
  };
  for (;;) {
    const n = await owners.available();
    const m = flags === null ? n : await flags.available();
    if (n === 0 || m === 0) {
      if (flags !== null && n !== m)
        throw new InputError(
          `${(n === 0 ? owners : flags).path}: ends at frame ${pfn}, before ${(n === 0 ? flags : owners).path}`,
        );
      break;
    }
    const count = Math.min(n, m);
    const o = owners.take(count);
    const f = flags?.take(count);
    for (let i = 0; i < count; i++, pfn++) {
      const bits = f === undefined ? 0 : f[i * 2]!;
      if (head >= 0) {
        if (bits & KPF_COMPOUND_TAIL) {
          pages++;
          owned++;
          continue;
        }
        flush();
      }
      const ino = o[i * 2 + 1]! * 2 ** 32 + o[i * 2]!;
      // 1 is the root's, whom nobody charges.
      if (ino <= 1 || bits & (NOT_CHARGED | KPF_COMPOUND_TAIL)) continue;
      if (++owned > MAX_OWNED) throw new InputError(`${owners.path}: more than ${MAX_OWNED} owned frames`);
      const kind = f === undefined ? KIND_UNTOLD : kindOf(bits);
      if (bits & KPF_COMPOUND_HEAD) {
        head = pfn;
        headIno = ino;
        headKind = kind;
        pages = 1;
      } else {
        runs.add(pfn, ino, kind, 0);
      }
    }
  }
  flush();
  if (owned === 0) throw new InputError(`${owners.path}: no frame in it belongs to a cgroup`);
  return { path: owners.path, frames: pfn, owned, forEach: (each) => runs.forEach(each) };
}

function kindOf(bits: number): number {
  if (bits & KPF_ANON) return ops.KIND_ANON;
  if (bits & KPF_SWAPBACKED) return ops.KIND_SHMEM;
  if (bits & KPF_PGTABLE) return ops.KIND_PAGETABLE;
  return bits & IN_CACHE ? ops.KIND_FILE : ops.KIND_KERNEL_OTHER;
}

function trailingZeros(n: number): number {
  let zeros = 0;
  while (n % 2 === 0) {
    zeros++;
    n /= 2;
  }
  return zeros;
}
