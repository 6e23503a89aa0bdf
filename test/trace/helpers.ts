/** Small captures and traces for the tests, and the command as a child process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import type { ImportReport } from '../../bindings/trace/import-report.ts';
import { OP_NAMES } from '../../bindings/trace/schema.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'memcharge-'));
  folders.push(folder);
  return folder;
}

/** Writes `lines` to a file in a scratch folder. */
export function capture(lines: readonly string[], name = 'capture.txt'): string {
  const path = join(scratch(), name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

/** One ftrace line; `at` in microseconds. Probe lines have the flags of a kprobe. */
export function line(at: number, who: string, event: string, rest: string, cpu = 0, flags = '.....'): string {
  const [pid] = /\d+$/.exec(who)!;
  return `${who.padStart(24)} (${pid.padStart(7)}) [${String(cpu).padStart(3, '0')}] ${flags}   ${Math.floor(at / 1e6)}.${String(at % 1e6).padStart(6, '0')}: ${event}: ${rest}`;
}

export const VMEMMAP = 0xffffea0000000000n;

/** The struct page address of a frame. */
export function page(pfn: number, base = VMEMMAP): string {
  return `0x${(base + BigInt(pfn) * 64n).toString(16)}`;
}

/** One event as an object that leaves out zeros, for short expectations. */
export interface Row {
  op: string;
  us: number;
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

export async function readRows(path: string): Promise<Row[]> {
  const trace = await openTrace(path);
  const rows: Row[] = [];
  for await (const batch of trace.batches()) {
    for (let i = 0; i < batch.length; i++) {
      const row: Row = { op: OP_NAMES[batch.opMap[batch.op[i]!]!]!, us: Number(batch.ts[i]) / 1000 };
      for (const key of ['cpu', 'task', 'cgroup', 'object', 'count', 'flags', 'gfp'] as const)
        if (batch[key][i] !== 0) row[key] = batch[key][i]!;
      if (batch.index[i] !== 0n) row.index = Number(batch.index[i]);
      const name = batch.name(i);
      if (name !== null) row.name = name;
      rows.push(row);
    }
  }
  return rows;
}

/** Imports captures and reads the trace back. */
export async function importLines(...files: (readonly string[])[]): Promise<{ rows: Row[]; report: ImportReport }> {
  const path = join(scratch(), 'trace.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  try {
    const { report, highWater } = await importFiles(
      files.map((lines) => capture(lines)),
      writer,
      { format: 'memcg-probes' },
    );
    writer.close(highWater);
    return { rows: await readRows(path), report };
  } finally {
    writer.abort();
  }
}

/** The ops of rows that are no task bookkeeping. */
export function opsOf(rows: readonly Row[], ...leaveOut: string[]): string[] {
  return rows.map((row) => row.op).filter((op) => op !== 'spawn' && !leaveOut.includes(op));
}

const MAIN = fileURLToPath(new URL('../../bindings/cli/main.ts', import.meta.url));

export interface Run {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs `memcharge ARGS`. */
export function memcharge(args: readonly string[], stdin?: Buffer | string): Promise<Run> {
  const child = startMemcharge(args);
  child.stdin.on('error', () => {});
  child.stdin.end(stdin ?? '');
  return finished(child);
}

export function startMemcharge(args: readonly string[]) {
  return spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: 'pipe' });
}

export function finished(child: ReturnType<typeof startMemcharge>): Promise<Run> {
  return new Promise((resolve) => {
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
