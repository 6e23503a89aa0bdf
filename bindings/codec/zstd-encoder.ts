/**
 * zstd frames for whole buffers, fast: greedy matches by one hash table and the last offset, Huffman literals, FSE tables made for each
 * block. About what `zstd -1` does; the bodies of Arrow record batches need no more.
 */
import * as F from './zstd-format.ts';

const HASH_BITS = 16;
const MIN_MATCH = 4;
/** Matches end this far before the end of a block, so that four bytes can be looked at anywhere. */
const TAIL = 8;
const MAX_SEQUENCES = F.BLOCK_BYTES / MIN_MATCH;

const heads = new Int32Array(1 << HASH_BITS);
const literals = new Uint8Array(F.BLOCK_BYTES + TAIL);
const runs = new Uint32Array(MAX_SEQUENCES);
const lengths = new Uint32Array(MAX_SEQUENCES);
/** as in the format: offset + 3, or 1 to 3 for one used before */
const offsets = new Uint32Array(MAX_SEQUENCES);
const llCodes = new Uint8Array(MAX_SEQUENCES);
const mlCodes = new Uint8Array(MAX_SEQUENCES);
const ofCodes = new Uint8Array(MAX_SEQUENCES);

/** Encodes `bytes`, fewer than 2^31 of them, as one frame. */
export function zstd(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(bytes.length / F.BLOCK_BYTES));
  const out = Buffer.allocUnsafe(bytes.length + blocks * 3 + 16);
  out.writeUInt32LE(F.ZSTD_MAGIC, 0);
  // A single segment, content size in four bytes: the window is the whole.
  out[4] = 0xa0;
  out.writeUInt32LE(bytes.length, 5);
  let end = 9;
  heads.fill(-1);
  const repeated = [1, 4, 8];
  for (let from = 0, i = 0; i < blocks; i++) {
    const to = Math.min(bytes.length, from + F.BLOCK_BYTES);
    const before = [...repeated];
    const length = block(bytes, from, to, repeated, out, end + 3);
    const last = i + 1 === blocks ? 1 : 0;
    if (length === 0) {
      // Raw; the decoder's offsets stay as they were.
      repeated.splice(0, 3, ...before);
      out.writeUIntLE(last | ((to - from) << 3), end, 3);
      out.set(bytes.subarray(from, to), end + 3);
      end += 3 + to - from;
    } else {
      out.writeUIntLE(last | (2 << 1) | (length << 3), end, 3);
      end += 3 + length;
    }
    from = to;
  }
  return out.subarray(0, end);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Encodes [from, to) as a compressed block at `at`; answers its length, 0 where raw bytes would be shorter. */
function block(bytes: Uint8Array, from: number, to: number, repeated: number[], out: Buffer, at: number): number {
  if (to - from < 16) return 0;
  const { count, literalBytes } = findMatches(bytes, from, to, repeated);
  const writer = new Bytes(out, at, at + to - from - 1);
  writeLiterals(writer, literalBytes);
  writeSequences(writer, count);
  return writer.full ? 0 : writer.at - at;
}

/** Fills the tables of sequences and literals. */
function findMatches(
  bytes: Uint8Array,
  from: number,
  to: number,
  repeated: number[],
): { count: number; literalBytes: number } {
  let [rep0, rep1, rep2] = repeated as [number, number, number];
  let count = 0;
  let literalBytes = 0;
  let anchor = from;
  let misses = 0;
  const last = to - TAIL;
  for (let at = from; at < last; ) {
    const value = word(bytes, at);
    const hash = Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS);
    const head = heads[hash]!;
    heads[hash] = at;
    let offset = 0;
    let begin = at;
    if (at + 1 - rep0 >= 0 && word(bytes, at + 1 - rep0) === word(bytes, at + 1)) {
      begin = at + 1;
      offset = rep0;
    } else if (head >= 0 && word(bytes, head) === value) {
      offset = at - head;
      while (begin > anchor && begin - offset > 0 && bytes[begin - 1] === bytes[begin - 1 - offset]) begin--;
    } else {
      at += 1 + (misses++ >> 7);
      continue;
    }
    misses = 0;
    let end = Math.max(begin, at) + MIN_MATCH;
    while (end < to && bytes[end] === bytes[end - offset]) end++;
    const run = begin - anchor;
    literals.set(bytes.subarray(anchor, begin), literalBytes);
    literalBytes += run;
    runs[count] = run;
    lengths[count] = end - begin;
    // Of the offsets used before only the last is looked for, which without literals means the last but one.
    if (offset === rep0 && run > 0) {
      offsets[count] = 1;
    } else if (offset === rep1) {
      offsets[count] = run > 0 ? 2 : 1;
      rep1 = rep0;
      rep0 = offset;
    } else {
      offsets[count] = offset + 3;
      rep2 = rep1;
      rep1 = rep0;
      rep0 = offset;
    }
    count++;
    // A few positions inside the match, so that what follows finds it.
    if (end < last) heads[Math.imul(word(bytes, end - 2), 0x9e3779b1) >>> (32 - HASH_BITS)] = end - 2;
    at = end;
    anchor = end;
  }
  literals.set(bytes.subarray(anchor, to), literalBytes);
  literalBytes += to - anchor;
  repeated.splice(0, 3, rep0, rep1, rep2);
  return { count, literalBytes };
}

/** Bytes and, backwards to the reader, bits; once the room is used up it only says so. */
class Bytes {
  at: number;
  full = false;
  readonly #out: Uint8Array;
  readonly #limit: number;
  #bits = 0;
  #count = 0;

  constructor(out: Uint8Array, at: number, limit: number) {
    this.#out = out;
    this.at = at;
    this.#limit = limit;
  }

  byte(value: number): void {
    if (this.at >= this.#limit) this.full = true;
    else this.#out[this.at++] = value;
  }

  copy(bytes: Uint8Array): void {
    if (this.at + bytes.length > this.#limit) this.full = true;
    else {
      this.#out.set(bytes, this.at);
      this.at += bytes.length;
    }
  }

  number(value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.byte(Math.floor(value / 2 ** (8 * i)) & 0xff);
  }

  /** Puts a number into bytes already written. */
  patch(at: number, value: number): void {
    this.#out[at] = value & 0xff;
    this.#out[at + 1] = value >> 8;
  }

  /** `count` low bits of `value`, 24 at most. */
  bits(value: number, count: number): void {
    this.#bits |= (value & ((1 << count) - 1)) << this.#count;
    this.#count += count;
    while (this.#count >= 8) {
      if (this.at >= this.#limit) this.full = true;
      else this.#out[this.at++] = this.#bits & 0xff;
      this.#bits >>>= 8;
      this.#count -= 8;
    }
  }

  /** Fills the last byte with zeros; `mark`: the bit that a backward reader looks for comes first. */
  endBits(mark: boolean): void {
    if (mark) this.bits(1, 1);
    if (this.#count > 0) this.bits(0, 8 - this.#count);
  }
}

// --- literals

function writeLiterals(out: Bytes, size: number): void {
  const counts = new Uint32Array(256);
  for (let i = 0; i < size; i++) counts[literals[i]!]!++;
  let most = 0;
  let symbols = 0;
  for (const count of counts) {
    if (count > most) most = count;
    if (count > 0) symbols++;
  }
  const head = size < 32 ? 1 : size < 4096 ? 2 : 3;
  const plain = (type: number) => out.number(type | ([0, 0, 1, 3][head]! << 2) | (size * (head === 1 ? 8 : 16)), head);
  if (symbols === 1) {
    plain(1);
    out.byte(literals[0]!);
    return;
  }
  // Flat bytes, or too few for a table to pay.
  if (size < 64 || most < size / 128 + 4 || !writeHuffman(out, size, counts)) {
    plain(0);
    out.copy(literals.subarray(0, size));
  }
}

/** Answers false, having written nothing, where the literals would not get shorter. */
function writeHuffman(out: Bytes, size: number, counts: Uint32Array): boolean {
  const bits = codeLengths(counts);
  if (bits === null) return false;
  const longest = Math.max(...bits);
  let total = 0;
  for (let s = 0; s < 256; s++) total += counts[s]! * bits[s]!;
  if (total / 8 + 64 > size) return false;
  const description = describe(bits, longest);
  if (description === null) return false;
  const codes = canonical(bits, longest);
  const single = size < 256;
  const head = size < 1024 ? 3 : size < 16384 ? 4 : 5;
  const width = head === 3 ? 10 : head === 4 ? 14 : 18;
  const payload = new Uint8Array(size + 16);
  const body = new Bytes(payload, 0, size);
  body.copy(description);
  const stream = (from: number, to: number) => {
    for (let i = to - 1; i >= from; i--) body.bits(codes[literals[i]!]!, bits[literals[i]!]!);
    body.endBits(true);
  };
  if (single) {
    stream(0, size);
  } else {
    const jump = body.at;
    body.number(0, 6);
    const quarter = (size + 3) >> 2;
    for (let i = 0; i < 4; i++) {
      const from = body.at;
      stream(quarter * i, i === 3 ? size : quarter * (i + 1));
      if (i < 3) body.patch(jump + 2 * i, body.at - from);
    }
  }
  if (body.full || (head === 3 && body.at >= 1024)) return false;
  const format = single ? 0 : head - 2;
  out.number(2 + format * 4 + size * 16 + body.at * 16 * 2 ** width, head);
  out.copy(payload.subarray(0, body.at));
  return true;
}

/** Lengths of Huffman codes, 11 bits at most (0: not used), of two symbols at least; null: no complete code was found. */
function codeLengths(counts: Uint32Array): Uint8Array | null {
  const bits = new Uint8Array(256);
  const order: number[] = [];
  counts.forEach((count, s) => {
    if (count > 0) order.push(s);
  });
  order.sort((a, b) => counts[a]! - counts[b]! || a - b);
  // Two queues: leaves in order, and inner nodes, which are made in order.
  const weight = order.map((s) => counts[s]!);
  const parent = new Int32Array(order.length * 2);
  let leaf = 0;
  let inner = order.length;
  const lightest = () =>
    leaf < order.length && (inner >= weight.length || weight[leaf]! <= weight[inner]!) ? leaf++ : inner++;
  while (weight.length < order.length * 2 - 1) {
    const a = lightest();
    const b = lightest();
    parent[a] = parent[b] = weight.length;
    weight.push(weight[a]! + weight[b]!);
  }
  const depth = new Uint8Array(weight.length);
  for (let node = weight.length - 2; node >= 0; node--) depth[node] = depth[parent[node]!]! + 1;
  // Too long codes become 11 bits; others pay for it, the rarest first (Kraft's sum in units of 2^-11).
  let sum = 0;
  order.forEach((_, i) => {
    depth[i] = Math.min(depth[i]!, F.HUFFMAN_BITS);
    sum += 1 << (F.HUFFMAN_BITS - depth[i]!);
  });
  while (sum > 1 << F.HUFFMAN_BITS) {
    let i = 0;
    while (depth[i] === F.HUFFMAN_BITS) i++;
    sum -= 1 << (F.HUFFMAN_BITS - depth[i]! - 1);
    depth[i]!++;
  }
  // What is left goes to the commonest that can take it.
  for (let i = order.length - 1; i >= 0; i--)
    while (sum + (1 << (F.HUFFMAN_BITS - depth[i]!)) <= 1 << F.HUFFMAN_BITS) {
      sum += 1 << (F.HUFFMAN_BITS - depth[i]!);
      depth[i]!--;
    }
  if (sum !== 1 << F.HUFFMAN_BITS) return null;
  order.forEach((s, i) => {
    bits[s] = depth[i]!;
  });
  return bits;
}

/** Codes as the format orders them: longest first from 0 on, by symbol among equals. */
function canonical(bits: Uint8Array, longest: number): Uint16Array {
  const codes = new Uint16Array(256);
  let at = 0;
  for (let length = longest; length > 0; length--) {
    for (let s = 0; s < 256; s++) {
      if (bits[s] !== length) continue;
      codes[s] = at >> (longest - length);
      at += 1 << (longest - length);
    }
  }
  return codes;
}

/** The weights of all symbols but the last used, packed; null where the format has no way to say them. */
function describe(bits: Uint8Array, longest: number): Uint8Array | null {
  let last = 255;
  while (bits[last] === 0) last--;
  const weights = bits.subarray(0, last).map((length) => (length === 0 ? 0 : longest + 1 - length));
  const packed = Buffer.alloc(256);
  const fse = new Bytes(packed, 1, 128);
  const counts = new Uint32Array(F.HUFFMAN_BITS + 1);
  for (const weight of weights) counts[weight]!++;
  if (weights.length > 2 && counts.some((count) => count > 0 && count < weights.length)) {
    const table = Coder.of(counts, weights.length, F.WEIGHTS_LOG);
    table.describe(fse);
    const states = [-1, -1];
    for (let i = weights.length - 1; i >= 0; i--) states[i & 1] = table.encode(fse, states[i & 1]!, weights[i]!);
    fse.bits(states[1]!, table.log);
    fse.bits(states[0]!, table.log);
    fse.endBits(true);
    const size = fse.at - 1;
    if (!fse.full && (weights.length > 128 || size < weights.length / 2)) {
      packed[0] = size;
      return packed.subarray(0, size + 1);
    }
  }
  if (weights.length > 128) return null;
  packed[0] = 127 + weights.length;
  for (let i = 0; i < weights.length; i += 2) packed[1 + i / 2] = (weights[i]! << 4) | (weights[i + 1] ?? 0);
  return packed.subarray(0, 1 + ((weights.length + 1) >> 1));
}

// --- FSE

/** An FSE table for writing (RFC 8878, 4.1; the transformation is FSE_buildCTable's). */
class Coder {
  readonly log: number;
  readonly #counts: Int16Array;
  readonly #next: Uint16Array;
  readonly #deltaBits: Int32Array;
  readonly #deltaState: Int32Array;

  /** A table for symbols that occur `counts` times, `total` together; more than one occurs. */
  static of(counts: Uint32Array, total: number, maxLog: number): Coder {
    let last = counts.length - 1;
    while (counts[last] === 0) last--;
    let log = Math.max(5, Math.min(maxLog, F.highBit(total) - 1));
    let used = 0;
    for (const count of counts) if (count > 0) used++;
    while (1 << log < used * 2 && log < maxLog) log++;
    return new Coder(normalize(counts.subarray(0, last + 1), total, log), log);
  }

  /** `counts` sum to 2^log. */
  constructor(counts: Int16Array, log: number) {
    this.log = log;
    this.#counts = counts;
    const last = counts.length - 1;
    const size = 1 << log;
    this.#next = new Uint16Array(size);
    this.#deltaBits = new Int32Array(last + 1);
    this.#deltaState = new Int32Array(last + 1);
    const begin = new Uint16Array(last + 2);
    for (let s = 0; s <= last; s++) begin[s + 1] = begin[s]! + Math.abs(this.#counts[s]!);
    const fill = begin.slice();
    F.spread(this.#counts, log).forEach((s, state) => {
      this.#next[fill[s]!++] = size + state;
    });
    for (let s = 0; s <= last; s++) {
      const count = Math.abs(this.#counts[s]!);
      if (count === 0) continue;
      const bits = count === 1 ? log : log - F.highBit(count - 1);
      this.#deltaBits[s] = (bits << 16) - (count << bits);
      this.#deltaState[s] = begin[s]! - count;
    }
  }

  /** The state after `symbol`; `state` -1 begins. */
  encode(out: Bytes, state: number, symbol: number): number {
    const delta = this.#deltaBits[symbol]!;
    if (state < 0) {
      const bits = (delta + (1 << 15)) >> 16;
      return this.#next[(((bits << 16) - delta) >> bits) + this.#deltaState[symbol]!]!;
    }
    const bits = (state + delta) >> 16;
    out.bits(state, bits);
    return this.#next[(state >> bits) + this.#deltaState[symbol]!]!;
  }

  describe(out: Bytes): void {
    out.bits(this.log - 5, 4);
    let left = 1 << this.log;
    const counts = this.#counts;
    for (let s = 0; s < counts.length && left > 0; s++) {
      const bits = F.highBit(left + 1) + 1;
      const short = (1 << bits) - 1 - (left + 1);
      const value = counts[s]! + 1;
      const half = 1 << (bits - 1);
      if (value < short) out.bits(value, bits - 1);
      else out.bits(value >= half ? value + short : value, bits);
      left -= Math.abs(counts[s]!);
      if (counts[s] !== 0) continue;
      let zeros = 0;
      while (counts[s + 1] === 0) {
        zeros++;
        s++;
      }
      for (; zeros >= 3; zeros -= 3) out.bits(3, 2);
      out.bits(zeros, 2);
    }
    out.endBits(false);
  }
}

/** Scales `counts` so that they sum to 2^log and none that occurs is 0. */
function normalize(counts: Uint32Array, total: number, log: number): Int16Array {
  const size = 1 << log;
  const out = new Int16Array(counts.length);
  let sum = 0;
  counts.forEach((count, s) => {
    if (count === 0) return;
    out[s] = Math.max(1, Math.floor((count * size) / total));
    sum += out[s]!;
  });
  // The commonest symbols give or take the difference.
  while (sum !== size) {
    let most = 0;
    for (let s = 1; s < out.length; s++) if (out[s]! > out[most]!) most = s;
    const change = sum < size ? size - sum : -Math.min(sum - size, Math.max(1, out[most]! >> 2));
    out[most]! += change;
    sum += change;
  }
  return out;
}

// --- sequences

function codeOf(bases: Uint32Array, value: number, last: number): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bases[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

const LL_SMALL = Uint8Array.from({ length: 256 }, (_, value) => codeOf(F.LL_BASE, value, F.MAX_LL_CODE));
const ML_SMALL = Uint8Array.from({ length: 256 }, (_, value) => codeOf(F.ML_BASE, value, F.MAX_ML_CODE));

function writeSequences(out: Bytes, count: number): void {
  if (count < 128) out.byte(count);
  else if (count < 0x7f00) out.number((count >> 8) + 128 + ((count & 0xff) << 8), 2);
  else out.number(255 + (count - 0x7f00) * 256, 3);
  if (count === 0) return;
  for (let i = 0; i < count; i++) {
    const run = runs[i]!;
    const length = lengths[i]!;
    llCodes[i] = run < 256 ? LL_SMALL[run]! : codeOf(F.LL_BASE, run, F.MAX_LL_CODE);
    mlCodes[i] = length < 256 ? ML_SMALL[length]! : codeOf(F.ML_BASE, length, F.MAX_ML_CODE);
    ofCodes[i] = F.highBit(offsets[i]!);
  }
  const tables = [
    choose(llCodes, count, F.LL_LOG, F.LL_DEFAULT, F.DEFAULT_LL_LOG),
    choose(ofCodes, count, F.OF_LOG, F.OF_DEFAULT, F.DEFAULT_OF_LOG),
    choose(mlCodes, count, F.ML_LOG, F.ML_DEFAULT, F.DEFAULT_ML_LOG),
  ] as const;
  const [ll, of, ml] = tables;
  out.byte((ll.mode << 6) | (of.mode << 4) | (ml.mode << 2));
  for (const table of tables) {
    if (table.mode === 1) out.byte(table.symbol);
    else if (table.mode === 2) table.coder?.describe(out);
  }
  let llState = -1;
  let ofState = -1;
  let mlState = -1;
  for (let i = count - 1; i >= 0; i--) {
    const llCode = llCodes[i]!;
    const mlCode = mlCodes[i]!;
    const ofCode = ofCodes[i]!;
    if (of.coder) ofState = of.coder.encode(out, ofState, ofCode);
    if (ml.coder) mlState = ml.coder.encode(out, mlState, mlCode);
    if (ll.coder) llState = ll.coder.encode(out, llState, llCode);
    out.bits(runs[i]! - F.LL_BASE[llCode]!, F.LL_BITS[llCode]!);
    out.bits(lengths[i]! - F.ML_BASE[mlCode]!, F.ML_BITS[mlCode]!);
    const extra = offsets[i]! - (1 << ofCode);
    if (ofCode > 16) {
      out.bits(extra & 0xffff, 16);
      out.bits(extra >>> 16, ofCode - 16);
    } else {
      out.bits(extra, ofCode);
    }
  }
  if (ml.coder) out.bits(mlState, ml.coder.log);
  if (of.coder) out.bits(ofState, of.coder.log);
  if (ll.coder) out.bits(llState, ll.coder.log);
  out.endBits(true);
}

/** Mode 0: the format's own table, 1: one symbol, 2: a table of this block's. */
function choose(codes: Uint8Array, count: number, maxLog: number, normal: Int16Array, normalLog: number) {
  const counts = new Uint32Array(64);
  for (let i = 0; i < count; i++) counts[codes[i]!]!++;
  const symbol = codes[0]!;
  if (counts[symbol] === count) return { mode: 1, symbol, coder: null };
  const known = counts.every((n, s) => n === 0 || s < normal.length);
  if (count < 64 && known) return { mode: 0, symbol, coder: new Coder(normal, normalLog) };
  return { mode: 2, symbol, coder: Coder.of(counts, count, maxLog) };
}
