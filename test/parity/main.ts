/**
 * npm run parity: runs every script of this folder on a real kernel and in the simulator and compares what they print. 6.1 is alive where
 * Debian's user-mode-linux is installed; without it, and for 6.18, the recordings stand in.
 */
import { parseArgs } from 'node:util';
import { printable } from '../../bindings/report/printable.ts';
import { table } from '../../bindings/report/table.ts';
import { calibrate } from './calibrate/calibrate.ts';
import { type Comparison, compare } from './compare.ts';
import { type GuestRun, guestKernel, runOnGuest } from './guest/guest.ts';
import { reasonFor } from './reasons.ts';
import { type Kernel, record, recorded, type Script, scripts } from './recordings.ts';
import { simulate } from './simulate.ts';

const RUNS = 3;

const { values: options } = parseArgs({
  options: {
    kernel: { type: 'string', default: '6.1' },
    script: { type: 'string', multiple: true, default: [] },
    verbose: { type: 'boolean', default: false },
    recorded: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    calibrate: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run parity -- [options]
  --kernel 6.1|6.18   which kernel's behaviour to compare with (default 6.1)
  --script NAME       only the scripts whose name begins with NAME; shows the lines that differ
  --verbose           shows the lines that differ, of all scripts
  --recorded          compares with the recordings even where a live kernel is there
  --record            runs each script ${RUNS} times on the live kernel and keeps what it prints
  --calibrate         measures on the live kernel what programs themselves use`;

/** Lines that differ, the kernel's beside the simulator's. */
function differences(kernel: Kernel, script: Script, comparison: Comparison): string {
  return comparison.lines
    .filter((line) => !line.exact)
    .flatMap((line) => {
      const reason = reasonFor(kernel, script.name, line);
      return [
        `  ${line.tolerant ? ' ' : '!'} kernel     ${line.want.length === 0 ? '(nothing)' : line.want.map(printable).join(' | ')}`,
        `    simulator  ${line.got === null ? '(nothing)' : printable(line.got)}`,
        ...(reason === undefined ? [] : [`    because    ${reason}`]),
      ];
    })
    .join('\n');
}

async function keep(chosen: readonly Script[]): Promise<void> {
  for (const script of chosen) {
    const runs: GuestRun[] = [];
    for (let i = 0; i < RUNS; i++) runs.push(await runOnGuest(script.source, `${script.name}.sh`));
    const lines = runs.map((run) => run.lines);
    record(script.name, '6.1', lines);
    const { exact, of } = compare(lines.slice(0, 1), lines[1]!);
    console.log(
      `${script.name}: ${of} lines, ${exact} alike in two runs, ${runs.map((run) => Math.round(run.ms)).join(' ')} ms`,
    );
  }
}

async function main(): Promise<number> {
  if (options.help) {
    console.log(usage);
    return 0;
  }
  const kernel = options.kernel;
  if (kernel !== '6.1' && kernel !== '6.18') throw new Error(`--kernel ${kernel}: 6.1 and 6.18 are known`);
  const chosen = scripts().filter(
    ({ name }) => options.script.length === 0 || options.script.some((begin) => name.startsWith(begin)),
  );
  if (chosen.length === 0) throw new Error(`--script ${options.script.join(', ')}: no such script`);
  const installed = guestKernel() !== null;
  if (!installed && (options.record || options.calibrate))
    throw new Error('linux.uml: not installed (apt-get install user-mode-linux)');
  if (options.record) {
    await keep(chosen);
    return 0;
  }
  if (options.calibrate) {
    await calibrate();
    return 0;
  }
  const live = kernel === '6.1' && !options.recorded && installed;
  if (!live) {
    const why = kernel === '6.1' && !options.recorded ? ': user-mode-linux is not installed' : '';
    console.error(`parity: comparing with recordings of Linux ${kernel}${why}`);
  }
  const rows: string[][] = [];
  const sum = { exact: 0, tolerant: 0, of: 0, simulated: 0, real: 0 };
  for (const script of chosen) {
    const recordings = recorded(script.name, kernel) ?? [];
    const real = live ? await runOnGuest(script.source, `${script.name}.sh`) : null;
    const runs = real === null ? recordings : [...recordings, real.lines];
    if (runs.length === 0) continue;
    const mine = await simulate(script, kernel);
    const comparison = compare(runs, mine.lines);
    const { exact, tolerant, of } = comparison;
    rows.push([script.name, `${exact}`, `${tolerant}`, `${of}`, mine.ms.toFixed(0), real?.ms.toFixed(0) ?? '']);
    sum.exact += exact;
    sum.tolerant += tolerant;
    sum.of += of;
    sum.simulated += mine.ms;
    sum.real += real?.ms ?? 0;
    if (exact < of && (options.verbose || options.script.length > 0)) {
      console.log(`${script.name}\n${differences(kernel, script, comparison)}`);
      if (mine.stderr !== '') console.log(mine.stderr.replace(/^/gm, '    stderr     '));
    }
  }
  rows.push([
    'total',
    `${sum.exact}`,
    `${sum.tolerant}`,
    `${sum.of}`,
    sum.simulated.toFixed(0),
    live ? sum.real.toFixed(0) : '',
  ]);
  console.log(table(['script', 'exact', 'tolerant', 'of', 'ms simulated', 'ms real'], rows));
  const share = (n: number): string => `${((100 * n) / sum.of).toFixed(1)} %`;
  console.log(
    `\n${sum.exact} lines exact (${share(sum.exact)}), ${sum.tolerant} tolerant (${share(sum.tolerant)}), of ${sum.of}`,
  );
  return sum.tolerant === sum.of ? 0 : 1;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    console.error(`parity: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 2;
  },
);
