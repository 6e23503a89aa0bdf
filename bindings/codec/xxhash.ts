/** XXH32 and XXH64 with seed 0: the checksums of LZ4 and zstd frames. */
const P32_1 = 0x9e3779b1 | 0;
const P32_2 = 0x85ebca77 | 0;
const P32_3 = 0xc2b2ae3d | 0;
const P32_4 = 0x27d4eb2f;
const P32_5 = 0x165667b1;

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** XXH32 of `bytes`, unsigned. */
export function xxh32(bytes: Uint8Array): number {
  let at = 0;
  let hash: number;
  if (bytes.length >= 16) {
    const lanes = [(P32_1 + P32_2) | 0, P32_2, 0, -P32_1 | 0];
    for (; at + 16 <= bytes.length; at += 16)
      for (let lane = 0; lane < 4; lane++)
        lanes[lane] = Math.imul(rotate((lanes[lane]! + Math.imul(word(bytes, at + lane * 4), P32_2)) | 0, 13), P32_1);
    hash = rotate(lanes[0]!, 1) + rotate(lanes[1]!, 7) + rotate(lanes[2]!, 12) + rotate(lanes[3]!, 18);
  } else {
    hash = P32_5;
  }
  hash = (hash + bytes.length) | 0;
  for (; at + 4 <= bytes.length; at += 4)
    hash = Math.imul(rotate((hash + Math.imul(word(bytes, at), P32_3)) | 0, 17), P32_4);
  for (; at < bytes.length; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, P32_5)) | 0, 11), P32_1);
  hash = Math.imul(hash ^ (hash >>> 15), P32_2);
  hash = Math.imul(hash ^ (hash >>> 13), P32_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const P1_LOW = 0x85ebca87 | 0;
const P1_HIGH = 0x9e3779b1 | 0;
const P2_LOW = 0x27d4eb4f;
const P2_HIGH = 0xc2b2ae3d | 0;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;
const U64 = (1n << 64n) - 1n;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = Math.imul(aLow, bLow) >>> 0;
  const middle = aHigh * bLow + (low >>> 16);
  const middle2 = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(middle2 / 65536)) | 0;
}

/**
 * XXH64 of a stream. The four lanes are kept as halves of 32 bits, since BigInts would cost an allocation for each step; only the end,
 * once in a stream, uses them.
 */
export class Xxh64 {
  readonly #low = new Int32Array(4);
  readonly #high = new Int32Array(4);
  readonly #rest = new Uint8Array(32);
  #restBytes = 0;
  #total = 0;

  constructor() {
    const seeds = [(P1 + P2) & U64, P2, 0n, -P1 & U64];
    seeds.forEach((seed, lane) => {
      this.#low[lane] = Number(seed & 0xffffffffn) | 0;
      this.#high[lane] = Number(seed >> 32n) | 0;
    });
  }

  update(bytes: Uint8Array): void {
    this.#total += bytes.length;
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(32 - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < 32) return;
      this.#stripes(this.#rest, 0, 32);
      this.#restBytes = 0;
    }
    const end = bytes.length - ((bytes.length - at) % 32);
    this.#stripes(bytes, at, end);
    this.#rest.set(bytes.subarray(end));
    this.#restBytes = bytes.length - end;
  }

  /** The low 32 bits, unsigned: what a zstd frame ends with. */
  digest32(): number {
    const lanes = [0, 1, 2, 3].map((lane) => (BigInt(this.#high[lane]! >>> 0) << 32n) | BigInt(this.#low[lane]! >>> 0));
    const turn = (value: bigint, by: bigint) => ((value << by) | (value >> (64n - by))) & U64;
    const round = (lane: bigint) => (turn((lane * P2) & U64, 31n) * P1) & U64;
    let hash = P5;
    if (this.#total >= 32) {
      hash = (turn(lanes[0]!, 1n) + turn(lanes[1]!, 7n) + turn(lanes[2]!, 12n) + turn(lanes[3]!, 18n)) & U64;
      for (const lane of lanes) hash = ((hash ^ round(lane)) * P1 + P4) & U64;
    }
    hash = (hash + BigInt(this.#total)) & U64;
    const rest = Buffer.from(this.#rest.buffer, 0, this.#restBytes);
    let at = 0;
    for (; at + 8 <= rest.length; at += 8) hash = (turn(hash ^ round(rest.readBigUInt64LE(at)), 27n) * P1 + P4) & U64;
    for (; at + 4 <= rest.length; at += 4)
      hash = (turn(hash ^ ((BigInt(rest.readUInt32LE(at)) * P1) & U64), 23n) * P2 + P3) & U64;
    for (; at < rest.length; at++) hash = (turn(hash ^ ((BigInt(rest[at]!) * P5) & U64), 11n) * P1) & U64;
    hash = ((hash ^ (hash >> 33n)) * P2) & U64;
    hash = ((hash ^ (hash >> 29n)) * P3) & U64;
    return Number((hash ^ (hash >> 32n)) & 0xffffffffn);
  }

  #stripes(bytes: Uint8Array, from: number, to: number): void {
    for (let lane = 0; lane < 4; lane++) {
      let low = this.#low[lane]!;
      let high = this.#high[lane]!;
      for (let at = from + lane * 8; at < to; at += 32) {
        const inLow = word(bytes, at);
        const inHigh = word(bytes, at + 4);
        // lane += input * P2
        const productLow = Math.imul(inLow, P2_LOW);
        const productHigh = (mulHigh(inLow, P2_LOW) + Math.imul(inHigh, P2_LOW) + Math.imul(inLow, P2_HIGH)) | 0;
        const sum = (low >>> 0) + (productLow >>> 0);
        high = (high + productHigh + (sum > 0xffffffff ? 1 : 0)) | 0;
        low = sum | 0;
        // lane = rotate(lane, 31) * P1
        const turnedHigh = (high << 31) | (low >>> 1);
        const turnedLow = (low << 31) | (high >>> 1);
        low = Math.imul(turnedLow, P1_LOW);
        high = (mulHigh(turnedLow, P1_LOW) + Math.imul(turnedHigh, P1_LOW) + Math.imul(turnedLow, P1_HIGH)) | 0;
      }
      this.#low[lane] = low;
      this.#high[lane] = high;
    }
  }
}
