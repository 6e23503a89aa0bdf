/**
 * What stands before and after the records of a perf.data file: its header, the attributes of its events, and the formats of its
 * tracepoints, which come after the records that need them.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteSource, CHUNK_BYTES } from './byte-source.ts';
import { fileError, InputError } from './input-error.ts';
import { type PerfAttr, parseAttr, TYPE_TRACEPOINT, u64 } from './perf-attr.ts';
import { parseTracingData, type TracepointFormat } from './tracepoint-format.ts';

export const MAGIC = 'PERFILE2';
const MAGIC_SWAPPED = '2ELIFREP';
const MAGIC_OLD = 'PERFFILE';
/** `struct perf_pipe_file_header`, `struct perf_file_header` */
const PIPE_HEADER = 16;
const FILE_HEADER = 104;
const FEATURES_AT = 72;
const HEADER_TRACING_DATA = 1;
const HEADER_FEATURES = 256;
/** More than any header, and any formats (about 1 MB with every tracepoint of a kernel). */
export const MAX_SECTION = 1 << 26;

/** The bytes of a source in order, by amounts. */
export class ByteStream {
  readonly path: string;
  /** offset of the next byte */
  position = 0;
  #next: () => Promise<Buffer | null>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(path: string, next: () => Promise<Buffer | null>) {
    this.path = path;
    this.#next = next;
  }

  /** The next `bytes` bytes. Throws InputError, with the offset, where the file ends before. */
  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = bytes; left > 0; ) {
      const part = await this.chunk(left);
      if (part === null) throw new InputError(`${this.path}: cut at byte ${this.position}`);
      left -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** Leaves out `bytes` bytes. False: the file ends before. */
  async skip(bytes: number): Promise<boolean> {
    for (let left = bytes; left > 0; ) {
      const part = await this.chunk(left);
      if (part === null) return false;
      left -= part.length;
    }
    return true;
  }

  /** What there is, at most `most` bytes; null at the end. */
  async chunk(most: number): Promise<Buffer | null> {
    if (this.#chunk.length === 0) {
      const chunk = await this.#next();
      if (chunk === null) return null;
      this.#chunk = chunk;
    }
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(part.length);
    this.position += part.length;
    return part;
  }
}

export interface PerfFile {
  /** at the first record */
  records: ByteStream;
  /** bytes of records; Infinity in pipe mode and where the recorder did not live to say */
  size: number;
  attrs: { attr: PerfAttr; ids: Buffer }[];
  /** by tracepoint id; empty in pipe mode, where they come as a record */
  formats: ReadonlyMap<number, TracepointFormat>;
  pipe: boolean;
  /** the recorder was stopped before it could finish the file */
  unfinished: boolean;
  close(): Promise<void>;
}

/**
 * Reads what is needed to understand the records. The formats come after them: a plain file is read there by position; a compressed
 * one is read twice; standard input and pipes go into a temporary file of at most the size that the header gives, unless no event
 * is a tracepoint. Throws InputError.
 */
export async function openPerfFile(source: ByteSource): Promise<PerfFile> {
  const { path } = source;
  const stream = new ByteStream(path, () => source.next());
  const magic = (await source.peek(8)).toString('latin1');
  if (magic === MAGIC_SWAPPED)
    throw new InputError(`${path}: a recording of a big-endian machine, which memcharge does not read`);
  if (magic === MAGIC_OLD)
    throw new InputError(`${path}: a perf.data file of before 2012, which memcharge does not read`);
  if (magic !== MAGIC) throw new InputError(`${path}: not a perf.data file (it does not begin with ${MAGIC})`);
  let header = await stream.take(PIPE_HEADER);
  const size = u64(header, 8);
  if (size === PIPE_HEADER)
    return {
      records: stream,
      size: Number.POSITIVE_INFINITY,
      attrs: [],
      formats: new Map(),
      pipe: true,
      unfinished: false,
      close: async () => {},
    };
  if (size !== FILE_HEADER) throw new InputError(`${path}: byte 8: a header of ${size} bytes is not one of perf.data`);
  header = Buffer.concat([header, await stream.take(FILE_HEADER - PIPE_HEADER)]);
  const attrSize = u64(header, 16);
  const attrsAt = u64(header, 24);
  const attrsSize = u64(header, 32);
  const dataAt = u64(header, 40);
  const dataSize = u64(header, 48);
  if (dataAt < FILE_HEADER || dataAt > MAX_SECTION)
    throw new InputError(`${path}: byte 40: records begin at byte ${dataAt}, which cannot be`);
  const prefix = Buffer.concat([header, await stream.take(dataAt - FILE_HEADER)]);
  const attrs = readAttrs(path, prefix, attrSize, attrsAt, attrsSize);
  const file: PerfFile = {
    records: stream,
    size: dataSize === 0 ? Number.POSITIVE_INFINITY : dataSize,
    attrs,
    formats: new Map(),
    pipe: false,
    unfinished: dataSize === 0,
    close: async () => {},
  };
  const traced = attrs.some(({ attr }) => attr.type === TYPE_TRACEPOINT);
  if (!traced || dataSize === 0 || !hasFeature(header, HEADER_TRACING_DATA)) return file;
  const end = dataAt + dataSize;
  if (source.bytesTotal === 0) {
    const spool = await Spool.of(stream, end + 4 * MAX_SECTION);
    try {
      file.formats = await readFormats(path, header, end, spool.from(end - dataAt, end));
      file.records = spool.from(0, dataAt);
      file.close = () => spool.close();
      return file;
    } catch (error) {
      await spool.close();
      throw error;
    }
  }
  file.formats = await again(path, header, end);
  return file;
}

function readAttrs(path: string, prefix: Buffer, attrSize: number, at: number, size: number): PerfFile['attrs'] {
  const attrs: PerfFile['attrs'] = [];
  // Each is a perf_event_attr and the place of its ids.
  if (attrSize < 64 + 16 || attrSize > 4096) throw new InputError(`${path}: byte 16: impossible size of attributes`);
  if (size % attrSize !== 0 || at + size > prefix.length)
    throw new InputError(`${path}: byte 24: the attributes of the events are not before the records`);
  for (let next = at; next < at + size; next += attrSize) {
    const { attr } = parseAttr(prefix, next, next + attrSize - 16, `${path}: byte ${next}`);
    const idsAt = u64(prefix, next + attrSize - 16);
    const idsSize = u64(prefix, next + attrSize - 8);
    if (idsAt + idsSize > prefix.length)
      throw new InputError(`${path}: byte ${next + attrSize - 16}: the ids of an event are not before the records`);
    attrs.push({ attr, ids: prefix.subarray(idsAt, idsAt + idsSize) });
  }
  if (attrs.length === 0) throw new InputError(`${path}: byte 24: no event was recorded`);
  return attrs;
}

function hasFeature(header: Buffer, feature: number): boolean {
  return (header[FEATURES_AT + (feature >> 3)]! & (1 << (feature & 7))) !== 0;
}

/** The formats, from the features that begin at byte `end`, where `stream` is. */
async function readFormats(
  path: string,
  header: Buffer,
  end: number,
  stream: ByteStream,
): Promise<Map<number, TracepointFormat>> {
  let features = 0;
  let before = 0;
  for (let feature = 0; feature < HEADER_FEATURES; feature++) {
    if (!hasFeature(header, feature)) continue;
    if (feature < HEADER_TRACING_DATA) before++;
    features++;
  }
  const table = await stream.take(features * 16);
  const at = u64(table, before * 16);
  const size = u64(table, before * 16 + 8);
  const gap = at - stream.position;
  if (gap < 0 || size > MAX_SECTION)
    throw new InputError(
      `${path}: byte ${end + before * 16}: the formats of the tracepoints are not where they should be`,
    );
  if (!(await stream.skip(gap))) throw new InputError(`${path}: cut at byte ${stream.position}`);
  return parseTracingData(await stream.take(size), path);
}

/** Opens the file once more and reads the formats from there. */
async function again(path: string, header: Buffer, end: number): Promise<Map<number, TracepointFormat>> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw fileError(path, error);
  }
  let source: ByteSource | null = null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    if (bytesRead === 8 && buffer.toString('latin1') === MAGIC)
      return await readFormats(path, header, end, byPosition(path, file, end, end));
    source = await ByteSource.open(path);
    const second = source;
    const stream = new ByteStream(path, () => second.next());
    if (!(await stream.skip(end))) throw new InputError(`${path}: cut at byte ${stream.position}`);
    return await readFormats(path, header, end, stream);
  } finally {
    source?.close();
    await file.close();
  }
}

/** The bytes of `file` from `at`, which are called `position` in messages and offsets. */
function byPosition(path: string, file: FileHandle, at: number, position: number): ByteStream {
  let next = at;
  const stream = new ByteStream(path, async () => {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    try {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, next);
      next += bytesRead;
      return bytesRead === 0 ? null : chunk.subarray(0, bytesRead);
    } catch (error) {
      throw fileError(path, error);
    }
  });
  stream.position = position;
  return stream;
}

/** What cannot be read twice, in a file without a name. */
class Spool {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Takes the rest of `stream`, but nothing from byte `limit` on. */
  static async of(stream: ByteStream, limit: number): Promise<Spool> {
    const name = join(tmpdir(), `memcharge-${randomBytes(8).toString('hex')}.tmp`);
    let file: FileHandle;
    try {
      file = await open(name, 'wx+', 0o600);
      await rm(name);
    } catch (error) {
      throw fileError(name, error);
    }
    try {
      for (let at = 0; stream.position < limit; ) {
        const chunk = await stream.chunk(limit - stream.position);
        if (chunk === null) break;
        await file.write(chunk, 0, chunk.length, at);
        at += chunk.length;
      }
      return new Spool(stream.path, file);
    } catch (error) {
      await file.close();
      throw error instanceof InputError ? error : fileError(name, error);
    }
  }

  /** The bytes from `at` on, which are at `position` of the recording. */
  from(at: number, position: number): ByteStream {
    return byPosition(this.#path, this.#file, at, position);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
