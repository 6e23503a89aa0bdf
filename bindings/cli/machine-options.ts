/** Options that say on what machine a trace is run: those that `replay` and `compare` share. */
import type { Command } from 'commander';
import type { BootOptions, Kernel, Residency } from '../machine.ts';
import type { KnobOverride } from '../replay/replay.ts';
import { COST_NAMES, MAX_COST } from '../report/pressure.ts';
import { parsePages, RECLAIM_FILE } from '../trace/knobs.ts';
import { KNOB_IDS } from '../trace/schema.ts';
import { InputError } from './errors.ts';
import { parseCount, parseDuration, parseKnobValue } from './values.ts';

/** What commander makes of them. */
export interface MachineOptions {
  residency?: string;
  memory?: string;
  swap?: string;
  swappiness?: string;
  readahead?: string;
  faultAround?: string;
  writeRate?: string;
  flusher: boolean;
  minFreeKbytes?: string;
  watermarkScaleFactor?: string;
  kernel: string;
  seed: string;
  cpus?: string;
  capacity: string[];
  set: string[];
  cost: string[];
  statistics: string;
}

const collect = (value: string, previous: string[]) => [...previous, value];

/** Adds them to a command; `residency` says which is taken unless told. */
export function addMachineOptions(command: Command, residency: string): void {
  command
    .option('--kernel <version>', 'whose facts to follow: 6.18 or 6.1', '6.18')
    .option(
      '--residency <mode>',
      `recorded: the trace says what is charged and freed; modelled: the model does, from accesses (default: ${residency})`,
    )
    .option('--memory <size>', 'modelled: memory of the machine (default: 4G)')
    .option('--swap <size>', 'modelled: a swap device of that size (default: none)')
    .option('--swappiness <n>', 'modelled: vm.swappiness, 0 to 200 (default: 60)')
    .option('--readahead <size>', 'modelled: read files ahead as Linux does, such as 128K (default: the rows are all)')
    .option('--fault-around <size>', 'modelled: read faults map resident neighbours, too, such as 64K (default: not)')
    .option('--write-rate <size>', 'modelled: what the disk writes in a second (default: 200M; 0: writes take no time)')
    .option('--no-flusher', 'modelled: nothing but sync writes dirty pages')
    .option('--min-free-kbytes <n>', 'modelled: vm.min_free_kbytes (default: from --memory, as Linux does)')
    .option('--watermark-scale-factor <n>', 'modelled: vm.watermark_scale_factor (default: 10)')
    .option('--statistics <mode>', 'exact, or kernel: what memory.stat shows, which lags', 'exact')
    .option('--set <path:knob=value>', 'override a knob of a cgroup; may be repeated', collect, [])
    .option(
      '--cost <name=time>',
      'what the modelled work takes, such as fileRead=80us, for memory.pressure; may be repeated',
      collect,
      [],
    )
    .option('--seed <n>', 'seed of the random choices', '0')
    .option('--cpus <n>', 'CPUs of the machine (default: as many as the trace has)')
    .option('--capacity <table=n>', 'size of a table, for a trace that does not tell; may be repeated', collect, []);
}

/** The machine that the options ask for. Throws InputError. */
export function bootOptions(options: MachineOptions): BootOptions {
  if (options.kernel !== '6.18' && options.kernel !== '6.1')
    throw new InputError(`--kernel ${options.kernel}: known kernels are 6.18 and 6.1`);
  if (options.statistics !== 'exact' && options.statistics !== 'kernel')
    throw new InputError(`--statistics ${options.statistics}: exact or kernel`);
  const boot: BootOptions = {
    kernel: options.kernel as Kernel,
    statistics: options.statistics,
    seed: parseCount('--seed', options.seed, 0, 2 ** 32 - 1),
  };
  if (options.cpus !== undefined) boot.cpus = parseCount('--cpus', options.cpus, 1, 65536);
  if (options.swap !== undefined) boot.swap = parsePageCount('--swap', options.swap, '500G');
  if (options.swappiness !== undefined) boot.swappiness = parseCount('--swappiness', options.swappiness, 0, 200);
  if (options.readahead !== undefined) boot.readahead = parsePageCount('--readahead', options.readahead, '4G');
  if (options.faultAround !== undefined) {
    boot.faultAround = parsePageCount('--fault-around', options.faultAround, '2M');
    if (boot.faultAround & (boot.faultAround - 1))
      throw new InputError(`--fault-around ${options.faultAround}: not a power of two`);
  }
  if (options.writeRate !== undefined) {
    const rate = parsePageCount('--write-rate', options.writeRate, '900G');
    boot.pageWriteNs = rate === 0 ? 0n : 1_000_000_000n / BigInt(rate);
  }
  if (!options.flusher) boot.flusher = false;
  if (options.minFreeKbytes !== undefined)
    boot.minFreeKbytes = parseCount('--min-free-kbytes', options.minFreeKbytes, 1, 2 ** 32 - 1);
  if (options.watermarkScaleFactor !== undefined)
    boot.watermarkScaleFactor = parseCount('--watermark-scale-factor', options.watermarkScaleFactor, 1, 3000);
  for (const text of options.capacity) {
    const match = /^(pages|cgroups|tasks|cpus|swap|objects|maps|nodes|kills|observe)=(.*)$/.exec(text);
    if (!match)
      throw new InputError(
        `--capacity ${text}: not TABLE=N with TABLE one of pages, cgroups, tasks, cpus, swap, objects, maps, nodes, kills, observe`,
      );
    boot[match[1] as 'pages'] = parseCount(`--capacity ${match[1]}`, match[2]!, 1, 2 ** 32 - 1);
  }
  for (const text of options.cost) {
    const match = /^(\w+)=(.*)$/.exec(text);
    const name = COST_NAMES.find((each) => each === match?.[1]);
    if (match === null || name === undefined)
      throw new InputError(`--cost ${text}: not NAME=TIME with NAME one of ${COST_NAMES.join(', ')}`);
    const ns = match[2] === '0' ? 0 : parseDuration(`--cost ${name}`, match[2]!);
    if (ns > MAX_COST) throw new InputError(`--cost ${text}: 1s at most`);
    boot.costs = { ...boot.costs, [name]: ns };
  }
  return boot;
}

export function parseResidency(text: string | undefined): Residency | null {
  if (text === undefined || text === 'recorded' || text === 'modelled') return text ?? null;
  throw new InputError(`--residency ${text}: recorded or modelled`);
}

/** `--set PATH:KNOB=VALUE`. */
export function parseOverride(text: string): KnobOverride {
  const match = /^(\/[^:]*):([^=]+)=(.*)$/.exec(text);
  if (!match) throw new InputError(`--set ${text}: not PATH:KNOB=VALUE`);
  const [, path, knob, value] = match as unknown as [string, string, string, string];
  if (knob === RECLAIM_FILE)
    throw new InputError(`--set ${text}: ${knob} is no setting; a trace has writes to it (docs/trace-format.md)`);
  if (path === '/') throw new InputError(`--set ${text}: the root has no ${knob}`);
  if (!KNOB_IDS.has(knob))
    throw new InputError(`--set ${text}: unknown knob ${knob}; known: ${[...KNOB_IDS.keys()].join(', ')}`);
  return { path, knob, value: parseKnobValue(`--set ${text}`, knob, value) };
}

/** A size of one page to `most`, in whole pages; 0 is none where it means something. */
function parsePageCount(option: string, text: string, most: string): number {
  const pages = parsePages(text);
  if (pages === null || pages > parsePages(most)! || (pages === 0 && text !== '0'))
    throw new InputError(`${option} ${text}: not a size from 4K to ${most}, such as 64K`);
  return pages;
}

/** Options that only the model heeds. */
const MODELLED_ONLY = [
  ['--memory', 'memory'],
  ['--swap', 'swap'],
  ['--swappiness', 'swappiness'],
  ['--readahead', 'readahead'],
  ['--fault-around', 'faultAround'],
  ['--write-rate', 'writeRate'],
  ['--no-flusher', 'flusher'],
  ['--min-free-kbytes', 'minFreeKbytes'],
  ['--watermark-scale-factor', 'watermarkScaleFactor'],
] as const;

/** A size in whole pages. */
export function parseMemory(text: string): number {
  const pages = parsePages(text);
  if (pages === null || pages < 1 || pages > 2 ** 32 - 1)
    throw new InputError(`--memory ${text}: not a size such as 64M or 4G`);
  return Number(pages);
}

/** Options given that mean nothing in recorded residency. */
export function modelledOnly(options: MachineOptions): string[] {
  return MODELLED_ONLY.filter(([, key]) => options[key] !== (key === 'flusher' || undefined)).map(([name]) => name);
}
