/** SplitMix64, one generator per CPU: the only random choice is which stock slot is evicted. */
const mask = (x: bigint) => BigInt.asUintN(64, x);

function mix(x: bigint): bigint {
  const a = mask((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  const b = mask((a ^ (a >> 27n)) * 0x94d049bb133111ebn);
  return b ^ (b >> 31n);
}

export class Random {
  #state: bigint;

  constructor(seed: number, cpu: number) {
    this.#state = mix((BigInt(seed) << 32n) | BigInt(cpu + 1));
  }

  below(bound: number): number {
    this.#state = mask(this.#state + 0x9e3779b97f4a7c15n);
    return Number(((mix(this.#state) >> 32n) * BigInt(bound)) >> 32n);
  }
}
