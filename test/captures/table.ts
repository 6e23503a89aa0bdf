/**
 * `npm run captures -- FOLDER…`: every capture below the folders, model beside kernel, one line each. The captures that the
 * project carries are the default. With `--ftrace` the public trace alone is imported, without the probes, and the question is whether
 * the samples come within 2 % or 1 MiB. With `--modelled` it is turned into accesses alone, the model decides what is resident, and a
 * table for each capture has model and kernel at every labelled sample: `model|kernel` where they differ, memory in pages.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT_CGROUP } from '../../bindings/index.ts';
import { table } from '../../bindings/report/table.ts';
import { PAGE_SIZE } from '../../bindings/trace/schema.ts';
import { agreement, kernelCalls } from './kernel-calls.ts';
import { LINUX_61, modelledTable, runModelled } from './modelled.ts';
import { captureFiles, nearness, publicFiles, runCapture } from './run.ts';

/** Folders that have what is asked for: some have no probes. */
function captures(folder: string): string[] {
  const needed = (path: string) => (modelled || publicOnly ? publicFiles(path) : captureFiles(path)).files[0];
  if (existsSync(needed(folder))) return [folder];
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(needed(path)));
}

const publicOnly = process.argv.includes('--ftrace');
const modelled = process.argv.includes('--modelled');
const folders = process.argv.slice(2).filter((arg) => arg !== '--ftrace' && arg !== '--modelled');
const kernel = process.env.MEMCHARGE_KERNEL === '6.18' ? '6.18' : '6.1';
const all = (folders.length > 0 ? folders : [join(import.meta.dirname, '.')]).flatMap(captures);
if (modelled) await modelledTables();
else if (publicOnly) await publicTable();
else await probesTable();

async function modelledTables(): Promise<void> {
  for (const folder of all) {
    const { files, samples } = publicFiles(folder);
    const { machine, phases, killed } = await runModelled(files[0], samples, { ...LINUX_61, kernel });
    const { header, rows } = modelledTable(phases);
    const audit = machine.audit();
    const who = (tasks: readonly { pid: number; comm: string }[]) =>
      tasks.length === 0 ? 'nobody' : tasks.map(({ pid, comm }) => `${comm} ${pid}`).join(', ');
    process.stdout.write(`${basename(folder)}: audit ${audit ? `${audit.what} ${audit.id}` : 'ok'}\n`);
    process.stdout.write(`${table(header, rows, 2)}\n`);
    process.stdout.write(`killed by the model: ${who(killed.model)}; by the kernel: ${who(killed.kernel)}\n\n`);
  }
}

async function publicTable(): Promise<void> {
  const rows: string[][] = [];
  const sum = { settled: [0, 0], all: [0, 0] };
  for (const folder of all) {
    const { files, samples } = publicFiles(folder);
    const run = await runCapture(files, samples, { kernel });
    const near = nearness(run);
    const audit = run.machine.audit();
    const cells = (['settled', 'all'] as const).map((which) => {
      const { samples, within, exact, worst } = near[which];
      sum[which][0]! += within;
      sum[which][1]! += samples;
      return [`${within}/${samples}`, String(exact), String(worst / PAGE_SIZE)];
    });
    rows.push([
      basename(folder),
      ...cells.flat(),
      near.settled.worstAt,
      audit ? `${audit.what} ${audit.id}` : 'ok',
      String(run.report.lines),
      run.importSeconds.toFixed(2),
      run.replaySeconds.toFixed(2),
    ]);
  }
  const header = [
    'capture',
    'settled',
    'exact',
    'worst pages',
    'all',
    'exact',
    'worst pages',
    'worst settled at',
    'audit',
  ];
  process.stdout.write(`${table([...header, 'lines', 'import s', 'replay s'], rows)}\n\n`);
  const of = ([within, samples]: number[]) => `${within} of ${samples}`;
  process.stdout.write(`within 2 % or 1 MiB: ${of(sum.settled)} settled samples, ${of(sum.all)} samples\n`);
}

async function probesTable(): Promise<void> {
  const rows: string[][] = [];
  let samples = 0;
  let exact = 0;
  for (const folder of all) {
    const { files, samples: sampleFile } = captureFiles(folder);
    const run = await runCapture(files, sampleFile, { kernel });
    const { against } = run;
    let explained = '';
    for (let cpu = 0; against.misses.other > 0 && cpu < run.machine.capacities.cpus; cpu++) {
      const warm = await runCapture(files, sampleFile, { kernel }, (machine) => {
        machine.engine.warmObjStock(cpu, ROOT_CGROUP, PAGE_SIZE);
      });
      if (warm.against.exact > against.exact) explained = `${warm.against.exact} with a dead page on CPU ${cpu}`;
    }
    const calls = agreement(await kernelCalls(files[0]), run.calls);
    const audit = run.machine.audit();
    samples += against.samples;
    exact += against.exact;
    rows.push([
      basename(folder),
      String(against.exact),
      String(against.samples),
      String(against.worst_bytes / PAGE_SIZE),
      String(against.misses.in_flight),
      String(against.misses.other + against.misses.no_value),
      explained || '-',
      calls.length === 0 ? '-' : `${calls.reduce((n, c) => n + c.equal, 0)}/${calls.reduce((n, c) => n + c.calls, 0)}`,
      audit ? `${audit.what} ${audit.id}` : 'ok',
      String(run.report.lines),
      run.importSeconds.toFixed(2),
      run.replaySeconds.toFixed(2),
    ]);
  }
  const header = [
    'capture',
    'exact',
    'samples',
    'worst pages',
    'in flight',
    'other',
    'if known',
    'calls',
    'audit',
    'lines',
    'import s',
    'replay s',
  ];
  process.stdout.write(`${table(header, rows)}\n\n${exact} of ${samples} samples exact\n`);
}
