/**
 * What the kernel's own selftests are made of (tools/testing/selftests/cgroup/lib/cgroup_util.c, test_memcontrol.c), on a machine of
 * ours: control files read and written by name, programs that run in a cgroup, and their workloads, one call an entry into the kernel.
 */

import {
  type BootOptions,
  type CallResult,
  EngineError,
  type Kernel,
  Machine,
  pageCounterMemparse,
  parseReclaim,
} from '../../bindings/index.ts';
import { KNOB_IDS } from '../../bindings/trace/schema.ts';

export const PAGE = 4096;
export const MB = (n: number) => n * 2 ** 20;
export const KERNELS: readonly Kernel[] = ['6.18', '6.1'];

/** values_close(): `err` % of the sum, in signed longs of bytes. */
export function valuesClose(a: number, b: number, err: number): boolean {
  return Math.abs(a - b) <= Math.trunc((a + b) / 100) * err;
}

/** A program: what it does as `task` of `cgroup`; false is an exit status that is not 0. */
export type Program = (run: { cg: Cgroups; cgroup: number; task: number; cpu: number }) => boolean;

/** An unlinked temporary file with the offset that all who inherit its descriptor share. */
export class TempFile {
  readonly object: number;
  size = 0;
  offset = 0;
  /** the cgroups that paid for its nodes */
  readonly nodes: number[] = [];
  constructor(machine: Machine) {
    this.object = machine.newObject('file');
  }
}

const CAPACITIES = {
  pages: 1 << 17,
  cpus: 2,
  cgroups: 64,
  tasks: 256,
  objects: 64,
  maps: 64,
  nodes: 1 << 14,
  swap: 0,
};

/** A machine and its control files. */
export class Cgroups {
  readonly machine: Machine;
  #nextCpu = 0;
  #nextTable = 1;
  #tables = new Map<number, number[]>();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  static async boot(options: BootOptions): Promise<Cgroups> {
    return new Cgroups(await Machine.boot({ residency: 'modelled', ...CAPACITIES, ...options }));
  }

  create(name: string, parent = 1): number {
    const above = this.machine.cgroups.get(parent)!.path;
    return this.machine.mkdir(`${above === '/' ? '' : above}/${name}`, parent);
  }

  /** cg_write() of a limit, memory.oom.group or memory.reclaim: 0, or the errno's name. */
  write(cgroup: number, file: string, text: string): string | 0 {
    try {
      if (file === 'memory.reclaim') {
        const { pages, swappiness } = parseReclaim(text, this.machine.kernel);
        this.machine.reclaim(cgroup, pages * BigInt(PAGE), { swappiness });
      } else if (file === 'memory.oom.group') this.machine.writeKnob(cgroup, KNOB_IDS.get(file)!, BigInt(text));
      else this.machine.writeKnob(cgroup, KNOB_IDS.get(file)!, pageCounterMemparse(text));
      return 0;
    } catch (error) {
      if (error instanceof EngineError) return error.errno;
      throw error;
    }
  }

  /** cg_read_long() of a limit. */
  limit(cgroup: number, file: string): bigint {
    return this.machine.engine.readKnob(cgroup, KNOB_IDS.get(file)!);
  }

  current(cgroup: number): number {
    return this.machine.figures(cgroup)['memory.current'];
  }
  swapCurrent(cgroup: number): number {
    return this.machine.figures(cgroup)['memory.swap.current'];
  }
  stat(cgroup: number, key: string): number {
    const value = this.machine.memoryStat(cgroup)[key];
    if (value === undefined) throw new Error(`no key ${key} in memory.stat`);
    return value;
  }
  event(cgroup: number, key: string): number {
    return this.machine.figures(cgroup)['memory.events'][key]!;
  }

  /** cg_run_nowait(): a child in the cgroup that runs the program as far as it goes, and stays: its task. */
  start(cgroup: number, program: Program): number {
    const task = this.machine.spawn(cgroup);
    const cpu = this.#nextCpu++ % this.machine.capacities.cpus;
    program({ cg: this, cgroup, task, cpu });
    return task;
  }

  /** cg_run(): a child that runs the program and exits. True: it succeeded, and nobody killed it. */
  run(cgroup: number, program: Program): boolean {
    const task = this.machine.spawn(cgroup);
    const cpu = this.#nextCpu++ % this.machine.capacities.cpus;
    const succeeded = program({ cg: this, cgroup, task, cpu });
    const { killed } = this.machine.exit(task, cpu);
    this.freeTables(task, cpu);
    return !killed && succeeded;
  }

  /** A number for one more page of a task's page tables. */
  newTable(task: number): number {
    const frame = this.#nextTable++;
    this.#tables.set(task, [...(this.#tables.get(task) ?? []), frame]);
    return frame;
  }
  /** free_pgtables() */
  freeTables(task: number, cpu: number): void {
    for (const frame of this.#tables.get(task) ?? []) this.machine.freeKmemPages({ kind: 'pagetable', frame }, cpu);
    this.#tables.delete(task);
  }

  /** Which of these tasks live: what cgroup.procs would list, or kill(pid, 0) find. */
  living(tasks: readonly number[]): number[] {
    return tasks.filter((task) => !this.machine.touchAnon(task, { vpn: 1, write: false }).errno);
  }
}

/** Where malloc() of a large block lands. */
const HEAP = 0x7f000000;
/** Pages that one page of page tables leads to. */
const TABLE = 512;
/** A node of the page cache's tree (struct xa_node, 64 pages), and the pointer to its owner. */
const NODE = { kind: 'slab', bytes: 576 + 8 } as const;

/** Writes a byte to every page of `bytes` of private memory, whose page tables are charged too. False: it was killed. */
function touchAll(cg: Cgroups, task: number, cpu: number, bytes: number): boolean {
  for (let page = 0; page < bytes / PAGE; page++) {
    if (page % TABLE === 0) {
      const frame = cg.newTable(task);
      if (failed(cg.machine.chargeKmemPages(task, { kind: 'pagetable', frame }, cpu))) return false;
    }
    if (failed(cg.machine.touchAnon(task, { vpn: HEAP + page }, cpu))) return false;
  }
  return true;
}

function failed({ errno, killed }: CallResult): boolean {
  return errno !== undefined || killed === true;
}

/** alloc_anon() */
export function allocAnon(bytes: number): Program {
  return ({ cg, task, cpu }) => {
    if (!touchAll(cg, task, cpu, bytes)) return false;
    cg.machine.freeAnon(task, { vpn: HEAP, pages: bytes / PAGE }, cpu);
    cg.freeTables(task, cpu);
    return true;
  };
}

/** alloc_anon_noexit() */
export function allocAnonNoexit(bytes: number): Program {
  return ({ cg, task, cpu }) => touchAll(cg, task, cpu, bytes);
}

/** alloc_pagecache(): the file grows by so much, and is read to its end from where its offset is, 4 KiB at a time. */
export function readPagecache(file: TempFile, bytes: number): Program {
  return ({ cg, cgroup, task, cpu }) => {
    file.size += bytes;
    while (file.offset < file.size) {
      const index = file.offset / PAGE;
      if (index % 64 === 0) {
        if (failed(cg.machine.chargeKmem(task, NODE, cpu))) return false;
        file.nodes.push(cgroup);
      }
      if (failed(cg.machine.access(task, file.object, { index }, cpu))) return false;
      file.offset += PAGE;
    }
    return true;
  };
}

/** A program with a temporary file of its own, which goes when it is closed. */
export function withTempFile(program: (file: TempFile) => Program): Program {
  return (run) => {
    const file = new TempFile(run.cg.machine);
    const succeeded = program(file)(run);
    run.cg.machine.freeObject(0, file.object, run.cpu);
    for (const cgroup of file.nodes) run.cg.machine.freeKmem(cgroup, NODE, run.cpu);
    return succeeded;
  };
}

/** reclaim_until(): five tries to bring the usage down to `goal`; one of them must succeed, and what succeeds must be true. */
export function reclaimUntil(cg: Cgroups, cgroup: number, goal: number): boolean {
  let reclaimed = false;
  for (let retries = 5; retries > 0; retries--) {
    const current = cg.current(cgroup);
    if (current < goal || valuesClose(current, goal, 3)) break;
    if (reclaimed) return false;
    const errno = cg.write(cgroup, 'memory.reclaim', String(current - goal));
    if (errno === 0) reclaimed = true;
    else if (errno !== 'EAGAIN') return false;
  }
  return reclaimed;
}
