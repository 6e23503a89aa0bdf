/** Rows written by hand, as the batch that a trace reader hands out. */
import type { TraceBatch } from '../../bindings/trace/arrow-reader.ts';

export interface HandRow {
  op: number;
  ts?: number;
  cpu?: number;
  task?: number;
  cgroup?: number;
  object?: number;
  index?: number;
  count?: number;
  flags?: number;
  gfp?: number;
  name?: string;
}

export function batchOf(rows: readonly HandRow[]): TraceBatch {
  const n = rows.length;
  const u32 = (key: 'task' | 'cgroup' | 'object' | 'count' | 'flags') => Uint32Array.from(rows, (r) => r[key] ?? 0);
  return {
    length: n,
    firstRow: 0,
    ts: BigUint64Array.from(rows, (r, i) => BigInt(r.ts ?? i)),
    cpu: Uint16Array.from(rows, (r) => r.cpu ?? 0),
    op: Uint8Array.from(rows, (r) => r.op),
    opMap: Uint8Array.from({ length: 256 }, (_, code) => code),
    task: u32('task'),
    cgroup: u32('cgroup'),
    object: u32('object'),
    index: BigUint64Array.from(rows, (r) => BigInt(r.index ?? 0)),
    count: u32('count'),
    flags: u32('flags'),
    gfp: Uint16Array.from(rows, (r) => r.gfp ?? 0),
    name: (row) => rows[row]!.name ?? null,
  };
}
