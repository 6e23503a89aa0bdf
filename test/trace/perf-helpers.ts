/** Rows of an import, collected in memory, for the importers of perf recordings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TraceSink } from '../../bindings/trace/arrow-writer.ts';
import { CgroupMap } from '../../bindings/trace/cgroup-map.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import type { ImportReport } from '../../bindings/trace/import-report.ts';
import { OP_NAMES } from '../../bindings/trace/schema.ts';
import { scratch } from './helpers.ts';

/** One row; what is 0 or null is left out, but for the time in ns. */
export interface PerfRow {
  op: string;
  ns: number;
  cpu?: number;
  task?: number;
  cgroup?: number;
  object?: number;
  index?: number;
  count?: number;
  flags?: number;
  name?: string;
}

export interface Imported {
  rows: PerfRow[];
  report: ImportReport;
}

/** Imports one file; `rules` are those of `--cgroups`. */
export async function importFile(path: string, rules: readonly string[] = [], format?: string): Promise<Imported> {
  const rows: PerfRow[] = [];
  let base = 0;
  const sink: TraceSink = {
    setBase: (ns) => {
      base = Number(ns);
    },
    append: (ts, cpu, op, task, cgroup, object, index, count, flags, _gfp, name) => {
      const row: PerfRow = { op: OP_NAMES[op]!, ns: base + ts };
      const fields = { cpu, task, cgroup, object, index, count, flags };
      for (const key of Object.keys(fields) as (keyof typeof fields)[]) if (fields[key] !== 0) row[key] = fields[key];
      if (name !== null) row.name = name;
      rows.push(row);
    },
  };
  const { report } = await importFiles([path], sink, {
    cgroups: await CgroupMap.parse(rules),
    ...(format === undefined ? {} : { format }),
  });
  return { rows, report };
}

/** Imports bytes or lines of text. */
export function importBytes(
  content: Buffer | readonly string[],
  rules: readonly string[] = [],
  format?: string,
): Promise<Imported> {
  const path = join(scratch(), 'recording');
  writeFileSync(path, Buffer.isBuffer(content) ? content : content.map((line) => `${line}\n`).join(''));
  return importFile(path, rules, format);
}

/** Rows without their times, which text has in microseconds. */
export function untimed(rows: readonly PerfRow[]): Omit<PerfRow, 'ns'>[] {
  return rows.map(({ ns: _, ...row }) => row);
}

/** Which cgroup touched how many pages of the object of this name first: what charging by first touch makes of a trace. */
export function firstTouches(rows: readonly PerfRow[], name: string): Record<string, number> {
  const paths = new Map([[1, '/']]);
  const cgroups = new Map<number, number>();
  const pages = new Set<number>();
  const touched: Record<string, number> = {};
  let object = 0;
  for (const row of rows) {
    if (row.op === 'mkdir') paths.set(row.cgroup!, row.name!);
    if (row.op === 'spawn' || row.op === 'attach') cgroups.set(row.task!, row.cgroup!);
    if (row.op === 'fork') cgroups.set(row.object!, cgroups.get(row.task!)!);
    if (row.op === 'object_new' && row.name === name) object = row.object!;
    if (row.op !== 'file_access' || row.object !== object || pages.has(row.index ?? 0)) continue;
    pages.add(row.index ?? 0);
    const path = paths.get(cgroups.get(row.task!)!)!;
    touched[path] = (touched[path] ?? 0) + 1;
  }
  return touched;
}
