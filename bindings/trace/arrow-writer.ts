/**
 * Writes a trace as an Arrow IPC file, or to standard output as a stream. Rows are collected in typed arrays and leave as record batches of 65,536 rows, so memory stays
 * bounded by one batch and the names.
 *
 * The `name` dictionary grows while the file is written. In the IPC *file* format a dictionary may be extended by delta batches but never
 * replaced; readers apply the dictionary blocks in the order of the footer. So the first block (empty or not) comes before the first
 * record batch and every later one is a delta, written before the batch that uses it: the part of the file before its footer is a valid
 * IPC stream as well.
 */
import { closeSync, lstatSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  CompressionType,
  type Data,
  Dictionary,
  Field,
  Int32,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchWriter,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { lz4 } from '../codec/lz4.ts';
import { zstd } from '../codec/zstd-encoder.ts';
import { fileError, InputError } from './input-error.ts';
import { type HighWater, OP_NAMES, PAGE_SIZE, SCHEMA_VERSION } from './schema.ts';

export const BATCH_ROWS = 65536;

const OP_DICTIONARY = 0;
const NAME_DICTIONARY = 1;
const U32 = 2 ** 32;

/** What an importer writes to. Times are nanoseconds relative to the base, as a double: exact for 104 days of recording. */
export interface TraceSink {
  /** Sets the time base, in nanoseconds; once, before the first event. */
  setBase(ns: bigint): void;
  /** One event. Numbers are non-negative integers; `index` up to 2^53, `ts` may be negative; see docs/trace-format.md. */
  append(
    ts: number,
    cpu: number,
    op: number,
    task: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp: number,
    name: string | null,
  ): void;
}

/** How the bodies of record batches are compressed. */
export type BodyCompression = 'none' | 'lz4' | 'zstd';
export const COMPRESSIONS: readonly BodyCompression[] = ['none', 'lz4', 'zstd'];

export interface TraceWriterOptions {
  /** default none, which is the fastest to write and to read */
  compression?: BodyCompression;
  /** what made the trace, such as `memcg-probes` */
  source: string;
  /** the clock of `ts`, such as `monotonic`; `recorded` where the recording does not tell */
  clock: string;
  /** further schema metadata */
  metadata?: Record<string, string>;
}

/**
 * The file that a trace at `path` will be: behind a symbolic link its target. A rename would put a file in the place of a device or
 * a pipe, so those are refused. Throws InputError.
 */
function writableTarget(path: string): string {
  if (path === '') throw new InputError('the trace to write has an empty name');
  try {
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info === undefined) return path;
    const target = info.isSymbolicLink() ? realpathSync(path) : path;
    if (!statSync(target).isFile()) throw new InputError(`${path}: exists and is not a regular file`);
    return target;
  } catch (error) {
    throw error instanceof InputError ? error : fileError(path, error);
  }
}

export class TraceWriter implements TraceSink {
  readonly path: string;
  /** events appended so far */
  events = 0;
  /** null: standard output */
  readonly #target: string | null;
  readonly #temporary: string | null;
  readonly #fd: number;
  readonly #ipc: IpcWriter;
  readonly #schema: Schema;
  #open = true;
  readonly #opCodes: number[] = [];
  readonly #names = new Map<string, number>();
  #newNames: string[] = [];
  #nameDictionaryWritten = false;
  #baseLow = 0;
  #baseHigh = 0;
  #firstTs = 0;
  #lastTs = 0;
  #rows = 0;
  #nulls = 0;
  #ts = new BigUint64Array(0);
  #tsWords = new Uint32Array(0);
  #cpu = new Uint16Array(0);
  #op = new Uint8Array(0);
  #task = new Uint32Array(0);
  #cgroup = new Uint32Array(0);
  #object = new Uint32Array(0);
  #index = new BigUint64Array(0);
  #indexWords = new Uint32Array(0);
  #count = new Uint32Array(0);
  #flags = new Uint32Array(0);
  #gfp = new Uint16Array(0);
  #name = new Int32Array(0);
  #nameValid = new Uint8Array(0);

  /**
   * Creates the temporary file beside `path`; `-` is standard output, to which a stream goes at once. Throws InputError where it cannot.
   */
  constructor(path: string, options: TraceWriterOptions) {
    this.path = path === '-' ? 'standard output' : path;
    if (path === '-') {
      if (process.stdout.isTTY) throw new InputError('standard output is a terminal, and a trace is no text');
      this.#target = this.#temporary = null;
      this.#fd = STDOUT;
    } else {
      this.#target = writableTarget(path);
      this.#temporary = join(dirname(this.#target), `.${basename(this.#target)}.${process.pid}.tmp`);
      try {
        this.#fd = openSync(this.#temporary, 'w');
      } catch (error) {
        throw fileError(path, error);
      }
      unfinished.add(this.#temporary);
    }
    const metadata = new Map<string, string>([
      ['memcharge.version', SCHEMA_VERSION],
      ['page_size', String(PAGE_SIZE)],
      ['source', options.source],
      ['clock', options.clock],
      ...Object.entries(options.metadata ?? {}),
    ]);
    this.#schema = new Schema(
      [
        new Field('ts', new Uint64(), false),
        new Field('cpu', new Uint16(), false),
        new Field('op', new Dictionary(new Utf8(), new Uint8(), OP_DICTIONARY), false),
        new Field('task', new Uint32(), false),
        new Field('cgroup', new Uint32(), false),
        new Field('object', new Uint32(), false),
        new Field('index', new Uint64(), false),
        new Field('count', new Uint32(), false),
        new Field('flags', new Uint32(), false),
        new Field('gfp', new Uint16(), false),
        new Field('name', new Dictionary(new Utf8(), new Int32(), NAME_DICTIONARY), true),
      ],
      metadata,
    );
    this.#ipc = new IpcWriter(this.#fd, this.#target !== null, options.compression ?? 'none');
    // The file's codes leave out the engine's 0, which is no op.
    OP_NAMES.forEach((_, code) => {
      this.#opCodes.push(code - 1);
    });
    this.#guard(() => {
      this.#ipc.begin(this.#schema);
      this.#ipc.dictionary(utf8Data(OP_NAMES.slice(1)), OP_DICTIONARY, false);
    });
    this.#newBatch();
  }

  /** From the first row to the last, ns. */
  get durationNs(): number {
    return Math.max(0, this.#lastTs - this.#firstTs);
  }

  setBase(ns: bigint): void {
    this.#baseLow = Number(ns & 0xffffffffn);
    this.#baseHigh = Number(ns >> 32n);
  }

  append(
    ts: number,
    cpu: number,
    op: number,
    task: number,
    cgroup: number,
    object: number,
    index: number,
    count: number,
    flags: number,
    gfp: number,
    name: string | null,
  ): void {
    const row = this.#rows;
    // Two 32-bit words instead of a BigInt: no allocation per row.
    const low = this.#baseLow + ts;
    const carry = Math.floor(low / U32);
    this.#tsWords[row * 2] = low - carry * U32;
    this.#tsWords[row * 2 + 1] = this.#baseHigh + carry;
    this.#cpu[row] = cpu;
    this.#op[row] = op - 1;
    this.#task[row] = task;
    this.#cgroup[row] = cgroup;
    this.#object[row] = object;
    const indexHigh = index < U32 ? 0 : Math.floor(index / U32);
    this.#indexWords[row * 2] = index - indexHigh * U32;
    this.#indexWords[row * 2 + 1] = indexHigh;
    this.#count[row] = count;
    this.#flags[row] = flags;
    this.#gfp[row] = gfp;
    if (name === null) {
      this.#nulls++;
    } else {
      this.#name[row] = this.#nameId(name);
      this.#nameValid[row >> 3]! |= 1 << (row & 7);
    }
    if (this.events === 0) this.#firstTs = ts;
    this.#lastTs = ts;
    this.events++;
    if (++this.#rows === BATCH_ROWS) this.#flush();
  }

  /**
   * Writes the rest and the footer, with the high-water marks, and gives the file its name. Throws InputError where the disk refuses.
   */
  close(highWater: HighWater): void {
    if (!this.#open) return;
    if (this.#rows > 0 || !this.#nameDictionaryWritten) this.#flush();
    const metadata = new Map(this.#schema.metadata);
    for (const [key, value] of Object.entries(highWater)) metadata.set(`memcharge.capacity.${key}`, String(value));
    metadata.set('memcharge.events', String(this.events));
    metadata.set('memcharge.duration_ns', String(this.durationNs));
    this.#guard(() => {
      this.#ipc.end(new Schema(this.#schema.fields, metadata));
      this.#open = false;
      if (this.#target === null || this.#temporary === null) return;
      closeSync(this.#fd);
      renameSync(this.#temporary, this.#target);
      unfinished.delete(this.#temporary);
    });
  }

  /** Gives up: removes the temporary file and leaves what was at `path`. Safe to call twice and after close. */
  abort(): void {
    if (this.#temporary === null) {
      this.#open = false;
      return;
    }
    if (this.#open) {
      this.#open = false;
      closeSync(this.#fd);
    }
    rmSync(this.#temporary, { force: true });
    unfinished.delete(this.#temporary);
  }

  #nameId(name: string): number {
    let id = this.#names.get(name);
    if (id === undefined) {
      id = this.#names.size;
      this.#names.set(name, id);
      this.#newNames.push(name);
    }
    return id;
  }

  #newBatch(): void {
    // Written synchronously, so the same arrays serve every batch.
    if (this.#ts.length === 0) {
      this.#ts = new BigUint64Array(BATCH_ROWS);
      this.#tsWords = new Uint32Array(this.#ts.buffer);
      this.#cpu = new Uint16Array(BATCH_ROWS);
      this.#op = new Uint8Array(BATCH_ROWS);
      this.#task = new Uint32Array(BATCH_ROWS);
      this.#cgroup = new Uint32Array(BATCH_ROWS);
      this.#object = new Uint32Array(BATCH_ROWS);
      this.#index = new BigUint64Array(BATCH_ROWS);
      this.#indexWords = new Uint32Array(this.#index.buffer);
      this.#count = new Uint32Array(BATCH_ROWS);
      this.#flags = new Uint32Array(BATCH_ROWS);
      this.#gfp = new Uint16Array(BATCH_ROWS);
      this.#name = new Int32Array(BATCH_ROWS);
      this.#nameValid = new Uint8Array(BATCH_ROWS / 8);
    }
    this.#name.fill(0);
    this.#nameValid.fill(0);
    this.#rows = 0;
    this.#nulls = 0;
  }

  #flush(): void {
    const length = this.#rows;
    const [ts, cpu, op, task, cgroup, object, index, count, flags, gfp, name] = this.#schema.fields.map((f) => f.type);
    this.#guard(() => {
      if (!this.#nameDictionaryWritten || this.#newNames.length > 0) {
        this.#ipc.dictionary(utf8Data(this.#newNames), NAME_DICTIONARY, this.#nameDictionaryWritten);
        this.#nameDictionaryWritten = true;
        this.#newNames = [];
      }
      if (length === 0) return;
      const children = [
        makeData({ type: ts as Uint64, length, data: this.#ts.subarray(0, length) }),
        makeData({ type: cpu as Uint16, length, data: this.#cpu.subarray(0, length) }),
        makeData({
          type: op as Dictionary<Utf8, Uint8>,
          length,
          data: this.#op.subarray(0, length),
          dictionary: EMPTY,
        }),
        makeData({ type: task as Uint32, length, data: this.#task.subarray(0, length) }),
        makeData({ type: cgroup as Uint32, length, data: this.#cgroup.subarray(0, length) }),
        makeData({ type: object as Uint32, length, data: this.#object.subarray(0, length) }),
        makeData({ type: index as Uint64, length, data: this.#index.subarray(0, length) }),
        makeData({ type: count as Uint32, length, data: this.#count.subarray(0, length) }),
        makeData({ type: flags as Uint32, length, data: this.#flags.subarray(0, length) }),
        makeData({ type: gfp as Uint16, length, data: this.#gfp.subarray(0, length) }),
        makeData({
          type: name as Dictionary<Utf8, Int32>,
          length,
          nullCount: this.#nulls,
          nullBitmap: this.#nulls === 0 ? undefined : this.#nameValid.subarray(0, (length + 7) >> 3),
          data: this.#name.subarray(0, length),
          dictionary: EMPTY,
        }),
      ];
      const data = makeData({
        type: new Struct(this.#schema.fields),
        length,
        nullCount: 0,
        children: children as Data[],
      });
      this.#ipc.batch(new RecordBatch(this.#schema, data));
    });
    this.#newBatch();
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.abort();
      throw (error as NodeJS.ErrnoException).code === undefined ? error : fileError(this.path, error);
    }
  }
}

/** Temporary files to remove when the process is told to stop. */
const unfinished = new Set<string>();

/** Removes the temporary files of writers that are still open; for signal handlers. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
  unfinished.clear();
}

const EMPTY = makeVector(utf8Data([]));

function utf8Data(names: readonly string[]): Data<Utf8> {
  return names.length === 0
    ? makeData({ type: new Utf8(), length: 0, valueOffsets: Int32Array.of(0), data: new Uint8Array(0) })
    : vectorFromArray(names, new Utf8()).data[0]!;
}

const STDOUT = 1;

interface Buffers {
  byteLength: number;
  bufferRegions: { offset: number; length: number }[];
  buffers: Uint8Array[];
}

/**
 * Apache Arrow's file writer with a file descriptor as its sink and with the dictionaries under our control. It also writes the schema
 * message after the magic, as the format wants and Arrow's own writer does not, so that the file can be read through a pipe. As a stream
 * it leaves magic and footer out.
 */
class IpcWriter extends RecordBatchFileWriter {
  readonly #fd: number;
  readonly #isFile: boolean;
  readonly #encode: ((bytes: Uint8Array) => Uint8Array) | null;
  #footer: Schema | null = null;

  constructor(fd: number, isFile: boolean, compression: BodyCompression) {
    super(
      compression === 'none'
        ? {}
        : { compressionType: compression === 'lz4' ? CompressionType.LZ4_FRAME : CompressionType.ZSTD },
    );
    this.#fd = fd;
    this.#isFile = isFile;
    this.#encode = compression === 'none' ? null : compression === 'lz4' ? lz4 : zstd;
  }

  begin(schema: Schema): void {
    this._started = true;
    this._schema = schema;
    this._writeSchema(schema);
  }

  dictionary(data: Data, id: number, delta: boolean): void {
    this._writeDictionaryBatch(data, id, delta);
  }

  batch(batch: RecordBatch): void {
    this._writeRecordBatch(batch);
  }

  end(footer: Schema): void {
    this.#footer = footer;
    if (this.#isFile) this._writeFooter(footer);
    // The end-of-stream mark.
    else this._write(Int32Array.of(-1, 0));
  }

  /**
   * Arrow's own writes the length of the compressed bytes before them, where the format (and every other reader) wants that of the
   * uncompressed ones.
   */
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]): Buffers {
    const out: Buffers = { byteLength: 0, bufferRegions: [], buffers: [] };
    for (const buffer of buffers) {
      const plain = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
      const offset = (out.byteLength + 7) & ~7;
      if (plain.length === 0) {
        out.bufferRegions.push({ offset, length: 0 });
        out.buffers.push(plain, plain);
        continue;
      }
      const encoded = this.#encode!(plain);
      const shorter = encoded.length < plain.length;
      const prefix = Buffer.alloc(8);
      prefix.writeBigInt64LE(shorter ? BigInt(plain.length) : -1n);
      out.buffers.push(prefix, shorter ? encoded : plain);
      const length = 8 + (shorter ? encoded : plain).length;
      out.bufferRegions.push({ offset, length });
      out.byteLength = offset + length;
    }
    out.byteLength = (out.byteLength + 7) & ~7;
    return out;
  }

  protected override _writeSchema(schema: Schema): this {
    if (this.#isFile) this._writeMagic()._writePadding(2);
    // Not super: the file writer leaves the message out.
    const write = (RecordBatchWriter.prototype as unknown as { _writeSchema(s: Schema): unknown })._writeSchema;
    write.call(this, schema);
    return this;
  }

  protected override _writeDictionaries(): this {
    return this;
  }

  protected override _writeFooter(schema: Schema): this {
    return super._writeFooter(this.#footer ?? schema);
  }

  protected override _write(chunk: ArrayBufferView): this {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; ) at += writeSome(this.#fd, bytes, at);
    this._position += bytes.length;
    return this;
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));

/** As writeSync, but waits for a pipe that is full: whoever made standard output may have made it non-blocking. */
function writeSome(fd: number, bytes: Uint8Array, at: number): number {
  for (;;) {
    try {
      return writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(SLEEP, 0, 0, 1);
    }
  }
}
