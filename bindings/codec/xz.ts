/** The xz container (tukaani.org/xz/xz-file-format.txt): streams of blocks, each with its check, and an index that counts them. */
import { createHash, type Hash } from 'node:crypto';
import type { ByteQueue } from './byte-queue.ts';
import { Crc64, crc32 } from './crc.ts';
import { DamagedError, MAX_WINDOW } from './damaged.ts';
import { Lzma2Decoder } from './lzma2.ts';

export const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

const CHECK_CRC32 = 1;
const CHECK_CRC64 = 4;
const CHECK_SHA256 = 10;
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const FILTER_LZMA2 = 0x21;

/** What the index must say of the blocks; sums stand for the list, which may be long. */
interface Blocks {
  count: number;
  unpadded: number;
  uncompressed: number;
}

/** Decodes all streams of an xz file. Throws DamagedError. */
export async function* unxz(input: ByteQueue): AsyncGenerator<Buffer, undefined> {
  const lzma2 = new Lzma2Decoder();
  for (;;) {
    const check = streamHeader(await input.take(12));
    const flags = [0, check];
    const blocks: Blocks = { count: 0, unpadded: 0, uncompressed: 0 };
    for (let size = await input.byte(); size !== 0; size = await input.byte())
      yield* block(input, lzma2, size, check, blocks);
    const indexBytes = await index(input, blocks);
    const footer = Buffer.from(await input.take(12));
    if (
      crc32(footer.subarray(4, 10)) !== footer.readUInt32LE(0) ||
      footer[8] !== flags[0] ||
      footer[9] !== flags[1] ||
      footer.toString('latin1', 10) !== 'YZ' ||
      (footer.readUInt32LE(4) + 1) * 4 !== indexBytes
    )
      throw new DamagedError('bad stream footer');
    if (!(await anotherStream(input))) return undefined;
  }
}

function streamHeader(header: Uint8Array): number {
  const bytes = Buffer.from(header);
  if (!bytes.subarray(0, 6).equals(XZ_MAGIC)) throw new DamagedError('something else follows the stream');
  if (crc32(bytes.subarray(6, 8)) !== bytes.readUInt32LE(8)) throw new DamagedError('bad stream header');
  if (bytes[6] !== 0 || bytes[7]! > 15) throw new DamagedError('unknown stream flags');
  return bytes[7]!;
}

/** Streams may be padded with zeros, four at a time, and followed by another. */
async function anotherStream(input: ByteQueue): Promise<boolean> {
  let zeros = 0;
  for (let next = await input.peek(); next === 0; next = await input.peek()) {
    await input.byte();
    zeros++;
  }
  if (zeros % 4 !== 0) throw new DamagedError('bad padding after the stream');
  return (await input.peek()) !== -1;
}

async function* block(
  input: ByteQueue,
  lzma2: Lzma2Decoder,
  sizeByte: number,
  check: number,
  blocks: Blocks,
): AsyncGenerator<Buffer, undefined> {
  const begin = input.taken - 1;
  const header = Buffer.concat([Buffer.of(sizeByte), await input.take((sizeByte + 1) * 4 - 1)]);
  const { dictionary, packed, unpacked } = blockHeader(header);
  const dataBegin = input.taken;
  const checker = new Checker(check);
  let size = 0;
  for await (const bytes of lzma2.decode(input, dictionary)) {
    checker.update(bytes);
    size += bytes.length;
    yield bytes;
  }
  const dataSize = input.taken - dataBegin;
  if ((packed !== null && packed !== dataSize) || (unpacked !== null && unpacked !== size))
    throw new DamagedError('a block is not as long as its header says');
  while ((input.taken - dataBegin) % 4 !== 0)
    if ((await input.byte()) !== 0) throw new DamagedError('bad padding after a block');
  const stored = await input.take(CHECK_SIZES[check]!);
  const found = checker.digest();
  if (found !== null && !found.equals(stored)) throw new DamagedError('the check of a block does not match');
  blocks.count++;
  blocks.unpadded += dataBegin - begin + dataSize + CHECK_SIZES[check]!;
  blocks.uncompressed += size;
  return undefined;
}

function blockHeader(header: Buffer): { dictionary: number; packed: number | null; unpacked: number | null } {
  const end = header.length - 4;
  if (crc32(header.subarray(0, end)) !== header.readUInt32LE(end)) throw new DamagedError('bad block header');
  const flags = header[1]!;
  if ((flags & 0x3c) !== 0) throw new DamagedError('unknown block flags');
  let at = 2;
  const number = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = header[at++]!;
      if (at > end || shift > 2 ** 56) throw new DamagedError('bad block header');
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  const packed = flags & 0x40 ? number() : null;
  const unpacked = flags & 0x80 ? number() : null;
  const filters = (flags & 3) + 1;
  const filter = number();
  if (filters !== 1 || filter !== FILTER_LZMA2) throw new DamagedError('filters other than LZMA2 are not supported');
  if (number() !== 1) throw new DamagedError('bad block header');
  const bits = header[at++]!;
  if (bits > 40) throw new DamagedError('bad dictionary size');
  const dictionary = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
  if (dictionary > MAX_WINDOW)
    throw new DamagedError(`needs a dictionary of ${Math.ceil(dictionary / 2 ** 20)} MiB, ${MAX_WINDOW >> 20} at most`);
  for (; at < end; at++) if (header[at] !== 0) throw new DamagedError('bad block header');
  return { dictionary, packed, unpacked };
}

/** Reads the index, whose marker is taken, and answers its size in bytes. */
async function index(input: ByteQueue, blocks: Blocks): Promise<number> {
  const begin = input.taken - 1;
  let crc = crc32(Uint8Array.of(0));
  const one = new Uint8Array(1);
  const byte = async () => {
    one[0] = await input.byte();
    crc = crc32(one, crc);
    return one[0]!;
  };
  const number = async () => {
    let value = 0;
    for (let shift = 1; shift <= 2 ** 56; shift *= 128) {
      const b = await byte();
      value += (b & 0x7f) * shift;
      if (b < 0x80) return value;
    }
    throw new DamagedError('bad index');
  };
  const count = await number();
  if (count !== blocks.count) throw new DamagedError('the index does not match the blocks');
  let unpadded = 0;
  let uncompressed = 0;
  for (let i = 0; i < count; i++) {
    unpadded += await number();
    uncompressed += await number();
  }
  if (unpadded !== blocks.unpadded || uncompressed !== blocks.uncompressed)
    throw new DamagedError('the index does not match the blocks');
  while ((input.taken - begin) % 4 !== 0) if ((await byte()) !== 0) throw new DamagedError('bad index');
  const stored = Buffer.from(await input.take(4));
  if (stored.readUInt32LE(0) !== crc) throw new DamagedError('bad index');
  return input.taken - begin;
}

/** The check of a block; types that nobody uses are not looked at. */
class Checker {
  readonly #type: number;
  #crc32 = 0;
  #crc64: Crc64 | null;
  #sha256: Hash | null;

  constructor(type: number) {
    this.#type = type;
    this.#crc64 = type === CHECK_CRC64 ? new Crc64() : null;
    this.#sha256 = type === CHECK_SHA256 ? createHash('sha256') : null;
  }

  update(bytes: Buffer): void {
    if (this.#type === CHECK_CRC32) this.#crc32 = crc32(bytes, this.#crc32);
    this.#crc64?.update(bytes);
    this.#sha256?.update(bytes);
  }

  /** null where there is nothing to compare with. */
  digest(): Buffer | null {
    if (this.#type === CHECK_CRC32) {
      const out = Buffer.alloc(4);
      out.writeUInt32LE(this.#crc32);
      return out;
    }
    return this.#crc64?.digest() ?? this.#sha256?.digest() ?? null;
  }
}
