/**
 * The files cpu.*. kernel/sched/core.c: cpu_files[], cpu_weight_write_u64(), cpu_period_quota_parse(), tg_set_cfs_bandwidth();
 * kernel/cgroup/rstat.c: cgroup_base_stat_cputime_show(). Settings are kept; nobody is throttled, so that cpu.stat says so.
 */
import { EngineError } from '../engine/error.ts';
import { CPU } from './controllers.ts';
import type { CpuState } from './cpu-state.ts';
import type { Directory } from './directory.ts';
import type { FileType, Tree } from './file-type.ts';
import { parseLong } from './parse.ts';

/** sched_prio_to_weight[]: shares for nice -20 to 19; each is about 1.25 times the next. */
const NICE_SHARES = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991,
  1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];
/** MAX_BW, µs: what a quota and a burst may be together */
const MAX_RUNTIME = (1n << 44n) - 1n;
const MIN_PERIOD = 1000n;
const MAX_PERIOD = 1_000_000n;

function closest(value: number, divisor: number): number {
  return Math.floor((value + Math.floor(divisor / 2)) / divisor);
}

function nice(shares: number): number {
  let index = 0;
  let last = Number.POSITIVE_INFINITY;
  for (; index < NICE_SHARES.length; index++) {
    const delta = Math.abs(NICE_SHARES[index]! - shares);
    if (delta >= last) break;
    last = delta;
  }
  return index - 1 - 20;
}

function setShares(cpu: CpuState, shares: number): void {
  if (cpu.idle) throw new EngineError('EINVAL', 'EINVAL: the cgroup is idle (cpu.idle)');
  cpu.shares = Math.max(2, Math.min(1 << 18, shares));
}

function setBandwidth(cpu: CpuState, quota: bigint | null, period: bigint, burst: bigint): void {
  const wrong =
    (quota !== null && quota < MIN_PERIOD) ||
    period < MIN_PERIOD ||
    period > MAX_PERIOD ||
    (quota !== null && (quota > MAX_RUNTIME || burst > quota || burst + quota > MAX_RUNTIME));
  if (wrong) throw new EngineError('EINVAL', `EINVAL: quota ${quota ?? 'max'}, period ${period}, burst ${burst} µs`);
  Object.assign(cpu, { quota, period, burst });
}

function writeMax(cpu: CpuState, text: string): void {
  const match = /^\s*(\S{1,20})(?:\s*(\d+))?/.exec(text);
  const quota = match === null ? null : /^\d+|^max$/.exec(match[1]!);
  if (match === null || quota === null) throw new EngineError('EINVAL', `${JSON.stringify(text)}: EINVAL`);
  const period = match[2] === undefined ? cpu.period : BigInt(match[2]);
  setBandwidth(cpu, quota[0] === 'max' ? null : BigInt(quota[0]), period, cpu.burst);
}

/** The core's file, with the controller's lines where it has state. */
export function cpuStat(tree: Tree, d: Directory): string {
  const { user, system } = tree.processes.cpuTime?.(d.path) ?? { user: 0, system: 0 };
  const later = tree.kernel === '6.18' ? 'nice_usec 0\n' : '';
  const time = `usage_usec ${user + system}\nuser_usec ${user}\nsystem_usec ${system}\n${later}`;
  if (!(d.controllers & CPU)) return time;
  return `${time}nr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n`;
}

export function cpuStatLocal(_tree: Tree, d: Directory): string {
  return d.controllers & CPU ? 'throttled_usec 0\n' : '';
}

function range(value: bigint, least: bigint, most: bigint): number {
  if (value < least || value > most)
    throw new EngineError('ERANGE', `ERANGE: ${value} is not from ${least} to ${most}`);
  return Number(value);
}

export const CPU_FILES: readonly FileType[] = [
  {
    name: 'cpu.weight',
    controller: 'cpu',
    notOnRoot: true,
    show: (_tree, d) => `${closest(d.cpu.shares * 100, 1024)}\n`,
    write: (_tree, d, text) => setShares(d.cpu, closest(range(parseLong(text, false), 1n, 10_000n) * 1024, 100)),
  },
  {
    name: 'cpu.weight.nice',
    controller: 'cpu',
    notOnRoot: true,
    show: (_tree, d) => `${nice(d.cpu.shares)}\n`,
    write: (_tree, d, text) => setShares(d.cpu, NICE_SHARES[range(parseLong(text, true), -20n, 19n) + 20]!),
  },
  {
    name: 'cpu.idle',
    controller: 'cpu',
    notOnRoot: true,
    show: (_tree, d) => (d.cpu.idle ? '1\n' : '0\n'),
    write: (_tree, d, text) => {
      const idle = parseLong(text, true);
      if (idle !== 0n && idle !== 1n) throw new EngineError('EINVAL', `EINVAL: ${idle} is not 0 or 1`);
      if (d.cpu.idle === (idle === 1n)) return;
      d.cpu.idle = idle === 1n;
      // WEIGHT_IDLEPRIO, and the default after it
      d.cpu.shares = d.cpu.idle ? 3 : 1024;
    },
  },
  {
    name: 'cpu.max',
    controller: 'cpu',
    notOnRoot: true,
    show: (_tree, d) => `${d.cpu.quota ?? 'max'} ${d.cpu.period}\n`,
    write: (_tree, d, text) => writeMax(d.cpu, text),
  },
  {
    name: 'cpu.max.burst',
    controller: 'cpu',
    notOnRoot: true,
    show: (_tree, d) => `${d.cpu.burst}\n`,
    write: (_tree, { cpu }, text) => setBandwidth(cpu, cpu.quota, cpu.period, parseLong(text, false)),
  },
];
