/** memory.pressure of the engine beside the reference model: totals to the nanosecond, averages to the last bit of the fixed point. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from '../replay/batch.ts';
import { PressureModel, type Reading } from './pressure.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);
const TASKS = 5;
/** id → parent: two levels below /a, one beside it */
const TREE = new Map([
  [2, 1],
  [3, 2],
  [4, 2],
  [5, 1],
]);
const CGROUPS = [1, ...TREE.keys()];

interface Step {
  after: number;
  what: 'run' | 'sleep' | 'reclaim' | 'move' | 'exit' | 'read';
  task: number;
  cpu: number;
  ns: number;
  to: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  // Rows close together, a slice or a period apart, and long silence.
  after: fc.oneof(
    fc.integer({ min: 1000, max: 100_000 }),
    fc.integer({ min: 1000, max: 20_000_000 }),
    fc.integer({ min: 1_000_000_000, max: 4_500_000_000 }),
    fc.integer({ min: 1000, max: 60_000_000_000 }),
  ),
  what: fc.constantFrom('run', 'run', 'sleep', 'sleep', 'reclaim', 'move', 'exit', 'read'),
  task: fc.integer({ min: 1, max: TASKS }),
  cpu: fc.nat(2),
  ns: fc.oneof(fc.nat(3000), fc.nat(5_000_000), fc.nat(3_000_000_000)),
  to: fc.constantFrom(...CGROUPS),
});

/** A machine that the same rows drive. */
class Driven {
  readonly machine: Machine;
  constructor(machine: Machine) {
    this.machine = machine;
  }
  row(ts: number, row: HandRow): void {
    this.machine.replay(batchOf([{ ...row, ts }]));
  }
  stall(task: number, cpu: number, ns: number, reclaims: boolean): void {
    expect(this.machine.engine.memstall(task, cpu, BigInt(ns), reclaims ? 1 : 0)).toBe(0);
  }
  read(cgroup: number): Reading {
    this.machine.pressure(cgroup);
    const header = new DataView(this.machine.memory.buffer, L.HEADER);
    const total = (which: number) => header.getBigUint64(L.H_PSI_TOTAL + 8 * which, true);
    return {
      total: { some: total(0), full: total(1) },
      averages: Array.from({ length: 6 }, (_, i) => BigInt(header.getUint32(L.H_PSI_AVERAGE + 4 * i, true))),
    };
  }
}

it('counts some and full as the integrals over who stalls, and averages them as Linux does', async () => {
  let totals = 0n;
  let averaged = 0n;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0, 700_000, 4_000_000),
      async (steps, cpus, slice) => {
        const boot = () =>
          Machine.boot({
            residency: 'modelled',
            pages: 64,
            cgroups: 8,
            tasks: 8,
            objects: 4,
            maps: 4,
            nodes: 64,
            cpus,
            costs: { slice },
          });
        const [read, unread] = [new Driven(await boot()), new Driven(await boot())];
        const both = [read, unread];
        const model = new PressureModel(cpus, BigInt(slice));
        let now = 1_000_000_123;
        const whole = () => BigInt(now) - (BigInt(now) % 1000n);
        for (const [cgroup, parent] of TREE) {
          now += 777_777;
          for (const each of both) each.row(now, { op: O.OP_MKDIR, cgroup, object: parent });
          model.mkdir(cgroup, parent, whole());
        }
        const spawn = (task: number) => {
          for (const each of both) each.row(now, { op: O.OP_SPAWN, task, cgroup: 2 + (task % 4) });
          model.spawn(task, 2 + (task % 4));
        };
        for (let task = 1; task <= TASKS; task++) spawn(task);
        for (const { after, what, task, cpu: any, ns, to } of steps) {
          now += after;
          const cpu = any % cpus;
          if (what === 'read') {
            for (const each of both) each.machine.engine.advance(BigInt(now));
            for (const cgroup of CGROUPS) {
              const found = read.read(cgroup);
              expect(found).toEqual(model.read(cgroup, whole()));
              totals += found.total.some;
              averaged += found.averages[0]!;
            }
            continue;
          }
          if (!model.lives(task)) {
            spawn(task);
            continue;
          }
          if (what === 'move') {
            for (const each of both) each.row(now, { op: O.OP_ATTACH, task, cpu, cgroup: to });
            model.moves(task, to, whole());
            continue;
          }
          for (const each of both) each.row(now, { op: what === 'exit' ? O.OP_EXIT : O.OP_PROGRESS, task, cpu });
          model.runs(task, cpu, whole());
          if (what === 'exit') model.exits(task, whole());
          if (what !== 'sleep' && what !== 'reclaim') continue;
          for (const each of both) each.stall(task, cpu, ns, what === 'reclaim');
          model.stalls(task, cpu, BigInt(ns), what === 'reclaim', whole());
        }
        for (const cgroup of CGROUPS) expect(read.read(cgroup)).toEqual(model.read(cgroup, whole()));
        expect(read.machine.audit()).toBeNull();
        // Who looks changes nothing.
        expect(unread.machine.digest()).toBe(read.machine.digest());
      },
    ),
    { numRuns: RUNS },
  );
  expect(totals).toBeGreaterThan(0n);
  expect(averaged).toBeGreaterThan(0n);
});
