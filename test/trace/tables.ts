/** Bytes in, rows out: what the tests of the table formats share. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { CgroupMap } from '../../bindings/trace/cgroup-map.ts';
import { parseColumns } from '../../bindings/trace/columns.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import type { ImportReport } from '../../bindings/trace/import-report.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { type Row, readRows, scratch } from './helpers.ts';

export interface Asked {
  format?: string;
  columns?: string[];
  cgroups?: string[];
}

/** Imports one file of these bytes and reads the trace back. */
export async function importBytes(
  bytes: string | Buffer,
  asked: Asked = {},
): Promise<{ rows: Row[]; report: ImportReport }> {
  const folder = scratch();
  const path = join(folder, 'input');
  writeFileSync(path, bytes);
  const output = join(folder, 'trace.arrow');
  const writer = new TraceWriter(output, { source: 'test', clock: 'test' });
  try {
    const { report, highWater } = await importFiles([path], writer, {
      ...(asked.format === undefined ? {} : { format: asked.format }),
      columns: parseColumns(asked.columns ?? []),
      cgroups: await CgroupMap.parse(asked.cgroups ?? []),
    });
    writer.close(highWater);
    return { rows: await readRows(output), report };
  } finally {
    writer.abort();
  }
}

/** The message with which an input is refused, without the folder; it must be one line of an InputError. */
export async function refusal(bytes: string | Buffer, asked: Asked = {}): Promise<string> {
  try {
    await importBytes(bytes, asked);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (error.message.includes('\n')) throw new Error(`more than a line: ${error.message}`);
    return error.message.replace(/\S*\/input/g, 'input');
  }
  throw new Error('not refused');
}

/** `runs` mutations of `seed`, by a generator of numbers: cut, flipped, doubled, swapped, or with something put in. */
export function* mutations(seed: Buffer, runs: number): Generator<Buffer> {
  let state = 0x9e3779b9;
  const below = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const inserts = ['"', '\n', '\0', ',', '{', '-1', '99999999999999999999', '\\u0000', '\u00ff', ':', 'e9', '\r'];
  for (let run = 0; run < runs; run++) {
    const bytes = Buffer.from(seed);
    const at = below(bytes.length);
    const to = Math.min(bytes.length, at + 1 + below(40));
    switch (run % 6) {
      case 0:
        yield bytes.subarray(0, at);
        break;
      case 1:
        for (let i = 0; i <= below(4); i++) bytes[below(bytes.length)]! ^= 1 << below(8);
        yield bytes;
        break;
      case 2:
        yield Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
        break;
      case 3:
        yield Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
        break;
      case 4:
        yield Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from(inserts[below(inserts.length)]!, 'latin1'),
          bytes.subarray(at),
        ]);
        break;
      default:
        yield Buffer.concat([bytes.subarray(0, at), bytes.subarray(to), bytes.subarray(at, to)]);
    }
  }
}

/** Imports every mutation: success or a one-line InputError. Answers how many were refused. */
export async function survive(seed: Buffer, runs: number, asked: Asked): Promise<number> {
  let refused = 0;
  for (const bytes of mutations(seed, runs)) {
    try {
      await importBytes(bytes, asked);
    } catch (error) {
      if (!(error instanceof InputError) || error.message.includes('\n')) throw error;
      refused++;
    }
  }
  return refused;
}
