/**
 * `npm run bench:memory -- --gb=5`: what an import of a large recording needs. A recording of some megabytes is repeated, with the times
 * shifted and with other pids, to a file of so many GB, which is piped into `memcharge import` in a process of its own.
 */
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FIRST_PID, writeRecording } from './recordings.ts';

const TEMPLATE_LINES = 200_000;
const COMMAND = fileURLToPath(new URL('../dist/bindings/cli/main.js', import.meta.url));
/** In the child, at its end: the peak that Linux counts since exec; getrusage would also count what the parent had at the fork. */
const REPORT_PEAK = `data:text/javascript,import{readFileSync,writeSync}from"node:fs";process.on("exit",()=>{
let kib=process.resourceUsage().maxRSS;
try{kib=/VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status","utf8"))[1]}catch{}
writeSync(3,String(kib))})`.replaceAll('\n', '');

const { values: options } = parseArgs({
  options: {
    gb: { type: 'string', default: '1' },
    format: { type: 'string', multiple: true, default: ['perf-script', 'ftrace'] },
    /** pids and times as they are in each repetition, not others */
    'same-pids': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const target = Number(options.gb) * 1e9;
if (!(target > 0)) throw new Error(`--gb=${options.gb}: not a size`);

/** Where in a template something stands that another repetition has otherwise. */
interface Places {
  /** end of each line's whole seconds, and their value */
  seconds: Uint32Array;
  values: Uint32Array;
  /** first of seven digits of a pid */
  pids: Uint32Array;
}

function placesOf(text: string): Places {
  const times = [...text.matchAll(/\] (?:\.{5} )? *(\d+)\.\d{6}: /g)];
  const pids = [...text.matchAll(/(?<!\w)2\d{6}(?!\w)/g)].filter(
    (match) => Number(match[0]) < FIRST_PID + TEMPLATE_LINES,
  );
  return {
    seconds: Uint32Array.from(times, (match) => text.indexOf('.', match.index + match[0].length - 10)),
    values: Uint32Array.from(times, (match) => Number(match[1])),
    pids: Uint32Array.from(pids, (match) => match.index),
  };
}

/** Writes `value` in decimal before `end`, over blanks and digits. */
function decimal(bytes: Buffer, end: number, value: number): void {
  let left = value;
  let at = end;
  do {
    bytes[--at] = 48 + (left % 10);
    left = Math.floor(left / 10);
  } while (left > 0);
}

/** Repeats the template until the file has `target` bytes; answers its lines. */
function repeat(template: Buffer, path: string): number {
  const text = template.toString('latin1');
  const { seconds, values, pids } = placesOf(text);
  const lines = text.split('\n').length - 1;
  const first = values[0]!;
  const span = values[values.length - 1]! - first + 1;
  const own = Array.from(pids, (at) => Number(text.slice(at, at + 7)) - FIRST_PID);
  const perRound = own.reduce((most, pid) => Math.max(most, pid), 0) + 1;
  // Below pid_max, 4 Mi, a pid comes again only after all others.
  const rounds = Math.floor(2_000_000 / perRound);
  const out = openSync(path, 'w');
  let written = 0;
  let round = 0;
  for (; written < target; round++) {
    for (let i = 0; i < seconds.length; i++) decimal(template, seconds[i]!, values[i]! + round * span);
    const shift = options['same-pids'] ? FIRST_PID : FIRST_PID + (round % rounds) * perRound;
    for (let i = 0; i < pids.length; i++) decimal(template, pids[i]! + 7, own[i]! + shift);
    written += writeSync(out, template);
  }
  closeSync(out);
  return lines * round;
}

/** Imports the file from a pipe; answers seconds and the peak in MiB. */
async function measure(
  format: string,
  input: string,
  output: string,
): Promise<{ seconds: number; peak: number; report: string }> {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', REPORT_PEAK, COMMAND, 'import', '-', '--format', format, '-o', output, '--json'],
    { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] },
  );
  createReadStream(input, { highWaterMark: 1 << 18 }).pipe(child.stdin!);
  const collect = (stream: NodeJS.ReadableStream) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    return () => Buffer.concat(parts).toString();
  };
  const report = collect(child.stdout!);
  const peak = collect(child.stdio[3] as NodeJS.ReadableStream);
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`import of ${format}: exit ${status}`);
  return { seconds: (performance.now() - began) / 1000, peak: Number(peak()) / 1024, report: report() };
}

const directory = mkdtempSync(join(tmpdir(), 'memcharge-memory-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
for (const format of options.format) {
  const template = join(directory, 'template');
  const input = join(directory, 'input');
  const output = join(directory, 'trace.arrow');
  writeRecording(format, template, TEMPLATE_LINES);
  const lines = repeat(readFileSync(template), input);
  const { size } = statSync(input);
  const { seconds, peak, report } = await measure(format, input, output);
  const told = JSON.parse(report) as { lines: number; events: number; high_water: { tasks: number } };
  if (told.lines !== lines) throw new Error(`${format}: ${told.lines} lines were read of ${lines}`);
  const figures = {
    format,
    gb: size / 1e9,
    lines,
    events: told.events,
    tasks: told.high_water.tasks,
    seconds,
    linesPerSecond: lines / seconds,
    mbPerSecond: size / 1e6 / seconds,
    peakMiB: peak,
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(figures)}\n`
      : `${format}: ${figures.gb.toFixed(2)} GB, ${lines} lines, ${told.events} events, ${figures.tasks} tasks in ${seconds.toFixed(1)} s: ` +
          `${(figures.linesPerSecond / 1e6).toFixed(2)} M lines/s, ${figures.mbPerSecond.toFixed(0)} MB/s, peak ${peak.toFixed(0)} MiB\n`,
  );
  for (const path of [template, input, output]) rmSync(path, { force: true });
}
