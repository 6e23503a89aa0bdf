/** What must hold of a random trace under any policy, on any machine. */
import fc from 'fast-check';
import { expect } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { Machine } from '../../bindings/machine.ts';
import type { Policy } from '../../bindings/policy/policy.ts';
import { bootFor } from '../../bindings/replay/replay.ts';
import type { Trace, TraceBatch } from '../../bindings/trace/arrow-reader.ts';
import { traceFor } from '../../bindings/trace/rewrite/rewrite-trace.ts';
import { rowsOfSteps, type Step } from './random-rows.ts';

/** The machine that a case runs on, and where it is interrupted (per mille of the rows). */
export interface Setting {
  memory: number;
  swap: number;
  kernel: '6.1' | '6.18';
  statistics: 'exact' | 'kernel';
  nodes: boolean;
  ahead: boolean;
  cost: boolean;
  debug: boolean;
  watch: boolean;
  split: number;
}

export const settings: fc.Arbitrary<Setting> = fc.record({
  memory: fc.constantFrom(8192, 8192, 2048, 1400),
  swap: fc.constantFrom(0, 200, 2000),
  kernel: fc.constantFrom('6.1', '6.18'),
  statistics: fc.constantFrom('exact', 'kernel'),
  nodes: fc.boolean(),
  ahead: fc.boolean(),
  cost: fc.boolean(),
  debug: fc.boolean(),
  watch: fc.boolean(),
  split: fc.nat(1000),
});

/** Usage, statistics and notes: none below 0, none above its parent's. */
export function checkCounters(machine: Machine): void {
  const { engine } = machine;
  for (const which of [L.COUNTER_MEMORY, L.COUNTER_SWAP]) {
    const children = new Map<number, bigint>();
    for (const [id, { parent }] of machine.cgroups) {
      const usage = engine.pageCounterField(id, which, L.PC_USAGE);
      expect(usage, `usage of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0n);
      children.set(parent, (children.get(parent) ?? 0n) + usage);
    }
    for (const [id, sum] of children)
      if (id > 1)
        expect(engine.pageCounterField(id, which, L.PC_USAGE), `usage of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(
          sum,
        );
  }
  // Where an objcg has gone to its parent, what its cgroup counted of kernel memory is given back at the parent, whose own figure may then be
  // below 0, as in Linux: only that with its descendants counts.
  for (const id of machine.cgroups.keys())
    for (let stat = 0; stat < L.NR_STATS; stat++) {
      const of = stat <= L.STAT_SHMEM ? engine.statLocal(id, stat) : engine.statTotal(id, stat);
      expect(of, `statistic ${stat} of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0n);
    }
  for (const id of machine.cgroups.keys())
    for (const [name, value] of Object.entries(machine.policyFigures(id)))
      if (typeof value === 'number') expect(value, `${name} of ${machine.pathOf(id)}`).toBeGreaterThanOrEqual(0);
  const counts = machine.policyCounts();
  for (const [name, value] of Object.entries(counts)) expect(value, name).toBeGreaterThanOrEqual(0);
}

/** A machine without room left and nobody to kill: Linux panics there. */
function panicked(error: unknown): boolean {
  return String(error).includes('deadlocked on memory');
}

async function rowsOf(trace: Trace): Promise<TraceBatch[]> {
  const batches: TraceBatch[] = [];
  for await (const batch of trace.batches()) batches.push(batch);
  return batches;
}

function run(machine: Machine, batch: TraceBatch, from: number, to: number): void {
  for (let row = from; row < to; ) {
    row = machine.replay(batch, row, to);
    machine.drainWatch(() => {});
    machine.drain();
  }
}

/**
 * The trace runs straight, and again on the release build, interrupted: by a snapshot, by a fork that goes on, watched or not. False: there was
 * no memory left, and nobody to kill.
 */
export async function checkRandom(list: readonly Step[], policy: Policy, s: Setting): Promise<boolean> {
  const trace = await traceFor(policy, rowsOfSteps(list).trace());
  const batches = await rowsOf(trace);
  const boot = async (debug: boolean, watch: boolean) => {
    const machine = await bootFor(
      trace,
      {
        residency: 'modelled',
        policy,
        cpus: 2,
        swap: s.swap,
        kernel: s.kernel,
        statistics: s.statistics,
        ...(s.nodes && { cacheNode: 592, bufferHead: 112 }),
        ...(s.ahead && { readahead: 32, faultAround: 16 }),
        ...(s.cost && { memcgCost: { percpu: [1024, 600], slab: [2048, 512] } }),
        build: debug ? 'debug' : 'release',
      },
      watch,
      s.memory,
    );
    machine.watch(watch);
    machine.keepEvents(watch);
    return machine;
  };
  const straight = await boot(s.debug, false);
  try {
    for (const batch of batches) run(straight, batch, 0, batch.length);
  } catch (error) {
    if (panicked(error)) return false;
    throw error;
  }
  expect(straight.audit()).toBeNull();
  checkCounters(straight);

  let other = await boot(false, s.watch);
  let forked: Machine | null = null;
  for (const batch of batches) {
    const at = Math.floor((batch.length * s.split) / 1000);
    run(other, batch, 0, at);
    expect(other.audit()).toBeNull();
    checkCounters(other);
    if (batch === batches[0]) forked = await other.fork({ policy: s.split & 1 ? 'linux' : policy });
    if (s.split & 2) other = await Machine.restore(other.snapshot());
    run(other, batch, at, batch.length);
    if (forked && batch === batches[0]) {
      try {
        run(forked, batch, at, batch.length);
        expect(forked.audit()).toBeNull();
        checkCounters(forked);
      } catch (error) {
        if (!panicked(error)) throw error;
      }
      if (!(s.split & 1) && batches.length === 1) expect(forked.digest()).toBe(other.digest());
    }
  }
  expect(other.digest()).toBe(straight.digest());
  return true;
}
