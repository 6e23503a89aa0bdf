/** zstd frames (RFC 8878), block by block. Dictionaries are not supported; checksums are checked. */
import type { ByteQueue } from './byte-queue.ts';
import { DamagedError, MAX_WINDOW } from './damaged.ts';
import { Window } from './window.ts';
import { Xxh64 } from './xxhash.ts';
import * as F from './zstd-format.ts';

/** Slack behind a block, so that four bytes can be read at any of its positions. */
const SLACK = 8;

/** Decodes all frames of a zstd file. Throws DamagedError. */
export async function* unzstd(input: ByteQueue): AsyncGenerator<Buffer, undefined> {
  const stream = new ZstdStream();
  // Copies: the decoder writes its next block where the last one was.
  while ((await input.peek()) !== -1)
    for (const piece of stream.push(input.takeReady(input.ready))) yield Buffer.from(piece);
  if (stream.between !== 'frames') throw new DamagedError('unexpected end', true);
  return undefined;
}

/** Decodes one buffer of known size: of one frame or several. Throws DamagedError where it is of another size. */
export function unzstdBuffer(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  const stream = new ZstdStream();
  let end = 0;
  for (const piece of stream.push(bytes)) {
    if (end + piece.length > size) throw new DamagedError('longer than it says');
    out.set(piece, end);
    end += piece.length;
  }
  if (bytes.length > 0 && stream.between !== 'frames') throw new DamagedError('unexpected end', true);
  if (end !== size) throw new DamagedError('not as long as it says');
  return out;
}

type Step = 'magic' | 'skipped size' | 'skipped' | 'descriptor' | 'header' | 'block header' | 'block' | 'checksum';

/**
 * A decoder that is handed the bytes of a stream in pieces of any size: frames one after the other, some of them to be skipped.
 * Holds a window, which grows with the output, and a block.
 */
export class ZstdStream {
  /** where the input pushed so far ends: nowhere yet, after a whole frame, after a block of one, or else in the middle of something */
  between: 'nothing' | 'frames' | 'blocks' | null = 'nothing';
  readonly #blocks = new BlockDecoder();
  #step: Step = 'magic';
  /** bytes that the step takes, all at once save for `skipped` */
  #need = 4;
  /** bytes of the step that came with earlier pieces */
  readonly #held = new Uint8Array(F.BLOCK_BYTES);
  #heldBytes = 0;
  #header: FrameHeader = { window: 0, size: null, checksum: false };
  #block = { last: false, type: RAW, size: 0, stored: 0 };
  #hash: Xxh64 | null = null;
  /** bytes that the frame has become */
  #size = 0;

  /**
   * Decodes as far as `bytes` go, block by block; each answer is a view that is valid until the next. Throws DamagedError, after which
   * the stream is of no use.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, undefined> {
    for (let at = 0; ; ) {
      const need = this.#need - this.#heldBytes;
      const ready = Math.min(need, bytes.length - at);
      if (ready > 0) this.between = null;
      if (this.#step === 'skipped') {
        at += ready;
        this.#need -= ready;
        if (ready < need) return undefined;
        this.#endOfFrame();
        continue;
      }
      if (ready < need) {
        this.#held.set(bytes.subarray(at), this.#heldBytes);
        this.#heldBytes += ready;
        return undefined;
      }
      let part = bytes.subarray(at, at + ready);
      if (this.#heldBytes > 0) {
        this.#held.set(part, this.#heldBytes);
        part = this.#held.subarray(0, this.#need);
      }
      at += ready;
      this.#heldBytes = 0;
      if (this.#step !== 'block') {
        this.#take(part);
        continue;
      }
      const { type, size } = this.#block;
      const piece = this.#blocks.block(type, part, size);
      this.#endOfBlock(piece);
      if (piece.length > 0) yield piece;
    }
  }

  #take(part: Uint8Array): void {
    switch (this.#step) {
      case 'magic': {
        const magic = word(part);
        if ((magic & 0xfffffff0) >>> 0 === F.SKIPPABLE_MAGIC) this.#expect('skipped size', 4);
        else if (magic === F.ZSTD_MAGIC) this.#expect('descriptor', 1);
        else throw new DamagedError('something else where a zstd frame should begin');
        break;
      }
      case 'skipped size':
        this.#expect('skipped', word(part));
        break;
      case 'descriptor':
        // The header begins with the descriptor, which says how long it is.
        this.#held[0] = part[0]!;
        this.#heldBytes = 1;
        this.#expect('header', headerBytes(part[0]!));
        break;
      case 'header':
        this.#header = frameHeader(part);
        this.#hash = this.#header.checksum ? new Xxh64() : null;
        this.#size = 0;
        this.#blocks.begin(this.#header.window);
        this.#expect('block header', 3);
        break;
      case 'block header':
        this.#block = blockHeader(part[0]!, part[1]!, part[2]!, this.#header.window);
        this.#expect('block', this.#block.stored);
        break;
      case 'checksum':
        if (this.#hash!.digest32() !== word(part)) throw new DamagedError('the checksum does not match');
        this.#endOfFrame();
        break;
      default:
    }
  }

  #endOfBlock(piece: Uint8Array): void {
    const { size, checksum } = this.#header;
    this.#hash?.update(piece);
    this.#size += piece.length;
    if (size !== null && this.#size > size) throw new DamagedError('a frame is longer than it says');
    if (!this.#block.last) {
      this.between = 'blocks';
      this.#expect('block header', 3);
      return;
    }
    if (size !== null && this.#size !== size) throw new DamagedError('a frame is not as long as it says');
    if (checksum) this.#expect('checksum', 4);
    else this.#endOfFrame();
  }

  #endOfFrame(): void {
    this.between = 'frames';
    this.#expect('magic', 4);
  }

  #expect(step: Step, need: number): void {
    this.#step = step;
    this.#need = need;
  }
}

interface FrameHeader {
  window: number;
  size: number | null;
  checksum: boolean;
}

/** Bytes of a frame header after the magic, by its first byte. */
function headerBytes(descriptor: number): number {
  const single = (descriptor >> 5) & 1;
  const size = descriptor >> 6;
  return 1 + (1 - single) + [0, 1, 2, 4][descriptor & 3]! + (size === 0 ? single : 1 << size);
}

/** Reads a whole header. */
function frameHeader(bytes: Uint8Array): FrameHeader {
  const descriptor = bytes[0]!;
  if ((descriptor & 8) !== 0) throw new DamagedError('unknown frame flags');
  const single = (descriptor >> 5) & 1;
  let at = 1;
  let window = 0;
  if (!single) {
    const byte = bytes[at++]!;
    const base = 2 ** (10 + (byte >> 3));
    window = base + (base / 8) * (byte & 7);
  }
  const number = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) value += bytes[at++]! * 2 ** (8 * i);
    return value;
  };
  if (number([0, 1, 2, 4][descriptor & 3]!) !== 0) throw new DamagedError('needs a dictionary, which is not supported');
  const sizeBytes = descriptor >> 6 === 0 ? single : 1 << (descriptor >> 6);
  const size = sizeBytes === 0 ? null : number(sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  if (single) window = size ?? 0;
  if (window > MAX_WINDOW)
    throw new DamagedError(`needs a window of ${Math.ceil(window / 2 ** 20)} MiB, ${MAX_WINDOW >> 20} at most`);
  return { window, size, checksum: (descriptor & 4) !== 0 };
}

const RAW = 0;
const RLE = 1;

/** `stored` bytes follow the header; `size` is what a raw or RLE block becomes. */
function blockHeader(a: number, b: number, c: number, window: number) {
  const value = a | (b << 8) | (c << 16);
  const type = (value >> 1) & 3;
  const size = value >> 3;
  if (type === 3) throw new DamagedError('unknown block');
  if (size > Math.min(F.BLOCK_BYTES, window)) throw new DamagedError('a block is too large');
  return { last: (value & 1) !== 0, type, size, stored: type === RLE ? 1 : size };
}

function word(bytes: Uint8Array): number {
  return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
}

// --- bits

/** Bits of a block's payload, read from its end to its beginning. */
class BackwardBits {
  bytes: Uint8Array;
  /** bits left; below 0: more were read than there are */
  left = 0;
  #from = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The stream of [from, to); its last byte's highest set bit is the end mark. */
  open(from: number, to: number): void {
    const last = to > from ? this.bytes[to - 1]! : 0;
    if (last === 0) throw new DamagedError('bad bit stream');
    this.#from = from;
    this.left = (to - from - 1) * 8 + F.highBit(last);
  }

  /** `count` bits, 24 at most; zeros beyond the beginning. */
  read(count: number): number {
    if (count === 0) return 0;
    this.left -= count;
    return this.peekAt(this.left, count);
  }

  /** `count` bits from bit `at` of the stream on. */
  peekAt(at: number, count: number): number {
    if (at < 0) return at + count <= 0 ? 0 : this.peekAt(0, at + count) << -at;
    const { bytes } = this;
    const byte = this.#from + (at >>> 3);
    const value = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    return (value >>> (at & 7)) & ((1 << count) - 1);
  }
}

// --- tables

/** An FSE decoding table. A table of log 0 always gives one symbol (RLE mode). */
class FseTable {
  log = 0;
  symbol = new Uint8Array(512);
  bits = new Uint8Array(512);
  base = new Uint16Array(512);
  /** something was put in, so that it can be repeated */
  ready = false;

  build(counts: Int16Array, log: number): this {
    const size = 1 << log;
    this.log = log;
    this.symbol.set(F.spread(counts, log));
    const next = new Uint16Array(256);
    counts.forEach((count, s) => {
      next[s] = count === -1 ? 1 : count;
    });
    for (let state = 0; state < size; state++) {
      const n = next[this.symbol[state]!]!++;
      const bits = log - F.highBit(n);
      this.bits[state] = bits;
      this.base[state] = (n << bits) - size;
    }
    this.ready = true;
    return this;
  }

  single(symbol: number): this {
    this.log = 0;
    this.symbol[0] = symbol;
    this.bits[0] = this.base[0] = 0;
    this.ready = true;
    return this;
  }
}

/** Reads the description of an FSE table at `at`; answers where it ends. */
function readCounts(
  bytes: Uint8Array,
  at: number,
  to: number,
  maxLog: number,
  maxSymbol: number,
): { counts: Int16Array; log: number; at: number } {
  let bit = at * 8;
  const read = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++, bit++) value |= (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) << i;
    return value;
  };
  const log = read(4) + 5;
  if (log > maxLog) throw new DamagedError('an FSE table is too large');
  const counts: number[] = [];
  let left = 1 << log;
  while (left > 0) {
    if (counts.length > maxSymbol || bit > to * 8) throw new DamagedError('bad FSE table');
    const bits = F.highBit(left + 1) + 1;
    let value = read(bits);
    const lowMask = (1 << (bits - 1)) - 1;
    const threshold = (1 << bits) - 1 - (left + 1);
    if ((value & lowMask) < threshold) {
      bit--;
      value &= lowMask;
    } else if (value > lowMask) {
      value -= threshold;
    }
    const count = value - 1;
    left -= Math.abs(count);
    counts.push(count);
    if (count === 0) {
      for (let repeat = 3; repeat === 3; ) {
        repeat = read(2);
        for (let i = 0; i < repeat; i++) counts.push(0);
        if (counts.length > maxSymbol + 1) throw new DamagedError('bad FSE table');
      }
    }
  }
  const end = (bit + 7) >> 3;
  if (left < 0 || counts.length > maxSymbol + 1 || end > to) throw new DamagedError('bad FSE table');
  return { counts: Int16Array.from(counts), log, at: end };
}

/** A Huffman decoding table: symbol | length << 8 by the next `bits` bits. */
class HuffmanTable {
  bits = 0;
  readonly table = new Uint16Array(1 << F.HUFFMAN_BITS);

  /** Reads the description at `at`; answers where it ends. */
  read(bytes: Uint8Array, at: number, to: number): number {
    if (at >= to) throw new DamagedError('unexpected end of a block');
    const head = bytes[at++]!;
    const weights = new Uint8Array(256);
    let count = 0;
    let end: number;
    if (head >= 128) {
      count = head - 127;
      end = at + ((count + 1) >> 1);
      if (end > to) throw new DamagedError('unexpected end of a block');
      for (let i = 0; i < count; i++) weights[i] = i & 1 ? bytes[at + (i >> 1)]! & 15 : bytes[at + (i >> 1)]! >> 4;
    } else {
      end = at + head;
      if (end > to) throw new DamagedError('unexpected end of a block');
      count = this.#weights(bytes, at, end, weights);
    }
    this.#build(weights, count);
    return end;
  }

  #weights(bytes: Uint8Array, at: number, to: number, weights: Uint8Array): number {
    const { counts, log, at: from } = readCounts(bytes, at, to, F.WEIGHTS_LOG, 255);
    const table = new FseTable().build(counts, log);
    const input = new BackwardBits(bytes);
    input.open(from, to);
    let count = 0;
    const states = [input.read(log), input.read(log)];
    // Two states in turn; the stream ends with one that cannot be renewed, and then the other gives its last symbol.
    for (let turn = 0; ; turn ^= 1) {
      if (count >= 254 || input.left < 0) throw new DamagedError('bad Huffman weights');
      const state = states[turn]!;
      weights[count++] = table.symbol[state]!;
      const need = table.bits[state]!;
      if (input.left < need) {
        weights[count++] = table.symbol[states[turn ^ 1]!]!;
        return count;
      }
      states[turn] = table.base[state]! + input.read(need);
    }
  }

  #build(weights: Uint8Array, count: number): void {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      if (weights[i]! > F.HUFFMAN_BITS) throw new DamagedError('bad Huffman weights');
      if (weights[i]! > 0) sum += 1 << (weights[i]! - 1);
    }
    if (sum === 0) throw new DamagedError('bad Huffman weights');
    const bits = F.highBit(sum) + 1;
    const left = (1 << bits) - sum;
    if (bits > F.HUFFMAN_BITS || (left & (left - 1)) !== 0 || count > 255)
      throw new DamagedError('bad Huffman weights');
    weights[count] = F.highBit(left) + 1;
    this.bits = bits;
    let at = 0;
    for (let weight = 1; weight <= bits; weight++) {
      for (let s = 0; s <= count; s++) {
        if (weights[s] !== weight) continue;
        this.table.fill(s | ((bits + 1 - weight) << 8), at, at + (1 << (weight - 1)));
        at += 1 << (weight - 1);
      }
    }
  }
}

// --- blocks

const DEFAULT_LL = new FseTable().build(F.LL_DEFAULT, F.DEFAULT_LL_LOG);
const DEFAULT_ML = new FseTable().build(F.ML_DEFAULT, F.DEFAULT_ML_LOG);
const DEFAULT_OF = new FseTable().build(F.OF_DEFAULT, F.DEFAULT_OF_LOG);

class BlockDecoder {
  readonly #window = new Window();
  /** the block, with slack behind it */
  readonly #input = new Uint8Array(F.BLOCK_BYTES + SLACK);
  readonly #literals = new Uint8Array(F.BLOCK_BYTES + SLACK);
  readonly #bits = new BackwardBits(this.#input);
  readonly #huffman = new HuffmanTable();
  #huffmanReady = false;
  readonly #own = { ll: new FseTable(), of: new FseTable(), ml: new FseTable() };
  #ll = DEFAULT_LL;
  #of = DEFAULT_OF;
  #ml = DEFAULT_ML;
  #tablesReady = 0;
  #rep0 = 1;
  #rep1 = 4;
  #rep2 = 8;
  #maxBlock = 0;

  /** A frame begins. */
  begin(window: number): void {
    this.#window.reset(window);
    this.#maxBlock = Math.min(F.BLOCK_BYTES, window);
    this.#huffmanReady = false;
    this.#tablesReady = 0;
    this.#rep0 = 1;
    this.#rep1 = 4;
    this.#rep2 = 8;
  }

  /** The output of a block, a view that is valid until the next. */
  block(type: number, bytes: Uint8Array, size: number): Uint8Array {
    const window = this.#window;
    window.reserve(this.#maxBlock);
    const from = window.end;
    if (type === RAW) {
      window.bytes.set(bytes, from);
      window.end += bytes.length;
    } else if (type === RLE) {
      window.bytes.fill(bytes[0]!, from, from + size);
      window.end += size;
    } else {
      this.#input.set(bytes);
      const literals = this.#readLiterals(bytes.length);
      this.#sequences(literals.at, bytes.length, literals.size);
    }
    return window.bytes.subarray(from, window.end);
  }

  #readLiterals(to: number): { at: number; size: number } {
    const b = this.#input;
    if (to < 2) throw new DamagedError('unexpected end of a block');
    const type = b[0]! & 3;
    const format = (b[0]! >> 2) & 3;
    if (type < 2) {
      const head = format === 1 ? 2 : format === 3 ? 3 : 1;
      const size =
        head === 1
          ? b[0]! >> 3
          : head === 2
            ? (b[0]! >> 4) | (b[1]! << 4)
            : (b[0]! >> 4) | (b[1]! << 4) | (b[2]! << 12);
      const at = head + (type === RAW ? size : 1);
      if (size > this.#maxBlock || at > to) throw new DamagedError('bad literals');
      if (type === RAW) this.#literals.set(b.subarray(head, at));
      else this.#literals.fill(b[head]!, 0, size);
      return { at, size };
    }
    const head = format === 3 ? 5 : format === 2 ? 4 : 3;
    const width = format === 3 ? 18 : format === 2 ? 14 : 10;
    let value = 0;
    for (let i = 0; i < head; i++) value += (b[i] ?? 0) * 2 ** (8 * i);
    const sizes = Math.floor(value / 16);
    const size = sizes % 2 ** width;
    const packed = Math.floor(sizes / 2 ** width);
    const end = head + packed;
    if (size > this.#maxBlock || end > to) throw new DamagedError('bad literals');
    let at = head;
    if (type === 2) {
      at = this.#huffman.read(b, at, end);
      this.#huffmanReady = true;
    } else if (!this.#huffmanReady) {
      throw new DamagedError('no Huffman table to repeat');
    }
    if (format === 0) {
      this.#stream(at, end, 0, size);
      return { at: end, size };
    }
    if (at + 6 > end) throw new DamagedError('bad literals');
    const quarter = (size + 3) >> 2;
    let from = at + 6;
    for (let i = 0; i < 4; i++) {
      const stop = i === 3 ? end : from + (b[at + 2 * i]! | (b[at + 2 * i + 1]! << 8));
      const outEnd = i === 3 ? size : quarter * (i + 1);
      if (stop > end || outEnd > size) throw new DamagedError('bad literals');
      this.#stream(from, stop, quarter * i, outEnd);
      from = stop;
    }
    return { at: end, size };
  }

  /** One Huffman stream of [from, to) to the literals [out, outEnd). */
  #stream(from: number, to: number, out: number, outEnd: number): void {
    const b = this.#input;
    const literals = this.#literals;
    const { table, bits } = this.#huffman;
    const last = to > from ? b[to - 1]! : 0;
    if (last === 0) throw new DamagedError('bad bit stream');
    let left = (to - from - 1) * 8 + F.highBit(last);
    const mask = (1 << bits) - 1;
    // Two symbols a load: 2 * 11 bits and 7 of the byte that they begin in.
    while (out + 1 < outEnd && left >= 2 * bits + 8) {
      const byte = from + ((left - 2 * bits) >>> 3);
      const word = b[byte]! | (b[byte + 1]! << 8) | (b[byte + 2]! << 16) | (b[byte + 3]! << 24);
      const base = (byte - from) << 3;
      const first = table[(word >>> (left - bits - base)) & mask]!;
      left -= first >> 8;
      const second = table[(word >>> (left - bits - base)) & mask]!;
      left -= second >> 8;
      literals[out] = first;
      literals[out + 1] = second;
      out += 2;
    }
    const input = this.#bits;
    input.open(from, to);
    for (; out < outEnd; out++) {
      const entry = table[input.peekAt(left - bits, bits)]!;
      left -= entry >> 8;
      literals[out] = entry;
    }
    if (left !== 0) throw new DamagedError('bad Huffman stream');
  }

  #sequences(at: number, to: number, literalBytes: number): void {
    const b = this.#input;
    const window = this.#window;
    if (at >= to) throw new DamagedError('unexpected end of a block');
    let count = b[at++]!;
    if (count >= 128) {
      if (at + (count === 255 ? 2 : 1) > to) throw new DamagedError('unexpected end of a block');
      if (count === 255) {
        count = b[at]! + (b[at + 1]! << 8) + 0x7f00;
        at += 2;
      } else {
        count = ((count - 128) << 8) + b[at++]!;
      }
    }
    if (count === 0) {
      if (at !== to) throw new DamagedError('bad sequences');
      window.bytes.set(this.#literals.subarray(0, literalBytes), window.end);
      window.end += literalBytes;
      return;
    }
    if (at >= to) throw new DamagedError('unexpected end of a block');
    const modes = b[at++]!;
    if ((modes & 3) !== 0) throw new DamagedError('unknown sequence flags');
    const table = (mode: number, own: FseTable, before: FseTable, normal: FseTable, log: number, most: number) => {
      if (mode === 0) return normal;
      if (mode === 3) {
        if (this.#tablesReady === 0) throw new DamagedError('no table to repeat');
        return before;
      }
      if (mode === 1) {
        if (at >= to || b[at]! > most) throw new DamagedError('bad sequences');
        return own.single(b[at++]!);
      }
      const read = readCounts(b, at, to, log, most);
      at = read.at;
      return own.build(read.counts, read.log);
    };
    this.#ll = table(modes >> 6, this.#own.ll, this.#ll, DEFAULT_LL, F.LL_LOG, F.MAX_LL_CODE);
    this.#of = table((modes >> 4) & 3, this.#own.of, this.#of, DEFAULT_OF, F.OF_LOG, F.MAX_OF_CODE);
    this.#ml = table((modes >> 2) & 3, this.#own.ml, this.#ml, DEFAULT_ML, F.ML_LOG, F.MAX_ML_CODE);
    this.#tablesReady = 1;
    const input = this.#bits;
    input.open(at, to);
    this.#execute(input, count, literalBytes);
  }

  #execute(input: BackwardBits, count: number, literalBytes: number): void {
    const window = this.#window;
    const out = window.bytes;
    const literals = this.#literals;
    const ll = this.#ll;
    const of = this.#of;
    const ml = this.#ml;
    const begin = window.end;
    const { reach } = window;
    const limit = begin + this.#maxBlock;
    let end = begin;
    let literal = 0;
    let rep0 = this.#rep0;
    let rep1 = this.#rep1;
    let rep2 = this.#rep2;
    let llState = input.read(ll.log);
    let ofState = input.read(of.log);
    let mlState = input.read(ml.log);
    for (let i = 0; i < count; i++) {
      const ofCode = of.symbol[ofState]!;
      if (ofCode > 27) throw new DamagedError('a match reaches too far back');
      const high = ofCode > 16 ? ofCode - 16 : 0;
      const value = (1 << ofCode) + (input.read(high) << (ofCode - high)) + input.read(ofCode - high);
      const mlCode = ml.symbol[mlState]!;
      const length = F.ML_BASE[mlCode]! + input.read(F.ML_BITS[mlCode]!);
      const llCode = ll.symbol[llState]!;
      const run = F.LL_BASE[llCode]! + input.read(F.LL_BITS[llCode]!);
      let offset: number;
      if (value > 3) {
        offset = value - 3;
        rep2 = rep1;
        rep1 = rep0;
        rep0 = offset;
      } else {
        const which = value - (run === 0 ? 0 : 1);
        if (which === 0) {
          offset = rep0;
        } else {
          offset = which === 1 ? rep1 : which === 2 ? rep2 : rep0 - 1;
          if (which > 1) rep2 = rep1;
          rep1 = rep0;
          rep0 = offset;
        }
      }
      if (i + 1 < count) {
        llState = ll.base[llState]! + input.read(ll.bits[llState]!);
        mlState = ml.base[mlState]! + input.read(ml.bits[mlState]!);
        ofState = of.base[ofState]! + input.read(of.bits[ofState]!);
      }
      if (input.left < 0) throw new DamagedError('bad sequences');
      if (literal + run > literalBytes || end + run + length > limit) throw new DamagedError('a block is too long');
      if (run <= 24) for (let k = 0; k < run; k++) out[end + k] = literals[literal + k]!;
      else out.set(literals.subarray(literal, literal + run), end);
      literal += run;
      end += run;
      if (offset < 1 || offset > Math.min(reach + end - begin, window.size))
        throw new DamagedError('a match reaches too far back');
      const from = end - offset;
      if (length <= 24 || offset < length) for (let k = 0; k < length; k++) out[end + k] = out[from + k]!;
      else out.copyWithin(end, from, from + length);
      end += length;
    }
    if (input.left !== 0) throw new DamagedError('bad sequences');
    const rest = literalBytes - literal;
    if (end + rest > limit) throw new DamagedError('a block is too long');
    out.set(literals.subarray(literal, literalBytes), end);
    window.end = end + rest;
    this.#rep0 = rep0;
    this.#rep1 = rep1;
    this.#rep2 = rep2;
  }
}
