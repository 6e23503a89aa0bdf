/**
 * The files io.*. block/blk-cgroup.c: blkcg_files[], blkg_conf_prep(); block/blk-throttle.c: throtl_files[], tg_set_limit(). Limits are
 * kept and shown; the model's disk knows no cgroups, so that they slow nobody down.
 */
import { EngineError } from '../engine/error.ts';
import type { Directory } from './directory.ts';
import type { FileType, Tree } from './file-type.ts';

const LIMITS = ['rbps', 'wbps', 'riops', 'wiops'] as const;
const U64_MAX = 2n ** 64n - 1n;
const UINT_MAX = 2n ** 32n - 1n;

function invalid(text: string): EngineError {
  return new EngineError('EINVAL', `${JSON.stringify(text)}: EINVAL`);
}

function writeMax(tree: Tree, d: Directory, text: string): void {
  const match = /^\s*(\d+):(\d+)(?=\s)/.exec(text);
  if (match === null) throw invalid(text);
  const device = `${Number(match[1])}:${Number(match[2])}`;
  if (!tree.devices.includes(device)) throw new EngineError('ENODEV', `ENODEV: no block device ${device}`);
  const limits: Record<string, bigint | null> = { ...d.ioLimits.get(device) };
  for (const token of text.slice(match[0].length).split(/\s+/)) {
    if (token === '') continue;
    const setting = /^([^=]*)=(?:(\d+)|max$)/.exec(token.slice(0, 26));
    if (setting === null) throw invalid(text);
    const [, name, digits] = setting;
    const value = digits === undefined ? U64_MAX : BigInt.asUintN(64, BigInt(digits));
    if (value === 0n) throw new EngineError('ERANGE', `${JSON.stringify(token)}: ERANGE`);
    if (!(LIMITS as readonly string[]).includes(name!) || value === 1n) throw invalid(text);
    const most = name!.endsWith('iops') ? UINT_MAX : U64_MAX;
    limits[name!] = value >= most ? null : value;
  }
  d.ioLimits.set(device, limits);
}

function showMax(_tree: Tree, d: Directory): string {
  return [...d.ioLimits]
    .reverse()
    .filter(([, limits]) => LIMITS.some((name) => (limits[name] ?? null) !== null))
    .map(([device, limits]) => `${device} ${LIMITS.map((name) => `${name}=${limits[name] ?? 'max'}`).join(' ')}\n`)
    .join('');
}

/** Devices that the cgroup has had to do with, the latest first. */
function showStat(tree: Tree, d: Directory): string {
  const devices = d.isRoot ? tree.devices : [...d.ioLimits.keys()];
  return (
    tree.processes.ioStat?.(d.path) ??
    [...devices]
      .reverse()
      .map((device) => `${device} \n`)
      .join('')
  );
}

export const IO_FILES: readonly FileType[] = [
  { name: 'io.stat', controller: 'io', show: showStat },
  { name: 'io.max', controller: 'io', notOnRoot: true, show: showMax, write: writeMax },
];
