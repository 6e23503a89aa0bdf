/** `npm run bench`: the suites, one after the other, and one table. `--quick`, `--json`, `--suite=NAME`, `--rounds=N`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accessSuite } from './access.ts';
import { comparingSuite, ONE_WORKER } from './comparing.ts';
import { BASELINE, importersSuite, importSuite } from './importing.ts';
import { ENGINE, limitsSuite } from './limits.ts';
import type { Peer } from './peer.ts';
import { typescriptPeer } from './peers/engine.ts';
import { memchargePeer } from './peers/memcharge.ts';
import { compileNative, compilerVersion, NATIVE_VARIANTS, nativePeer, writeWorkload } from './peers/native.ts';
import { compareStates, timeRounds } from './rounds.ts';
import { formatTable, type Row, rowsOf } from './table.ts';
import { chargeUncharge, chargeWithList, frees, type Workload } from './workload.ts';

/** The engine's time on charge/uncharge over that of C, at most. */
const TARGET = 1.1;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    suite: { type: 'string', multiple: true },
    rounds: { type: 'string' },
  },
});
const frames = options.quick ? 1 << 19 : 1 << 22;
const rounds = Number(options.rounds ?? (options.quick ? 5 : 15));
const warmup = options.quick ? 2 : 3;
const SUITES: Record<string, () => Workload> = {
  charge: () => chargeUncharge(frames),
  list: () => chargeWithList(frames),
  frees: () => frees(frames),
};

const OTHERS = ['limits', 'access', 'import', 'importers', 'compare'];

const note = (text: string) => process.stderr.write(`${text}\n`);

async function runSuite(workload: Workload, programs: Map<string, string>, directory: string): Promise<Row[]> {
  const events = workload.columns.length - workload.prefill;
  note(`${workload.title}: ${events} events, ${workload.prefill} before them`);
  const path = join(directory, workload.name);
  const peers: Peer[] = [await memchargePeer(workload), await memchargePeer(workload, true), typescriptPeer(workload)];
  if (programs.size > 0) writeWorkload(workload, path);
  for (const [name, program] of programs)
    if (workload.lists ? name !== 'C, atomic' : name === 'C' || name === 'C, atomic')
      peers.push(nativePeer(name, program, path));
  try {
    const timings = await timeRounds(peers, events, warmup, rounds);
    await compareStates(peers, workload.parents.length - 1, workload.cpus);
    return rowsOf(workload.title, timings);
  } finally {
    for (const peer of peers) peer.close();
    rmSync(path, { force: true });
  }
}

const directory = mkdtempSync(join(tmpdir(), 'memcharge-bench-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const compiler = compilerVersion();
const programs = new Map<string, string>();
if (compiler === null) note('no C compiler (cc): the C peers are skipped');
else for (const name of NATIVE_VARIANTS.keys()) programs.set(name, compileNative(name, directory));

const rows: Row[] = [];
for (const name of options.suite ?? [...Object.keys(SUITES), ...OTHERS]) {
  if (name === 'import') {
    note('import');
    rows.push(...(await importSuite(directory, frames / 4, 1, Math.min(rounds, 7))));
    continue;
  }
  if (name === 'limits') {
    const size: [number, number] = [frames, Math.round(frames * 4.77)];
    rows.push(...(await limitsSuite(directory, compiler !== null, size, [1, Math.min(rounds, 7)], note)));
    continue;
  }
  if (name === 'access') {
    rows.push(...(await accessSuite(frames / 4, frames / 2, warmup, rounds, note)));
    continue;
  }
  if (name === 'importers') {
    rows.push(...(await importersSuite(directory, frames / 4, 1, Math.min(rounds, 5), note)));
    continue;
  }
  if (name === 'compare') {
    note('compare');
    rows.push(...(await comparingSuite(options.quick ? 1 : 4, 1, Math.min(rounds, 5))));
    continue;
  }
  const suite = SUITES[name];
  if (!suite) throw new Error(`no suite ${name}: ${[...Object.keys(SUITES), ...OTHERS].join(', ')}`);
  rows.push(...(await runSuite(suite(), programs, directory)));
}

const machine = { cpu: cpus()[0]?.model ?? '?', cpus: cpus().length, node: process.version, compiler, frames, rounds };
if (options.json) {
  process.stdout.write(`${JSON.stringify({ machine, rows }, null, 2)}\n`);
} else {
  process.stdout.write(`${formatTable(rows)}\n`);
  process.stdout.write(`${machine.cpu}, ${machine.cpus} CPUs; node ${machine.node}; ${compiler ?? 'no C compiler'}\n`);
  process.stdout.write('One worker: the counters are plain, save those of "C, atomic". Ratios below 1: faster.\n');
  const importing = rows.filter((row) => row.suite === 'import (lines)');
  const baseline = importing.find((row) => row.peer === BASELINE);
  for (const row of importing)
    if (baseline && row !== baseline)
      process.stdout.write(`import, ${row.peer}: ${(row.median / baseline.median).toFixed(1)} × ${BASELINE}\n`);
  for (const row of rows)
    if (row.peer === ENGINE && Object.keys(row.toOthers).some((other) => other.startsWith('C, ')))
      for (const [other, ratio] of Object.entries(row.toOthers))
        process.stdout.write(`${row.suite}: ${ratio.toFixed(2)} × the time of ${other}\n`);
  for (const row of rows)
    if (row.toOthers[ONE_WORKER] !== undefined)
      process.stdout.write(
        `${row.suite}, ${row.peer}: ${(1 / row.toOthers[ONE_WORKER]).toFixed(2)} × the speed of ${ONE_WORKER}\n`,
      );
  const checked = rows.find((row) => row.suite === 'charge/uncharge' && row.peer === 'memcharge')?.toC;
  if (checked != null) {
    const verdict = checked <= TARGET ? 'met' : 'missed';
    process.stdout.write(
      `Target: charge/uncharge at most ${TARGET} × C. Measured ${checked.toFixed(2)}: ${verdict}.\n`,
    );
  }
}
