/**
 * Reads a trace, an Arrow IPC file or stream, batch by batch, and refuses what is no trace with one clear line. Every length, offset and
 * count of the file is checked before it is used; memory is bounded by one batch and the names. Columns are views of the batch's body
 * wherever they can be.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { ByteQueue } from '../codec/byte-queue.ts';
import { DamagedError } from '../codec/damaged.ts';
import { aligned, bufferOf, Dictionary, MAX_BATCH_ROWS, MAX_BODY_BYTES } from './arrow-body.ts';
import {
  type ArrowBatch,
  type ArrowBlock,
  type ArrowMessage,
  type ArrowSchema,
  COLUMNS,
  type Column,
  type ColumnName,
  readFooter,
  readMessage,
} from './arrow-metadata.ts';
import { FlatbufferError } from './flatbuffer.ts';
import { fileError, InputError } from './input-error.ts';
import { type HighWater, OP_CODES, SCHEMA_VERSION } from './schema.ts';

/** One record batch. Every array has `length` rows and is only valid until the next batch is asked for. */
export interface TraceBatch {
  length: number;
  /** row number, in the whole trace and from 0, of the batch's first row */
  firstRow: number;
  /** nanoseconds */
  ts: BigUint64Array;
  cpu: Uint16Array;
  /** the file's codes: `opMap` turns them into the engine's */
  op: Uint8Array;
  /** 256 entries: file code → engine code, 0 = unknown (no row of this batch has such a code) */
  opMap: Uint8Array;
  task: Uint32Array;
  cgroup: Uint32Array;
  object: Uint32Array;
  index: BigUint64Array;
  count: Uint32Array;
  flags: Uint32Array;
  gfp: Uint16Array;
  /** the name in a row of this batch (0 to length - 1) */
  name(row: number): string | null;
}

export interface Trace {
  path: string;
  /** schema metadata; of a file, its footer's */
  metadata: ReadonlyMap<string, string>;
  /** null where the trace does not tell, as streams */
  highWater: HighWater | null;
  /** number of events, null where the trace does not tell */
  events: number | null;
  /** nanoseconds from the first event to the last, null where the trace does not tell */
  durationNs: number | null;
  /** All batches, once. Throws InputError for damage, unknown ops, nulls and time that goes backwards. */
  batches(): AsyncIterable<TraceBatch>;
  /** The same trace once more, to be read from its beginning and closed by itself; absent where it cannot be, as of streams. */
  reopen?(): Promise<Trace>;
  /** Releases the file; safe to call twice. */
  close(): Promise<void>;
}

const MAGIC = 'ARROW1';
const MAX_METADATA_BYTES = 1 << 26;
const U32_KEYS = ['pages', 'cgroups', 'tasks', 'objects', 'swap', 'cpus'] as const;

/** Opens a trace; `-` is stdin. Throws InputError. */
export async function openTrace(path: string): Promise<Trace> {
  const label = path === '-' ? 'standard input' : path;
  let handle: FileHandle | null = null;
  try {
    if (path === '-') return await openStream(label, process.stdin, null);
    const info = await stat(path);
    if (info.isDirectory()) throw new InputError(`${path}: is a directory`);
    handle = await open(path, 'r');
    if (!info.isFile()) return await openStream(label, handle.createReadStream({ autoClose: false }), handle);
    const footer = await footerBytes(handle, info.size, label);
    if (footer === null)
      return await openStream(label, handle.createReadStream({ autoClose: false, highWaterMark: 1 << 18 }), handle);
    return await openFile(label, handle, info.size, footer);
  } catch (error) {
    await handle?.close().catch(() => {});
    throw arrowError(label, error);
  }
}

/** Where messages come from, in the order in which they are to be read. */
interface Messages {
  /** its dictionaries come before all batches */
  readonly isFile: boolean;
  /** null at the end; the body must be read before the next message is asked for, and is valid until then */
  next(): Promise<ArrowMessage | null>;
  body(bytes: number): Promise<Uint8Array>;
}

async function openStream(
  label: string,
  source: AsyncIterable<Uint8Array | string>,
  handle: FileHandle | null,
): Promise<Trace> {
  const messages = new StreamMessages(withoutMagic(source, label), label);
  const first = await messages.next();
  if (first === null || first.type !== 'schema') throw new InputError(`${label}: the Arrow data is cut (no schema)`);
  checkSchema(first.schema, label);
  await messages.body(first.bodyBytes);
  return new OpenTrace(label, messages, first.schema, handle);
}

async function openFile(label: string, handle: FileHandle, size: number, bytes: Buffer): Promise<Trace> {
  const footer = readFooter(bytes);
  checkSchema(footer.schema, label);
  const messages = new FileMessages(handle, size, [...footer.dictionaries, ...footer.batches]);
  return new OpenTrace(label, messages, footer.schema, handle, () => openTrace(label));
}

/** The messages of a stream: a continuation mark, the size of the metadata, the metadata, the body. */
class StreamMessages implements Messages {
  readonly isFile = false;
  readonly #input: ByteQueue;
  readonly #label: string;
  #body = new Uint8Array(0);
  #skip = 0;

  constructor(source: AsyncIterator<Uint8Array>, label: string) {
    this.#input = new ByteQueue(source);
    this.#label = label;
  }

  async next(): Promise<ArrowMessage | null> {
    while (this.#skip > 0) this.#skip -= (await this.#input.take(Math.min(this.#skip, 1 << 18))).length;
    if ((await this.#input.peek()) === -1)
      throw new InputError(`${this.#label}: the Arrow stream is cut (no end-of-stream mark)`);
    let size = int32(await this.#input.take(4));
    // Before Arrow 0.15 there was no mark.
    if (size === -1) size = int32(await this.#input.take(4));
    if (size === 0) return null;
    if (size < 0 || size > MAX_METADATA_BYTES) throw new DamagedError('bad size of metadata');
    const message = readMessage((await this.#input.take(size)).slice());
    this.#skip = message.bodyBytes;
    return message;
  }

  async body(bytes: number): Promise<Uint8Array> {
    if (bytes > MAX_BODY_BYTES) throw new DamagedError('a message is too long');
    this.#skip = 0;
    // Copied, so that its buffers are aligned, and piece by piece, so that its claimed length costs nothing before it has come.
    for (let at = 0; at < bytes; ) {
      const piece = await this.#input.take(Math.min(bytes - at, Math.max(1, this.#input.ready)));
      if (at + piece.length > this.#body.length) {
        const larger = new Uint8Array(Math.min(bytes, Math.max(1 << 16, 2 * (at + piece.length))));
        larger.set(this.#body.subarray(0, at));
        this.#body = larger;
      }
      this.#body.set(piece, at);
      at += piece.length;
    }
    return this.#body.subarray(0, bytes);
  }
}

/** The messages that a footer names: dictionaries first, as they stand there. */
class FileMessages implements Messages {
  readonly isFile = true;
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #blocks: readonly ArrowBlock[];
  #next = 0;
  #body = new Uint8Array(0);
  #bodyAt = 0;

  constructor(handle: FileHandle, size: number, blocks: readonly ArrowBlock[]) {
    this.#handle = handle;
    this.#size = size;
    this.#blocks = blocks;
  }

  async next(): Promise<ArrowMessage | null> {
    const block = this.#blocks[this.#next];
    if (block === undefined) return null;
    this.#next++;
    const { offset, metadataBytes, bodyBytes } = block;
    if (metadataBytes < 8 || metadataBytes > MAX_METADATA_BYTES || offset + metadataBytes + bodyBytes > this.#size)
      throw new DamagedError('a block lies outside the file');
    const bytes = await this.#read(new Uint8Array(metadataBytes), offset);
    const marked = int32(bytes) === -1;
    const size = int32(marked ? bytes.subarray(4) : bytes);
    const from = marked ? 8 : 4;
    if (size <= 0 || from + size > metadataBytes) throw new DamagedError('bad size of metadata');
    const message = readMessage(bytes.subarray(from, from + size));
    if (message.bodyBytes !== bodyBytes) throw new DamagedError('a block is not as long as its message');
    this.#bodyAt = offset + metadataBytes;
    return message;
  }

  async body(bytes: number): Promise<Uint8Array> {
    if (bytes > MAX_BODY_BYTES) throw new DamagedError('a message is too long');
    if (this.#body.length < bytes) this.#body = new Uint8Array(bytes);
    return this.#read(this.#body.subarray(0, bytes), this.#bodyAt);
  }

  async #read(into: Uint8Array, position: number): Promise<Uint8Array> {
    for (let at = 0; at < into.length; ) {
      const { bytesRead } = await this.#handle.read(into, at, into.length - at, position + at);
      if (bytesRead === 0) throw new DamagedError('unexpected end', true);
      at += bytesRead;
    }
    return into;
  }
}

function int32(bytes: Uint8Array): number {
  return bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24);
}

class OpenTrace implements Trace {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly highWater: HighWater | null;
  readonly events: number | null;
  readonly durationNs: number | null;
  readonly reopen?: () => Promise<Trace>;
  readonly #messages: Messages;
  readonly #handle: FileHandle | null;
  readonly #schema: ArrowSchema;
  readonly #columns: ReadonlyMap<ColumnName, Column>;
  readonly #dictionaries = new Map<number, Dictionary>();
  #closed = false;

  constructor(
    path: string,
    messages: Messages,
    schema: ArrowSchema,
    handle: FileHandle | null,
    reopen?: () => Promise<Trace>,
  ) {
    this.path = path;
    if (reopen) this.reopen = reopen;
    this.#messages = messages;
    this.#schema = schema;
    this.#handle = handle;
    this.metadata = schema.metadata;
    this.#columns = new Map(COLUMNS.map(([name]) => [name, schema.columns.find((column) => column.name === name)!]));
    for (const name of ['op', 'name'] as const)
      this.#dictionaries.set(this.#columns.get(name)!.dictionary, new Dictionary());
    const marks = U32_KEYS.map((key) => number(path, schema.metadata, `memcharge.capacity.${key}`));
    this.highWater = marks.some((mark) => mark === null)
      ? null
      : (Object.fromEntries(U32_KEYS.map((key, i) => [key, marks[i]])) as unknown as HighWater);
    this.events = number(path, schema.metadata, 'memcharge.events');
    this.durationNs = number(path, schema.metadata, 'memcharge.duration_ns');
  }

  async *batches(): AsyncGenerator<TraceBatch> {
    let row = 0;
    const order = { low: 0, high: 0 };
    const ops = new OpCodes(this.path);
    const last = (cause: unknown) => arrowError(this.path, cause, row);
    try {
      for (;;) {
        const batch = await this.#next(row, ops).catch((error) => {
          throw last(error);
        });
        if (batch === null) break;
        if (batch.length === 0) continue;
        checkTime(this.path, batch, order);
        yield batch;
        row += batch.length;
      }
      if (this.events !== null && this.events !== row)
        throw new InputError(`${this.path}: cut or damaged: ${row} events where the metadata says ${this.events}`);
    } finally {
      await this.close();
    }
  }

  /** The next record batch, after the dictionaries before it; null at the end. */
  async #next(row: number, ops: OpCodes): Promise<TraceBatch | null> {
    for (;;) {
      const message = await this.#messages.next();
      if (message === null) return null;
      if (message.type === 'batch') {
        const body = await this.#messages.body(message.bodyBytes);
        return this.#columnsOf(message.batch, body, row, ops);
      }
      if (message.type === 'schema') throw new DamagedError('a second schema');
      if (message.type !== 'dictionary') continue;
      const dictionary = this.#dictionaries.get(message.id);
      // Another column's.
      if (dictionary === undefined) continue;
      if (!message.isDelta && dictionary.version > 0 && this.#messages.isFile)
        throw new DamagedError('a dictionary is replaced, which a file must not do');
      const { large } = [...this.#columns.values()].find((column) => column.dictionary === message.id)!;
      dictionary.add(message.batch, await this.#messages.body(message.bodyBytes), message.isDelta, large);
    }
  }

  #columnsOf(batch: ArrowBatch, body: Uint8Array, firstRow: number, ops: OpCodes): TraceBatch {
    const { path } = this;
    const length = batch.rows;
    if (length > MAX_BATCH_ROWS)
      throw new InputError(`${path}: a record batch of ${length} rows; ${MAX_BATCH_ROWS} at most`);
    if (batch.nodes < this.#schema.nodes || batch.buffers < this.#schema.buffers)
      throw new DamagedError('a record batch lacks columns');
    const bytes = (name: ColumnName): Uint8Array => {
      const column = this.#columns.get(name)!;
      const node = batch.node(column.node);
      if (node.length !== length || node.nulls > length) throw new DamagedError('columns differ in length');
      if (node.nulls > 0 && name !== 'name') {
        const validity = bufferOf(batch, body, column.buffer, (length + 7) >> 3);
        const row = firstNull(validity, length);
        if (row < length) throw new InputError(`${path}: null in column ${name}, row ${firstRow + row}`);
      }
      const need = length * column.width;
      return aligned(bufferOf(batch, body, column.buffer + 1, need), column.width).subarray(0, need);
    };
    const u16 = (name: ColumnName) => {
      const b = bytes(name);
      return new Uint16Array(b.buffer, b.byteOffset, length);
    };
    const u32 = (name: ColumnName) => {
      const b = bytes(name);
      return new Uint32Array(b.buffer, b.byteOffset, length);
    };
    const u64 = (name: ColumnName) => {
      const b = bytes(name);
      return new BigUint64Array(b.buffer as ArrayBuffer, b.byteOffset, length);
    };
    const op = bytes('op');
    ops.update(this.#dictionaries.get(this.#columns.get('op')!.dictionary)!);
    const { map } = ops;
    for (let row = 0; row < length; row++) {
      if (map[op[row]!] === 0) {
        const name = ops.names[op[row]!];
        const what =
          name === undefined || name === null ? `op code ${op[row]} has no name` : `unknown op "${name.slice(0, 40)}"`;
        throw new InputError(`${path}: ${what}, row ${firstRow + row}`);
      }
    }
    const nameColumn = this.#columns.get('name')!;
    const codes = codesOf(bytes('name'), nameColumn, length);
    const { nulls } = batch.node(nameColumn.node);
    const validity = nulls === 0 ? null : bufferOf(batch, body, nameColumn.buffer, (length + 7) >> 3);
    const names = this.#dictionaries.get(nameColumn.dictionary)!;
    return {
      length,
      firstRow,
      ts: u64('ts'),
      cpu: u16('cpu'),
      op,
      opMap: map,
      task: u32('task'),
      cgroup: u32('cgroup'),
      object: u32('object'),
      index: u64('index'),
      count: u32('count'),
      flags: u32('flags'),
      gfp: u16('gfp'),
      name(row) {
        if (validity !== null && (validity[row >> 3]! & (1 << (row & 7))) === 0) return null;
        const code = codes[row]!;
        if (code < 0 || code >= names.length)
          throw new InputError(`${path}: name code ${code} is not in the dictionary, row ${firstRow + row}`);
        return names.get(code);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle?.close().catch(() => {});
  }
}

type Codes = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

function codesOf(bytes: Uint8Array, column: Column, length: number): Codes {
  const { buffer, byteOffset } = bytes;
  if (column.width === 1)
    return column.signed ? new Int8Array(buffer, byteOffset, length) : new Uint8Array(buffer, byteOffset, length);
  if (column.width === 2)
    return column.signed ? new Int16Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length);
  return column.signed ? new Int32Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
}

// --- opening

/** The footer of a file, null for a stream; refuses anything else, and a cut file. */
async function footerBytes(handle: FileHandle, size: number, label: string): Promise<Buffer | null> {
  const head = Buffer.alloc(8);
  const { bytesRead } = await handle.read(head, 0, 8, 0);
  if (bytesRead < 8) throw new InputError(`${label}: not an Arrow file (${size} bytes)`);
  if (head.toString('latin1', 0, 6) !== MAGIC) {
    checkStreamHead(head, label);
    return null;
  }
  const tail = Buffer.alloc(10);
  if (size >= 20) await handle.read(tail, 0, 10, size - 10);
  const length = tail.readInt32LE(0);
  if (tail.toString('latin1', 4) !== MAGIC || length <= 0 || length > MAX_METADATA_BYTES || length + 18 > size)
    throw new InputError(`${label}: the Arrow file is cut (no footer at its end)`);
  const footer = Buffer.alloc(length);
  const read = await handle.read(footer, 0, length, size - 10 - length);
  if (read.bytesRead < length) throw new InputError(`${label}: the Arrow file is cut (no footer at its end)`);
  return footer;
}

function checkStreamHead(head: Buffer, label: string): void {
  // A continuation marker, then the size of the schema message.
  if (head.readInt32LE(0) !== -1 || head.readInt32LE(4) <= 0 || head.readInt32LE(4) > 1 << 26)
    throw new InputError(`${label}: not an Arrow IPC file or stream`);
}

/** A file read through a pipe: what lies between the magic and the footer is a stream, so it need not be held in memory whole. */
async function* withoutMagic(source: AsyncIterable<Uint8Array | string>, label: string): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  let isFile = false;
  let tail = '';
  try {
    for await (const chunk of source) {
      let bytes: Buffer =
        typeof chunk === 'string'
          ? Buffer.from(chunk, 'latin1')
          : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      if (head !== null) {
        head = Buffer.concat([head, bytes]);
        if (head.length < 16) continue;
        isFile = head.toString('latin1', 0, 6) === MAGIC;
        bytes = isFile ? head.subarray(8) : head;
        checkStreamHead(bytes, label);
        head = null;
      }
      tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - MAGIC.length))).slice(-MAGIC.length);
      yield bytes;
    }
  } catch (error) {
    throw error instanceof InputError ? error : fileError(label, error);
  }
  if (head !== null) throw new InputError(`${label}: not an Arrow IPC file or stream (${head.length} bytes)`);
  // Whoever reads stops at the end-of-stream marker, before this; without a footer the marker is missing as well.
  if (isFile && tail !== MAGIC) throw new InputError(`${label}: the Arrow file is cut (no footer at its end)`);
}

function arrowError(label: string, error: unknown, row?: number): Error {
  if (error instanceof InputError) return error;
  if (typeof (error as NodeJS.ErrnoException | null)?.code === 'string' && (error as NodeJS.ErrnoException).syscall)
    return fileError(label, error);
  if (!(error instanceof DamagedError || error instanceof FlatbufferError)) return error as Error;
  const where = row === undefined ? '' : ` after row ${row}`;
  if (error instanceof DamagedError && error.cut) return new InputError(`${label}: the Arrow data is cut${where}`);
  return new InputError(`${label}: cut or damaged Arrow data${where} (${error.message})`);
}

function number(label: string, metadata: ReadonlyMap<string, string>, key: string): number | null {
  const text = metadata.get(key);
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw new InputError(`${label}: metadata ${key} is no number: ${text.slice(0, 40)}`);
  return Number(text);
}

// --- schema

function checkSchema(schema: ArrowSchema, label: string): void {
  const version = schema.metadata.get('memcharge.version');
  if (version === undefined)
    throw new InputError(`${label}: not a memcharge trace (no memcharge.version in its metadata)`);
  if (version !== SCHEMA_VERSION)
    throw new InputError(
      `${label}: trace version ${version.slice(0, 40)}; this memcharge reads version ${SCHEMA_VERSION}`,
    );
  const pageSize = schema.metadata.get('page_size');
  if (pageSize !== undefined && pageSize !== '4096')
    throw new InputError(`${label}: pages of ${pageSize.slice(0, 40)} bytes; only 4096 is supported`);
  for (const [name, want] of COLUMNS) {
    const found = schema.columns.filter((column) => column.name === name);
    if (found.length === 0) throw new InputError(`${label}: column ${name} is missing`);
    if (found.length > 1) throw new InputError(`${label}: column ${name} is there twice`);
    const { type } = found[0]!;
    // The name's index type is free: writers choose it by themselves.
    if (name === 'name' ? !/^dictionary<u?int(8|16|32), (large)?utf8>$/.test(type) : type !== want)
      throw new InputError(`${label}: column ${name} is ${type}; it must be ${want}`);
  }
  const [op, names] = ['op', 'name'].map((name) => schema.columns.find((column) => column.name === name)!.dictionary);
  if (op === names) throw new InputError(`${label}: columns op and name share a dictionary`);
}

// --- batches

/** The map from the file's op codes to the engine's; made again when the file's dictionary has changed. */
class OpCodes {
  readonly map = new Uint8Array(256);
  names: (string | null)[] = [];
  readonly #path: string;
  #seen = -1;

  constructor(path: string) {
    this.#path = path;
  }

  update(dictionary: Dictionary): void {
    if (dictionary.version === this.#seen) return;
    this.#seen = dictionary.version;
    if (dictionary.length > 256) throw new InputError(`${this.#path}: more than 256 op names`);
    this.names = Array.from({ length: dictionary.length }, (_, code) => dictionary.get(code));
    this.map.fill(0);
    this.names.forEach((name, code) => {
      this.map[code] = OP_CODES.get(name ?? '') ?? 0;
    });
  }
}

/** The first row whose bit is not set, `length` where there is none. */
function firstNull(validity: Uint8Array, length: number): number {
  let row = 0;
  while (row < length && (validity[row >> 3]! & (1 << (row & 7))) !== 0) row++;
  return row;
}

/** Compares 32-bit halves: BigInt comparisons would allocate for every row. */
function checkTime(path: string, batch: TraceBatch, last: { low: number; high: number }): void {
  const words = new Uint32Array(batch.ts.buffer, batch.ts.byteOffset, batch.length * 2);
  let { low, high } = last;
  for (let row = 0; row < batch.length; row++) {
    const l = words[row * 2]!;
    const h = words[row * 2 + 1]!;
    if (h < high || (h === high && l < low))
      throw new InputError(`${path}: time goes backwards at row ${batch.firstRow + row}`);
    low = l;
    high = h;
  }
  last.low = low;
  last.high = high;
}
