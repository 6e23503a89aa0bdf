/** What reader and writer of zstd share: the constants of RFC 8878 and the FSE tables that they come to. */
import { DamagedError } from './damaged.ts';

export const ZSTD_MAGIC = 0xfd2fb528;
/** 16 magics of frames to skip. */
export const SKIPPABLE_MAGIC = 0x184d2a50;
export const BLOCK_BYTES = 1 << 17;

/** Extra bits and base values of the codes of a literals length and of a match length. */
export const LL_BITS = Uint8Array.of(
  ...[
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ],
);
export const ML_BITS = Uint8Array.of(
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
);
export const LL_BASE = bases(LL_BITS, 0);
export const ML_BASE = bases(ML_BITS, 3);
export const MAX_LL_CODE = 35;
export const MAX_ML_CODE = 52;
export const MAX_OF_CODE = 31;
export const LL_LOG = 9;
export const ML_LOG = 9;
export const OF_LOG = 8;
export const HUFFMAN_BITS = 11;
export const WEIGHTS_LOG = 6;

export const LL_DEFAULT = Int16Array.of(
  ...[4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
);
export const ML_DEFAULT = Int16Array.of(
  ...[1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  ...[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1],
);
export const OF_DEFAULT = Int16Array.of(
  ...[1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
);
export const DEFAULT_LL_LOG = 6;
export const DEFAULT_ML_LOG = 6;
export const DEFAULT_OF_LOG = 5;

function bases(bits: Uint8Array, first: number): Uint32Array {
  const out = new Uint32Array(bits.length);
  let base = first;
  bits.forEach((count, code) => {
    out[code] = base;
    base += 2 ** count;
  });
  return out;
}

/** Position of the highest bit set; -1 for 0. */
export function highBit(value: number): number {
  return 31 - Math.clz32(value);
}

/** Which symbol each state of an FSE table stands for (RFC 8878, 4.1.1). `counts` sum to the table's size, -1 counting as 1. */
export function spread(counts: Int16Array, log: number): Uint8Array {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  let high = size;
  for (let s = 0; s < counts.length; s++) if (counts[s] === -1) symbols[--high] = s;
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let s = 0; s < counts.length; s++) {
    for (let i = 0; i < counts[s]!; i++) {
      symbols[at] = s;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  if (at !== 0) throw new DamagedError('bad FSE table');
  return symbols;
}
