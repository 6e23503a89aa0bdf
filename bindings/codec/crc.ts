/** The checks of the xz format: CRC-32 (IEEE) and CRC-64 (ECMA-182), both reflected. */
const CRC32 = new Int32Array(256);
const CRC64_LOW = new Int32Array(256);
const CRC64_HIGH = new Int32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  let low = n;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    const odd = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd) {
      low ^= 0xd7870f42;
      high ^= 0xc96c5795;
    }
  }
  CRC32[n] = c;
  CRC64_LOW[n] = low;
  CRC64_HIGH[n] = high;
}

/** CRC-32 of `bytes`, going on from `crc`. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  let c = ~crc;
  for (let i = 0; i < bytes.length; i++) c = CRC32[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}

export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes: Uint8Array): void {
    let low = this.#low;
    let high = this.#high;
    for (let i = 0; i < bytes.length; i++) {
      const n = (low ^ bytes[i]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ CRC64_LOW[n]!;
      high = (high >>> 8) ^ CRC64_HIGH[n]!;
    }
    this.#low = low;
    this.#high = high;
  }

  /** Eight bytes, little endian. */
  digest(): Buffer {
    const out = Buffer.alloc(8);
    out.writeInt32LE(~this.#low, 0);
    out.writeInt32LE(~this.#high, 4);
    return out;
  }
}
