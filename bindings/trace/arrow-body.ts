/** The bodies of Arrow messages: buffers, plain or compressed, and the dictionaries that they grow. */
import { DamagedError } from '../codec/damaged.ts';
import { unlz4 } from '../codec/lz4.ts';
import { unzstdBuffer } from '../codec/zstd-decoder.ts';
import type { ArrowBatch } from './arrow-metadata.ts';

/** More rows than this in one batch, and memory would not be bounded. */
export const MAX_BATCH_ROWS = 1 << 24;
export const MAX_BODY_BYTES = 2 ** 30;
/** of the strings of one dictionary, all its deltas together */
const MAX_DICTIONARY_BYTES = 2 ** 29;
/** Writers pad buffers to 64 bytes. */
const PADDING = 64;

/**
 * Buffer `index` of a batch. `need` bytes of it must be there, and no more than `most` may come out of a compressed one, whatever its
 * header says. Throws DamagedError.
 */
export function bufferOf(
  batch: ArrowBatch,
  body: Uint8Array,
  index: number,
  need: number,
  most = need + PADDING,
): Uint8Array {
  if (index >= batch.buffers) throw new DamagedError('a buffer is missing');
  const { offset, length } = batch.buffer(index);
  if (offset + length > body.length) throw new DamagedError('a buffer lies outside the body');
  let bytes = body.subarray(offset, offset + length);
  if (batch.compression !== null && length > 0) bytes = decompress(batch.compression, bytes, most);
  if (bytes.length < need) throw new DamagedError('a buffer is too short');
  return bytes;
}

/** A compressed buffer begins with its length, -1 where it is not compressed after all (format/Message.fbs, BodyCompression). */
function decompress(codec: 'lz4' | 'zstd', bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length < 8) throw new DamagedError('a compressed buffer has no length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const size = view.getBigInt64(0, true);
  const packed = bytes.subarray(8);
  if (size === -1n) return packed;
  if (size < 0n || size > BigInt(most)) throw new DamagedError('a compressed buffer is longer than its rows');
  return codec === 'lz4' ? unlz4(packed, Number(size)) : unzstdBuffer(packed, Number(size));
}

/** The same bytes where a typed array of this width can begin: a copy only where it must be. */
export function aligned(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes : bytes.slice();
}

interface Chunk {
  first: number;
  length: number;
  offsets: Int32Array | BigInt64Array;
  data: Buffer;
  /** null: no nulls */
  validity: Uint8Array | null;
}

/** The strings of a dictionary, decoded when asked for. */
export class Dictionary {
  length = 0;
  /** changes whenever the strings do */
  version = 0;
  #bytes = 0;
  #chunks: Chunk[] = [];
  #strings: (string | null | undefined)[] = [];

  /** Takes a dictionary batch. Throws DamagedError. */
  add(batch: ArrowBatch, body: Uint8Array, isDelta: boolean, large: boolean): void {
    if (batch.nodes < 1) throw new DamagedError('a dictionary without a column');
    const { length, nulls } = batch.node(0);
    if (length !== batch.rows || nulls > length || length > MAX_BATCH_ROWS)
      throw new DamagedError('a dictionary does not have the length that it says');
    if (!isDelta) {
      this.length = 0;
      this.#chunks = [];
      this.#strings = [];
      this.#bytes = 0;
    }
    if (this.length + length > 2 ** 31) throw new DamagedError('a dictionary is too large');
    this.version++;
    if (length === 0) return;
    const width = large ? 8 : 4;
    const validity = nulls === 0 ? null : bufferOf(batch, body, 0, (length + 7) >> 3).slice();
    const raw = aligned(bufferOf(batch, body, 1, (length + 1) * width).slice(), width);
    const offsets = large
      ? new BigInt64Array(raw.buffer, raw.byteOffset, length + 1)
      : new Int32Array(raw.buffer, raw.byteOffset, length + 1);
    let before = Number(offsets[0]);
    if (before < 0) throw new DamagedError('a dictionary goes backwards');
    for (let i = 1; i <= length; i++) {
      const offset = Number(offsets[i]);
      if (offset < before) throw new DamagedError('a dictionary goes backwards');
      before = offset;
    }
    this.#bytes += before;
    if (this.#bytes > MAX_DICTIONARY_BYTES) throw new DamagedError('a dictionary is too large');
    const data = Buffer.from(bufferOf(batch, body, 2, before).subarray(0, before));
    this.#chunks.push({ first: this.length, length, offsets, data, validity });
    this.length += length;
  }

  /** The string of `code`, which is below {@link length}; null where the dictionary has a null. */
  get(code: number): string | null {
    const known = this.#strings[code];
    if (known !== undefined) return known;
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]!.first <= code) low = middle;
      else high = middle - 1;
    }
    const { first, offsets, data, validity } = this.#chunks[low]!;
    const i = code - first;
    const isNull = validity !== null && (validity[i >> 3]! & (1 << (i & 7))) === 0;
    const text = isNull ? null : data.toString('utf8', Number(offsets[i]), Number(offsets[i + 1]));
    this.#strings[code] = text;
    return text;
  }
}
