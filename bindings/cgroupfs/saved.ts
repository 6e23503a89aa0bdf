/** The control files' own state as JSON, for Machine.snapshot() and Machine.fork(). What the engine keeps is not in it. */
import type { KernelConfig } from './config.ts';
import type { ControllerSet } from './controllers.ts';
import type { Attributes, Directory } from './directory.ts';

/** Numbers beyond 2^53 as text. */
type Text = string;

export interface SavedFile extends Attributes {
  name: string;
  present: boolean;
}

export interface SavedDirectory extends Attributes {
  name: string;
  /** by their places in the list, -1: none */
  parent: number;
  domain: number;
  removed: boolean;
  subtreeControl: ControllerSet;
  subtreeEnabled: ControllerSet;
  controllers: ControllerSet;
  memcg: number;
  formerMemcgs: number[];
  maxDepth: number;
  maxDescendants: number;
  freeze: boolean;
  zswapMax: Text;
  zswapWriteback: boolean;
  pressure: boolean;
  ioLimits: [device: string, limits: [name: string, limit: Text | null][]][];
  cpu: { shares: number; idle: boolean; quota: Text | null; period: Text; burst: Text };
  pids: { limit: Text; peak: number; events: number; localEvents: number };
  files: SavedFile[];
  /** the engine's tasks that are here, in their order */
  tasks: number[];
}

export interface SavedCgroupFs {
  config: KernelConfig;
  devices: readonly string[];
  nextInode: number;
  /** the root, all below it, and the removed ones that are remembered */
  directories: SavedDirectory[];
}

/** A directory among `all`. */
export function saveDirectory(d: Directory, all: readonly Directory[], tasks: number[]): SavedDirectory {
  const { name, inode, mode, uid, gid, removed, subtreeControl, subtreeEnabled, controllers, memcg, cpu, pids } = d;
  const { formerMemcgs, maxDepth, maxDescendants, freeze, zswapWriteback, pressure } = d;
  return {
    ...{ name, inode, mode, uid, gid, removed, subtreeControl, subtreeEnabled, controllers, memcg, formerMemcgs },
    ...{ maxDepth, maxDescendants, freeze, zswapWriteback, pressure, tasks },
    parent: d.parent === null ? -1 : all.indexOf(d.parent),
    domain: all.indexOf(d.domain),
    zswapMax: String(d.zswapMax),
    ioLimits: [...d.ioLimits].map(([device, limits]) => [
      device,
      Object.entries(limits).map(([limit, value]) => [limit, value === null ? null : String(value)]),
    ]),
    cpu: {
      ...{ shares: cpu.shares, idle: cpu.idle },
      quota: cpu.quota === null ? null : String(cpu.quota),
      period: String(cpu.period),
      burst: String(cpu.burst),
    },
    pids: { limit: String(pids.limit), peak: pids.peak, events: pids.events, localEvents: pids.localEvents },
    files: [...d.files.values()].map((file) => ({
      ...{ name: file.type.name, inode: file.inode, mode: file.mode, uid: file.uid, gid: file.gid },
      present: file.present,
    })),
  };
}

/** What the directory was, but for its place in the tree, its files and its tasks. */
export function restoreDirectory(d: Directory, saved: SavedDirectory): void {
  const { removed, subtreeControl, subtreeEnabled, controllers, memcg, cpu, pids } = saved;
  const { maxDepth, maxDescendants, freeze, zswapWriteback, pressure } = saved;
  Object.assign(d, { removed, subtreeControl, subtreeEnabled, controllers, memcg });
  Object.assign(d, { maxDepth, maxDescendants, freeze, zswapWriteback, pressure });
  d.formerMemcgs.push(...saved.formerMemcgs);
  d.zswapMax = BigInt(saved.zswapMax);
  for (const [device, limits] of saved.ioLimits)
    d.ioLimits.set(
      device,
      Object.fromEntries(limits.map(([name, limit]) => [name, limit === null ? null : BigInt(limit)])),
    );
  Object.assign(d.cpu, {
    ...{ shares: cpu.shares, idle: cpu.idle },
    quota: cpu.quota === null ? null : BigInt(cpu.quota),
    period: BigInt(cpu.period),
    burst: BigInt(cpu.burst),
  });
  Object.assign(d.pids, { ...pids, limit: BigInt(pids.limit) });
}
