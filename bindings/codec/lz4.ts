/** LZ4 frames (github.com/lz4/lz4/doc: lz4_Frame_format.md, lz4_Block_format.md), whole buffers: the bodies of Arrow record batches. */
import { DamagedError } from './damaged.ts';
import { xxh32 } from './xxhash.ts';

const MAGIC = 0x184d2204;
const MIN_MATCH = 4;
/** The last match begins at least 12 bytes, and ends at least 5 bytes, before the end of a block. */
const LAST_MATCH = 12;
const LAST_LITERALS = 5;
const MAX_DISTANCE = 65535;
/** Block size 7: 4 MiB. */
const BLOCK_BYTES = 1 << 22;
const HASH_BITS = 14;

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Decodes one frame of `size` bytes. Throws DamagedError where it is of another size. */
export function unlz4(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const need = (to: number) => {
    if (to > bytes.length) throw new DamagedError('unexpected end', true);
  };
  need(7);
  if (word(bytes, 0) !== MAGIC) throw new DamagedError('no LZ4 frame');
  const flags = bytes[4]!;
  if (flags >> 6 !== 1 || (flags & 3) !== 0) throw new DamagedError('unknown LZ4 frame flags');
  const blockChecks = (flags & 0x10) !== 0;
  const contentCheck = (flags & 4) !== 0;
  const independent = (flags & 0x20) !== 0;
  let at = flags & 8 ? 14 : 6;
  need(at + 1);
  if (((xxh32(bytes.subarray(4, at)) >>> 8) & 0xff) !== bytes[at]) throw new DamagedError('bad LZ4 frame header');
  at++;
  let end = 0;
  for (;;) {
    need(at + 4);
    const head = word(bytes, at) >>> 0;
    at += 4;
    if (head === 0) break;
    const length = head & 0x7fffffff;
    need(at + length);
    const block = bytes.subarray(at, at + length);
    at += length;
    if (blockChecks) {
      need(at + 4);
      if (xxh32(block) !== word(bytes, at) >>> 0) throw new DamagedError('the checksum of a block does not match');
      at += 4;
    }
    if (head >>> 31) {
      if (end + length > size) throw new DamagedError('longer than it says');
      out.set(block, end);
      end += length;
    } else {
      end = decodeBlock(block, out, end, independent ? end : 0);
    }
  }
  if (end !== size) throw new DamagedError('not as long as it says');
  if (contentCheck) {
    need(at + 4);
    if (xxh32(out) !== word(bytes, at) >>> 0) throw new DamagedError('the checksum does not match');
    at += 4;
  }
  return out;
}

/** Decodes a block to `out` from `end` on; matches reach back to `floor`. Answers the new end. */
function decodeBlock(bytes: Uint8Array, out: Uint8Array, end: number, floor: number): number {
  const size = bytes.length;
  for (let at = 0; at < size; ) {
    const token = bytes[at++]!;
    let run = token >> 4;
    if (run === 15) {
      let more = 255;
      while (more === 255 && at < size) {
        more = bytes[at++]!;
        run += more;
      }
    }
    if (at + run > size || end + run > out.length) throw new DamagedError('bad LZ4 block');
    if (run <= 24) for (let k = 0; k < run; k++) out[end + k] = bytes[at + k]!;
    else out.set(bytes.subarray(at, at + run), end);
    at += run;
    end += run;
    if (at === size) return end;
    if (at + 2 > size) throw new DamagedError('bad LZ4 block');
    const offset = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    let length = (token & 15) + MIN_MATCH;
    if (length === 15 + MIN_MATCH) {
      let more = 255;
      while (more === 255 && at < size) {
        more = bytes[at++]!;
        length += more;
      }
    }
    const from = end - offset;
    if (offset === 0 || from < floor || end + length > out.length) throw new DamagedError('bad LZ4 block');
    if (length <= 24 || offset < length) for (let k = 0; k < length; k++) out[end + k] = out[from + k]!;
    else out.copyWithin(end, from, from + length);
    end += length;
  }
  throw new DamagedError('bad LZ4 block');
}

const table = new Int32Array(1 << HASH_BITS);

/** Encodes `bytes` as one frame of independent blocks, greedily and fast. */
export function lz4(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length + Math.ceil(bytes.length / BLOCK_BYTES) * 4 + 32);
  out.writeUInt32LE(MAGIC, 0);
  // Version 1, independent blocks, content size; blocks of 4 MiB at most.
  out[4] = 0x68;
  out[5] = 0x70;
  out.writeUInt32LE(bytes.length % 2 ** 32, 6);
  out.writeUInt32LE(Math.floor(bytes.length / 2 ** 32), 10);
  out[14] = (xxh32(out.subarray(4, 14)) >>> 8) & 0xff;
  let end = 15;
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const block = bytes.subarray(from, from + BLOCK_BYTES);
    const length = encodeBlock(block, out, end + 4);
    if (length === 0) {
      out.writeUInt32LE((block.length | 0x80000000) >>> 0, end);
      out.set(block, end + 4);
      end += 4 + block.length;
    } else {
      out.writeUInt32LE(length, end);
      end += 4 + length;
    }
  }
  out.writeUInt32LE(0, end);
  return out.subarray(0, end + 4);
}

/** Encodes a block to `out`; answers its length, 0 where it would not be shorter than `bytes`. */
function encodeBlock(bytes: Uint8Array, out: Uint8Array, begin: number): number {
  const size = bytes.length;
  const stop = begin + size - 1;
  let end = begin;
  let anchor = 0;
  if (size > LAST_MATCH) {
    table.fill(-1);
    const lastMatch = size - LAST_MATCH;
    const lastLiterals = size - LAST_LITERALS;
    let misses = 0;
    for (let at = 0; at <= lastMatch; ) {
      const value = word(bytes, at);
      const hash = Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS);
      let from = table[hash]!;
      table[hash] = at;
      if (from < 0 || at - from > MAX_DISTANCE || word(bytes, from) !== value) {
        // The longer nothing matches, the longer the steps.
        at += 1 + (misses++ >> 6);
        continue;
      }
      misses = 0;
      while (at > anchor && from > 0 && bytes[at - 1] === bytes[from - 1]) {
        at--;
        from--;
      }
      let length = MIN_MATCH;
      while (at + length < lastLiterals && bytes[at + length] === bytes[from + length]) length++;
      const run = at - anchor;
      if (end + run + Math.floor(run / 255) + Math.floor(length / 255) + 5 > stop) return 0;
      end = literals(bytes, anchor, run, out, end, Math.min(15, length - MIN_MATCH));
      out[end++] = (at - from) & 0xff;
      out[end++] = (at - from) >> 8;
      for (let rest = length - MIN_MATCH - 15; rest >= 0; rest -= 255) out[end++] = Math.min(rest, 255);
      at += length;
      anchor = at;
    }
  }
  const run = size - anchor;
  if (end + run + Math.floor(run / 255) + 2 > stop) return 0;
  return literals(bytes, anchor, run, out, end, 0) - begin;
}

/** A token and its literals. */
function literals(bytes: Uint8Array, from: number, run: number, out: Uint8Array, end: number, match: number): number {
  out[end++] = (Math.min(15, run) << 4) | match;
  for (let rest = run - 15; rest >= 0; rest -= 255) out[end++] = Math.min(rest, 255);
  if (run <= 24) for (let k = 0; k < run; k++) out[end + k] = bytes[from + k]!;
  else out.set(bytes.subarray(from, from + run), end);
  return end + run;
}
