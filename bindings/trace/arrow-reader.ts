/**
 * Reads a trace, an Arrow IPC file or stream, batch by batch, and refuses what is no trace with one clear line. Columns are views of
 * the batch's buffers wherever Arrow allows.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import {
  type AsyncRecordBatchFileReader,
  type Data,
  DataType,
  type Dictionary,
  RecordBatchReader,
  type Schema,
  type Vector,
} from 'apache-arrow';
import { fileError, InputError, messageOf } from './input-error.ts';
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
  /** Releases the file; safe to call twice. */
  close(): Promise<void>;
}

const MAGIC = 'ARROW1';
const U32_KEYS = ['pages', 'cgroups', 'tasks', 'objects', 'swap', 'cpus'] as const;

/** Opens a trace; `-` is stdin. Throws InputError. */
export async function openTrace(path: string): Promise<Trace> {
  const label = path === '-' ? 'standard input' : path;
  let handle: FileHandle | null = null;
  let reader: RecordBatchReader;
  try {
    if (path !== '-') {
      const info = await stat(path);
      if (info.isDirectory()) throw new InputError(`${path}: is a directory`);
      handle = await open(path, 'r');
      if (info.isFile()) await checkEnds(handle, info.size, label);
      reader = info.isFile()
        ? await RecordBatchReader.from(handle)
        : await RecordBatchReader.from(withoutMagic(handle.createReadStream({ autoClose: false }), label));
    } else {
      reader = await RecordBatchReader.from(withoutMagic(process.stdin, label));
    }
    await reader.open();
    if (reader.schema === undefined || reader.schema === null)
      throw new InputError(`${label}: the Arrow data is cut (no schema)`);
    checkSchema(reader.schema, label);
    const footer = (reader as { footer?: { schema: Schema } | null }).footer;
    return new OpenTrace(label, reader, handle, footer?.schema.metadata ?? reader.schema.metadata);
  } catch (error) {
    await handle?.close().catch(() => {});
    throw arrowError(label, error);
  }
}

class OpenTrace implements Trace {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly highWater: HighWater | null;
  readonly events: number | null;
  readonly durationNs: number | null;
  readonly #reader: RecordBatchReader;
  readonly #handle: FileHandle | null;
  #closed = false;

  constructor(path: string, reader: RecordBatchReader, handle: FileHandle | null, metadata: Map<string, string>) {
    this.path = path;
    this.#reader = reader;
    this.#handle = handle;
    this.metadata = metadata;
    const marks = U32_KEYS.map((key) => number(path, metadata, `memcharge.capacity.${key}`));
    this.highWater = marks.some((mark) => mark === null)
      ? null
      : (Object.fromEntries(U32_KEYS.map((key, i) => [key, marks[i]])) as unknown as HighWater);
    this.events = number(path, metadata, 'memcharge.events');
    this.durationNs = number(path, metadata, 'memcharge.duration_ns');
  }

  async *batches(): AsyncGenerator<TraceBatch> {
    let row = 0;
    const order = { low: 0, high: 0 };
    const ops = new OpCodes(this.path);
    const source = recordBatches(this.#reader, this.path)[Symbol.asyncIterator]();
    try {
      for (;;) {
        let next: IteratorResult<{ numRows: number; data: Data }>;
        try {
          next = await source.next();
        } catch (error) {
          throw arrowError(this.path, error);
        }
        if (next.done) break;
        const { numRows } = next.value;
        if (numRows === 0) continue;
        let batch: TraceBatch;
        try {
          batch = columns(this.path, next.value.data, numRows, row, ops);
        } catch (error) {
          throw arrowError(this.path, error);
        }
        checkTime(this.path, batch, order);
        yield batch;
        row += numRows;
      }
      if (this.events !== null && this.events !== row)
        throw new InputError(`${this.path}: cut or damaged: ${row} events where the metadata says ${this.events}`);
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Arrow closes the handle itself at the end of a file; a second close is harmless.
    await Promise.resolve(this.#reader.cancel()).catch(() => {});
    await this.#handle?.close().catch(() => {});
  }
}

/**
 * Of a file, the batches that its footer names, one by one: Arrow's own loop never ends on a block that is no record batch.
 */
async function* recordBatches(
  reader: RecordBatchReader,
  label: string,
): AsyncGenerator<{ numRows: number; data: Data }, undefined> {
  if (!reader.isFile()) {
    yield* reader as unknown as AsyncIterable<{ numRows: number; data: Data }>;
    return undefined;
  }
  for (let i = 0; i < reader.numRecordBatches; i++) {
    const batch = await (reader as unknown as AsyncRecordBatchFileReader).readRecordBatch(i);
    if (batch === null) throw new InputError(`${label}: cut or damaged Arrow data (record batch ${i})`);
    yield batch;
  }
  return undefined;
}

// --- opening

/** Tells a file from a stream and both from anything else, and a cut file, before Arrow sees it. */
async function checkEnds(handle: FileHandle, size: number, label: string): Promise<void> {
  const head = Buffer.alloc(8);
  const { bytesRead } = await handle.read(head, 0, 8, 0);
  if (bytesRead < 8) throw new InputError(`${label}: not an Arrow file (${size} bytes)`);
  if (head.toString('latin1', 0, 6) === MAGIC) {
    const tail = Buffer.alloc(10);
    if (size >= 20) await handle.read(tail, 0, 10, size - 10);
    const footer = tail.readInt32LE(0);
    if (tail.toString('latin1', 4) !== MAGIC || footer <= 0 || footer + 18 > size)
      throw new InputError(`${label}: the Arrow file is cut (no footer at its end)`);
    return;
  }
  checkStreamHead(head, label);
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

function arrowError(label: string, error: unknown): Error {
  if (error instanceof InputError) return error;
  if (typeof (error as NodeJS.ErrnoException | null)?.code === 'string' && (error as NodeJS.ErrnoException).syscall)
    return fileError(label, error);
  const message = messageOf(error);
  if (/codec not found|compress/i.test(message))
    return new InputError(`${label}: compressed record batches are not supported: write without compression`);
  return new InputError(`${label}: cut or damaged Arrow data`);
}

function number(label: string, metadata: ReadonlyMap<string, string>, key: string): number | null {
  const text = metadata.get(key);
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw new InputError(`${label}: metadata ${key} is no number: ${text.slice(0, 40)}`);
  return Number(text);
}

// --- schema

const COLUMNS: readonly (readonly [name: string, type: string, nullable: boolean])[] = [
  ['ts', 'uint64', false],
  ['cpu', 'uint16', false],
  ['op', 'dictionary<uint8, utf8>', false],
  ['task', 'uint32', false],
  ['cgroup', 'uint32', false],
  ['object', 'uint32', false],
  ['index', 'uint64', false],
  ['count', 'uint32', false],
  ['flags', 'uint32', false],
  ['gfp', 'uint16', false],
  ['name', 'dictionary<int32, utf8>', true],
];

function typeName(type: DataType): string {
  if (DataType.isDictionary(type)) return `dictionary<${typeName(type.indices)}, ${typeName(type.dictionary)}>`;
  return String(type).toLowerCase();
}

function checkSchema(schema: Schema, label: string): void {
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
    const fields = schema.fields.filter((f) => f.name === name);
    if (fields.length === 0) throw new InputError(`${label}: column ${name} is missing`);
    if (fields.length > 1) throw new InputError(`${label}: column ${name} is there twice`);
    const have = typeName(fields[0]!.type);
    // The name's index type is free: writers choose it by themselves.
    if (name === 'name' ? !/^dictionary<u?int(8|16|32), (large)?utf8>$/.test(have) : have !== want)
      throw new InputError(`${label}: column ${name} is ${have}; it must be ${want}`);
  }
}

// --- batches

/** The map from the file's op codes to the engine's; made again when the file's dictionary has grown. */
class OpCodes {
  readonly map = new Uint8Array(256);
  names: (string | null)[] = [];
  readonly #path: string;
  #seen = -1;

  constructor(path: string) {
    this.#path = path;
  }

  update(dictionary: Vector): void {
    if (dictionary.length === this.#seen) return;
    this.#seen = dictionary.length;
    if (dictionary.length > 256) throw new InputError(`${this.#path}: more than 256 op names`);
    this.names = [...dictionary] as (string | null)[];
    this.map.fill(0);
    this.names.forEach((name, code) => {
      this.map[code] = OP_CODES.get(name ?? '') ?? 0;
    });
  }
}

function columns(path: string, data: Data, length: number, firstRow: number, ops: OpCodes): TraceBatch {
  const names = (data.type.children ?? []).map((f) => f.name);
  const column = (name: string): Data => {
    const child = data.children[names.indexOf(name)] as Data;
    if (name !== 'name' && child.nullCount > 0) {
      const row = firstNull(child, length);
      throw new InputError(`${path}: null in column ${name}, row ${firstRow + row}`);
    }
    return child;
  };
  const values = <A>(name: string): A => {
    const child = column(name);
    if (child.values.length < length)
      throw new InputError(`${path}: cut or damaged Arrow data (column ${name} is too short)`);
    return child.values.subarray(0, length) as A;
  };
  const op = values<Uint8Array>('op');
  ops.update(column('op').dictionary as Vector);
  const { map } = ops;
  for (let row = 0; row < length; row++) {
    if (map[op[row]!] === 0) {
      const name = ops.names[op[row]!];
      const what =
        name === undefined || name === null ? `op code ${op[row]} has no name` : `unknown op "${name.slice(0, 40)}"`;
      throw new InputError(`${path}: ${what}, row ${firstRow + row}`);
    }
  }
  const nameColumn = column('name') as Data<Dictionary>;
  return {
    length,
    firstRow,
    ts: values('ts'),
    cpu: values('cpu'),
    op,
    opMap: map,
    task: values('task'),
    cgroup: values('cgroup'),
    object: values('object'),
    index: values('index'),
    count: values('count'),
    flags: values('flags'),
    gfp: values('gfp'),
    name(row) {
      if (nameColumn.nullCount > 0 && !valid(nameColumn, row)) return null;
      const code = Number(nameColumn.values[row]);
      const dictionary = nameColumn.dictionary as Vector;
      if (code < 0 || code >= dictionary.length)
        throw new InputError(`${path}: name code ${code} is not in the dictionary, row ${firstRow + row}`);
      return dictionary.get(code) as string | null;
    },
  };
}

function valid(data: Data, row: number): boolean {
  const bit = data.offset + row;
  return ((data.nullBitmap[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}

function firstNull(data: Data, length: number): number {
  for (let row = 0; row < length; row++) if (!valid(data, row)) return row;
  return 0;
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
