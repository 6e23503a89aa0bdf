/**
 * The files cgroup.*, which every cgroup has. kernel/cgroup/cgroup.c: cgroup_base_files[], cgroup_subtree_control_write(),
 * cgroup_vet_subtree_control_enable(), cgroup_migrate_vet_dst(), __cgroup_procs_write(), cgroup_enable_threaded().
 */
import { EngineError } from '../engine/error.ts';
import {
  ALL_CONTROLLERS,
  CONTROLLERS,
  type ControllerSet,
  controllerBit,
  printControllers,
  THREADED_CONTROLLERS,
} from './controllers.ts';
import { cpuStat, cpuStatLocal } from './cpu-files.ts';
import { type Directory, NO_LIMIT } from './directory.ts';
import type { FileType, Tree, Writer } from './file-type.ts';
import { parseInteger, strip } from './parse.ts';
import type { Thread } from './processes.ts';

function fail(errno: string, why: string): EngineError {
  return new EngineError(errno, `${errno}: ${why}`);
}

// ---------------------------------------------------------------------------------------------------- cgroup.type

function showType(_tree: Tree, d: Directory): string {
  if (d.isThreaded) return 'threaded\n';
  if (!d.isValidDomain) return 'domain invalid\n';
  return d.isThreadRoot ? 'domain threaded\n' : 'domain\n';
}

function writeType(tree: Tree, d: Directory, text: string, writer: Writer): void {
  if (strip(text) !== 'threaded') throw fail('EINVAL', 'a cgroup can only become threaded');
  if (d.isThreaded) return;
  const { domain } = d.parent!;
  if (d.isPopulated || d.subtreeControl & ~THREADED_CONTROLLERS)
    throw fail('EOPNOTSUPP', 'it has processes, or controllers that know no threads');
  if (!domain.isValidDomain || !domain.canBeThreadRoot)
    throw fail('EOPNOTSUPP', `${domain.path} cannot have threaded cgroups below it`);
  tree.makeThreaded(d, writer.credentials);
}

// ---------------------------------------------------------------------------------------------------- cgroup.procs, cgroup.threads

/** The cgroups whose processes cgroup.procs of one lists: the root of a threaded subtree has those of all. */
function* domainOf(d: Directory): Generator<Directory, void, undefined> {
  for (const each of d.subtree()) if (each.domain === d) yield each;
}

function showProcs(tree: Tree, d: Directory): string {
  if (d.isThreaded) throw fail('EOPNOTSUPP', 'a threaded cgroup has threads, not processes');
  return tree.members
    .processesIn(domainOf(d))
    .map((pid) => `${pid}\n`)
    .join('');
}

function showThreads(tree: Tree, d: Directory): string {
  return tree.members
    .threadsIn(d)
    .map((tid) => `${tid}\n`)
    .join('');
}

/** cgroup_procs_write_start(): who is to move. */
function findThread(tree: Tree, text: string, writer: Writer): Thread {
  let tid: number;
  try {
    tid = parseInteger(text);
  } catch {
    throw fail('EINVAL', `${JSON.stringify(text)} is not a pid`);
  }
  if (tid < 0) throw fail('EINVAL', `${tid} is not a pid`);
  if (tid === 0 && writer.pid === 0) throw fail('ESRCH', '0 is who writes, and nobody was named');
  const thread = tree.members.find(tid === 0 ? writer.pid : tid);
  if (thread === null) throw fail('ESRCH', `no process ${tid}`);
  return thread;
}

/** The nearest cgroup that both are, or are below. */
export function commonAncestor(a: Directory, b: Directory): Directory {
  const above = new Set(a.upwards());
  for (const d of b.upwards()) if (above.has(d)) return d;
  return a;
}

function writeProcs(tree: Tree, d: Directory, text: string, writer: Writer, whole: boolean): void {
  let thread = findThread(tree, text, writer);
  if (whole) thread = tree.members.find(thread.pid) ?? thread;
  if (thread.bound) throw fail('EINVAL', `${thread.tid} is a thread of the kernel that stays where it is`);
  const from = tree.members.directoryOf(thread.tid)!;
  if (!tree.mayWriteProcs(commonAncestor(from, d), writer.credentials))
    throw fail('EACCES', `cgroup.procs of the common ancestor of ${from.path} and ${d.path} is not writable`);
  if (!d.domain.isValidDomain) throw fail('EOPNOTSUPP', 'the cgroup is domain invalid');
  if (!d.canBeThreadRoot && !d.isThreaded && d.subtreeControl)
    throw fail('EBUSY', 'a cgroup that enables controllers for its children has no processes');
  if (!whole && from.domain !== d.domain) throw fail('EOPNOTSUPP', 'a thread cannot leave the domain of its process');
  tree.members.move(whole ? tree.members.process(thread.pid) : [thread], d);
  tree.refreeze(d);
  tree.refreeze(from);
}

// ---------------------------------------------------------------------------------------------------- controllers

function writeSubtreeControl(tree: Tree, d: Directory, text: string, writer: Writer): void {
  let enable: ControllerSet = 0;
  let disable: ControllerSet = 0;
  for (const token of strip(text).split(' ')) {
    if (token === '') continue;
    const bit = controllerBit(token.slice(1));
    if (!bit || !/^[+-]/.test(token))
      throw fail('EINVAL', `${JSON.stringify(token)} is not +CONTROLLER or -CONTROLLER`);
    if (token.startsWith('+')) {
      enable |= bit;
      disable &= ~bit;
    } else {
      disable |= bit;
      enable &= ~bit;
    }
  }
  for (let bit = 1; bit <= ALL_CONTROLLERS; bit <<= 1) {
    const name = CONTROLLERS[Math.log2(bit)]!;
    if (enable & bit && d.subtreeControl & bit) enable &= ~bit;
    else if (enable & bit && !(d.available & bit)) throw fail('ENOENT', `${name} is not in its cgroup.controllers`);
    else if (disable & bit && !(d.subtreeControl & bit)) disable &= ~bit;
    else if (disable & bit)
      for (const child of d.children.values())
        if (child.subtreeControl & bit) throw fail('EBUSY', `${child.path} enables ${name} for its children`);
  }
  if (!enable && !disable) return;
  vetEnable(d, enable);
  tree.setSubtreeControl(d, (d.subtreeControl | enable) & ~disable, writer.credentials);
}

function vetEnable(d: Directory, enable: ControllerSet): void {
  if (!enable) return;
  if (!d.domain.isValidDomain) throw fail('EOPNOTSUPP', 'the cgroup is domain invalid');
  if (d.isMixable) return;
  if (enable & ~THREADED_CONTROLLERS) {
    if (d.isThreadRoot || d.isThreaded) throw fail('EOPNOTSUPP', 'no such controller in a threaded subtree');
  } else if (d.canBeThreadRoot || d.isThreaded) return;
  if (d.hasTasks) throw fail('EBUSY', 'the cgroup has processes of its own');
}

// ---------------------------------------------------------------------------------------------------- the rest

function showEvents(tree: Tree, d: Directory): string {
  let frozen = d.isFreezing;
  if (frozen) for (const each of d.subtree()) frozen &&= tree.members.allFrozen(each);
  return `populated ${d.isPopulated ? 1 : 0}\nfrozen ${frozen ? 1 : 0}\n`;
}

function showStat(tree: Tree, d: Directory): string {
  const later = tree.kernel === '6.18';
  const subsystems = (prefix: string, count: (name: (typeof CONTROLLERS)[number]) => number) =>
    later ? CONTROLLERS.map((name) => `${prefix}_${name} ${count(name)}\n`).join('') : '';
  const live = (bit: ControllerSet) => [...d.subtree()].filter((each) => each.controllers & bit).length;
  return [
    `nr_descendants ${d.nrDescendants}\n`,
    subsystems('nr_subsys', (name) => live(controllerBit(name))),
    `nr_dying_descendants ${tree.nrDying(d)}\n`,
    subsystems('nr_dying_subsys', (name) => tree.nrDyingOf(d, name)),
  ].join('');
}

function printLimit(limit: number): string {
  return limit === NO_LIMIT ? 'max\n' : `${limit}\n`;
}

function parseLimit(text: string): number {
  if (strip(text) === 'max') return NO_LIMIT;
  const limit = parseInteger(text);
  if (limit < 0) throw fail('ERANGE', `${limit} is below 0`);
  return limit;
}

function writeFreeze(tree: Tree, d: Directory, text: string): void {
  const freeze = parseInteger(text);
  if (freeze < 0 || freeze > 1) throw fail('ERANGE', `${freeze} is not 0 or 1`);
  d.freeze = freeze === 1;
  tree.refreeze(d);
}

function writeKill(tree: Tree, d: Directory, text: string): void {
  const kill = parseInteger(text);
  if (kill !== 1) throw fail('ERANGE', `${kill} is not 1`);
  if (d.isThreaded) throw fail('EOPNOTSUPP', 'a threaded cgroup has threads, not processes');
  const pids = new Set<number>();
  for (const each of d.subtree())
    for (const tid of tree.members.threadsIn(each)) {
      const thread = tree.members.find(tid);
      // Not the kernel's own.
      if (thread?.task) pids.add(thread.pid);
    }
  for (const pid of pids) tree.processes.kill(pid);
}

/** In the order in which the kernel makes them. */
export const CORE_FILES: readonly FileType[] = [
  { name: 'cgroup.type', notOnRoot: true, show: showType, write: writeType },
  {
    name: 'cgroup.procs',
    show: showProcs,
    write: (tree, d, text, writer) => writeProcs(tree, d, text, writer, true),
  },
  {
    name: 'cgroup.threads',
    show: showThreads,
    write: (tree, d, text, writer) => writeProcs(tree, d, text, writer, false),
  },
  { name: 'cgroup.controllers', show: (_tree, d) => printControllers(d.available) },
  {
    name: 'cgroup.subtree_control',
    show: (_tree, d) => printControllers(d.subtreeControl),
    write: writeSubtreeControl,
  },
  { name: 'cgroup.events', notOnRoot: true, show: showEvents },
  {
    name: 'cgroup.max.descendants',
    show: (_tree, d) => printLimit(d.maxDescendants),
    write: (_tree, d, text) => {
      d.maxDescendants = parseLimit(text);
    },
  },
  {
    name: 'cgroup.max.depth',
    show: (_tree, d) => printLimit(d.maxDepth),
    write: (_tree, d, text) => {
      d.maxDepth = parseLimit(text);
    },
  },
  { name: 'cgroup.stat', show: showStat },
  { name: 'cgroup.freeze', notOnRoot: true, show: (_tree, d) => (d.freeze ? '1\n' : '0\n'), write: writeFreeze },
  { name: 'cgroup.kill', notOnRoot: true, write: writeKill },
  { name: 'cpu.stat', show: cpuStat },
  { name: 'cpu.stat.local', kernel: '6.18', show: cpuStatLocal },
];
