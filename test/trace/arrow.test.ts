import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  Dictionary,
  Field,
  Int8,
  List,
  MessageHeader,
  MessageReader,
  makeVector,
  RecordBatchReader,
  Table,
  tableToIPC,
  Uint8,
  Uint16,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { BATCH_ROWS, type BodyCompression, TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { readRows, scratch } from './helpers.ts';

const HIGH = { pages: 10, cgroups: 3, tasks: 4, objects: 5, swap: 6, cpus: 2 };

function write(rows: number, nameEvery = 0, compression: BodyCompression = 'none'): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'none', compression });
  writer.setBase(18_000_000_000_000_000_000n);
  for (let i = 0; i < rows; i++)
    writer.append(
      i,
      i % 4,
      1 + (i % 28),
      i,
      i + 1,
      i + 2,
      i * 2 ** 20,
      i + 3,
      i + 4,
      i % 64,
      nameEvery > 0 && i % nameEvery === 0 ? `name ${i} ü` : null,
    );
  writer.close(HIGH);
  return path;
}

describe('writer and reader', () => {
  it('give back what was written, over several batches', async () => {
    const rows = BATCH_ROWS * 2 + 5;
    const trace = await openTrace(write(rows, 1000));
    expect(trace.highWater).toEqual(HIGH);
    expect(trace.events).toBe(rows);
    expect(trace.durationNs).toBe(rows - 1);
    expect(trace.metadata.get('memcharge.version')).toBe('1');
    let row = 0;
    for await (const batch of trace.batches()) {
      expect(batch.firstRow).toBe(row);
      for (let i = 0; i < batch.length; i++, row++) {
        const ok =
          batch.ts[i] === 18_000_000_000_000_000_000n + BigInt(row) &&
          batch.cpu[i] === row % 4 &&
          batch.opMap[batch.op[i]!] === 1 + (row % 28) &&
          batch.task[i] === row &&
          batch.cgroup[i] === row + 1 &&
          batch.object[i] === row + 2 &&
          batch.index[i] === BigInt(row) << 20n &&
          batch.count[i] === row + 3 &&
          batch.flags[i] === row + 4 &&
          batch.gfp[i] === row % 64 &&
          batch.name(i) === (row % 1000 === 0 ? `name ${row} ü` : null);
        if (!ok) expect.fail(`row ${row}`);
      }
    }
    expect(row).toBe(rows);
  });

  it('write an empty trace', async () => {
    expect(await readRows(write(0))).toEqual([]);
  });

  it('grow the name dictionary by deltas only, each before its batch and in the order of the footer', () => {
    const bytes = readFileSync(write(BATCH_ROWS * 3, 5000));
    // Between magic and footer lies an ordinary stream.
    const messages = new MessageReader(bytes.subarray(8));
    const seen: string[] = [];
    messages.readSchema();
    for (let message = messages.readMessage(); message !== null; message = messages.readMessage()) {
      if (message.headerType === MessageHeader.DictionaryBatch) {
        const header = message.header() as { id: number; isDelta: boolean };
        seen.push(`${header.id}${header.isDelta ? '+' : ''}`);
      } else {
        seen.push('batch');
      }
      messages.readMessageBody(message.bodyLength);
    }
    expect(seen).toEqual(['0', '1', 'batch', '1+', 'batch', '1+', 'batch']);
  });

  it('can be read as a stream, which lacks the footer', async () => {
    const bytes = readFileSync(write(1000, 10));
    const path = join(scratch(), 'stream.arrow');
    writeFileSync(path, bytes.subarray(8));
    const trace = await openTrace(path);
    expect(trace.highWater).toBeNull();
    expect(trace.events).toBeNull();
    await trace.close();
    const rows = await readRows(path);
    expect(rows).toHaveLength(1000);
    expect(rows[990]!.name).toBe('name 990 ü');
  });

  it('is read by Arrow itself', () => {
    const reader = RecordBatchReader.from(readFileSync(write(BATCH_ROWS + 1, 7)));
    const table = new Table([...(reader as Iterable<never>)]);
    expect(table.numRows).toBe(BATCH_ROWS + 1);
    expect(table.getChild('op')!.get(27)).toBe('mark');
    expect(table.getChild('name')!.get(7)).toBe('name 7 ü');
    expect(table.getChild('name')!.get(8)).toBeNull();
  });

  it('leave nothing behind after abort', () => {
    const path = join(scratch(), 't.arrow');
    const writer = new TraceWriter(path, { source: 'test', clock: 'none' });
    writer.append(0, 0, 1, 0, 0, 0, 0, 0, 0, 0, null);
    expect(readdirSync(dirname(path))).toHaveLength(1);
    writer.abort();
    writer.abort();
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('say where a trace cannot be written', () => {
    expect(() => new TraceWriter('/no/such/t.arrow', { source: 'x', clock: 'x' })).toThrow(
      '/no/such/t.arrow: no such file',
    );
  });
});

/** A trace made by somebody else's writer. */
function foreign(
  change: (columns: Record<string, unknown>) => void = () => {},
  version: string | null = '1',
  names = ['mark', 'exit'],
): string {
  const columns: Record<string, unknown> = {
    ts: makeVector(BigUint64Array.of(5n, 5n, 7n)),
    cpu: makeVector(Uint16Array.of(0, 1, 0)),
    op: vectorFromArray([names[0], names[1], names[0]], new Dictionary(new Utf8(), new Uint8())),
    task: makeVector(Uint32Array.of(1, 1, 1)),
    cgroup: makeVector(Uint32Array.of(0, 0, 0)),
    object: makeVector(Uint32Array.of(0, 0, 0)),
    index: makeVector(BigUint64Array.of(0n, 0n, 0n)),
    count: makeVector(Uint32Array.of(0, 0, 0)),
    flags: makeVector(Uint32Array.of(0, 0, 0)),
    gfp: makeVector(Uint16Array.of(0, 0, 0)),
    name: vectorFromArray(['a', null, 'b']),
  };
  change(columns);
  const table = new Table(columns as never);
  if (version !== null) table.schema.metadata.set('memcharge.version', version);
  const path = join(scratch(), 'f.arrow');
  writeFileSync(path, tableToIPC(table, 'stream'));
  return path;
}

describe.each(['lz4', 'zstd'] as const)('bodies compressed with %s', (compression) => {
  it('give back the same rows, as a file and as a stream, names from deltas too', async () => {
    const plain = await readRows(write(BATCH_ROWS + 500, 700));
    const path = write(BATCH_ROWS + 500, 700, compression);
    expect(statSync(path).size).toBeLessThan(2 << 20);
    expect(await readRows(path)).toEqual(plain);
    const stream = join(dirname(path), 'stream.arrow');
    writeFileSync(stream, readFileSync(path).subarray(8));
    expect(await readRows(stream)).toEqual(plain);
  });

  it('are refused where a buffer says that it becomes more than its rows need', async () => {
    const path = write(1000, 10, compression);
    const bytes = readFileSync(path);
    // The first compressed buffer of 1000 64-bit numbers begins with that length.
    const at = bytes.indexOf(Buffer.from([0x40, 0x1f, 0, 0, 0, 0, 0, 0]));
    expect(at).toBeGreaterThan(0);
    for (const size of [2n ** 40n, 9000n, 7999n, -2n, 2n ** 63n - 1n]) {
      bytes.writeBigInt64LE(size, at);
      writeFileSync(path, bytes);
      const error = await readRows(path).catch((e) => e);
      expect(error).toBeInstanceOf(InputError);
      expect(error.message).toMatch(/cut or damaged Arrow data after row 0 \(.+\)$/);
    }
  });
});

describe('dictionaries', () => {
  const batchOf = (values: string[]) =>
    foreign((c) => {
      c.name = vectorFromArray([values[0], null, values[1]], new Dictionary(new Utf8(), new Int8()));
    });

  it('may be replaced in a stream', async () => {
    // The schema and first batch of one, all but the schema of the other.
    const [a, b] = [readFileSync(batchOf(['a', 'b'])), readFileSync(batchOf(['c', 'd']))];
    const schemaBytes = 8 + b.readInt32LE(4);
    const path = join(scratch(), 'two.arrow');
    writeFileSync(path, Buffer.concat([a.subarray(0, -8), b.subarray(schemaBytes)]));
    const error = await readRows(path).catch((e) => e);
    // The rows of the first are read with its own names; time then goes back to the beginning.
    expect(error.message).toMatch(/time goes backwards at row 3/);
  });

  it('of other columns, and the columns themselves, are stepped over', async () => {
    const path = foreign((c) => {
      c.extra = vectorFromArray(['x', 'y', 'x']);
      c.list = vectorFromArray([[1], [2, 3], []], new List(new Field('item', new Uint16(), true)));
      c.text = vectorFromArray(['p', 'q', 'r'], new Utf8());
      // Columns after these are still found.
      const { gfp } = c;
      delete c.gfp;
      c.gfp = gfp;
    });
    expect((await readRows(path)).map((r) => r.name)).toEqual(['a', undefined, 'b']);
  });
});

describe('foreign traces', () => {
  it('are read, with their own op codes', async () => {
    const rows = await readRows(foreign());
    expect(rows.map((r) => [r.op, r.name])).toEqual([
      ['mark', 'a'],
      ['exit', undefined],
      ['mark', 'b'],
    ]);
  });

  it.each<[string, () => string, RegExp]>([
    ['another version', () => foreign(undefined, '99'), /trace version 99; this memcharge reads version 1/],
    ['no version', () => foreign(undefined, null), /not a memcharge trace/],
    ['a missing column', () => foreign((c) => delete c.gfp), /column gfp is missing/],
    [
      'a mistyped column',
      () =>
        foreign((c) => {
          c.task = makeVector(Int32Array.of(1, 2, 3));
        }),
      /column task is int32; it must be uint32/,
    ],
    [
      'nulls',
      () =>
        foreign((c) => {
          c.count = vectorFromArray([1, null, 2], makeVector(Uint32Array.of(0)).type);
        }),
      /null in column count, row 1/,
    ],
    ['an unknown op', () => foreign(undefined, '1', ['mark', 'levitate']), /unknown op "levitate", row 1/],
    [
      'time that goes backwards',
      () =>
        foreign((c) => {
          c.ts = makeVector(BigUint64Array.of(5n, 6n, 4n));
        }),
      /time goes backwards at row 2/,
    ],
  ])('are refused for %s', async (_, make, message) => {
    const error = await readRows(make()).catch((e) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });
});

describe('damaged traces', () => {
  it.each([0, 5, 100, 5000, 100_000, 3_000_000, -1, -200])('are refused when cut at %i', async (at) => {
    const path = write(BATCH_ROWS + 10, 100);
    const size = readFileSync(path).length;
    truncateSync(path, at >= 0 ? Math.min(at, size - 1) : size + at);
    const error = await readRows(path).catch((e) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toMatch(/not an Arrow|is cut|cut or damaged/);
  });

  it.each([300, 5000, 100_000])('are refused when a stream is cut at %i', async (at) => {
    const path = write(BATCH_ROWS + 10, 100);
    writeFileSync(path, readFileSync(path).subarray(8, 8 + at));
    const error = await readRows(path).catch((e) => e);
    expect(error).toBeInstanceOf(InputError);
  });

  it('are refused when they are something else', async () => {
    const path = join(scratch(), 'x');
    writeFileSync(path, 'this is a text file, not Arrow at all\n');
    await expect(openTrace(path)).rejects.toThrow('not an Arrow IPC file or stream');
    await expect(openTrace(join(dirname(path), 'y'))).rejects.toThrow('no such file');
    expect(existsSync(path)).toBe(true);
  });
});
