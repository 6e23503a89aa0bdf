/**
 * Modelled residency has a short way for an access of one page that is there, and a long way for everything. With the watch log on every
 * row takes the long way, so that the two can be compared: any rows, either way, must end in the same state.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { type BootOptions, Machine } from '../../bindings/machine.ts';
import type { TraceBatch } from '../../bindings/trace/arrow-reader.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 60);
const TASKS = 4;
const CGROUPS = 5;
const OBJECTS = 3;
const CPUS = 2;
/** Heights of trees: a leaf, two levels, four; a page of the last makes those of the others look up anew. */
const PLACES = [0, 64, 4096, 1 << 20];

interface Step {
  kind: number;
  task: number;
  cpu: number;
  object: number;
  place: number;
  page: number;
  count: number;
  flags: number;
  gap: number;
  value: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.nat(99),
  // now and then one that is not there
  task: fc.oneof({ weight: 40, arbitrary: fc.integer({ min: 1, max: TASKS }) }, { weight: 1, arbitrary: fc.nat(9) }),
  cpu: fc.nat(CPUS - 1),
  object: fc.oneof(
    { weight: 60, arbitrary: fc.integer({ min: 1, max: OBJECTS }) },
    { weight: 1, arbitrary: fc.nat(OBJECTS + 2) },
  ),
  place: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(PLACES.length - 1) }),
  page: fc.nat(40),
  count: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 70 }) }),
  flags: fc.nat(15),
  gap: fc.oneof({ weight: 8, arbitrary: fc.nat(5000) }, { weight: 1, arbitrary: fc.constant(2_000_000_000) }),
  value: fc.nat(200),
});

/** Of a hundred rows eighty access something. */
function rowOf(s: Step): HandRow {
  const { task, cpu, object, count } = s;
  const index = PLACES[s.place]! + s.page;
  const who = { task, cpu };
  if (s.kind < 40) {
    const flags = [0, 0, 0, 0, O.FLAG_WRITE, O.FLAG_FAULT, O.FLAG_FAULT | O.FLAG_WRITE, O.FLAG_READAHEAD][s.flags & 7]!;
    return { ...who, op: O.OP_FILE_ACCESS, object, index, count, flags };
  }
  if (s.kind < 80) return { ...who, op: O.OP_ANON_TOUCH, index, count, flags: s.flags & 3 ? O.FLAG_WRITE : 0 };
  if (s.kind < 84) return { ...who, op: O.OP_ANON_FREE, index, count };
  if (s.kind < 88) return { ...who, op: O.OP_TRUNCATE, object, index, count };
  if (s.kind < 91) {
    const knob = s.flags & 1 ? O.KNOB_MAX : O.KNOB_HIGH;
    return { ...who, op: O.OP_WRITE_KNOB, cgroup: 2 + (s.value % (CGROUPS - 1)), index: 8 + s.value, count: knob };
  }
  if (s.kind < 94) return { ...who, op: O.OP_FORK, object: 1 + (s.value % TASKS) };
  if (s.kind < 95) return { ...who, op: O.OP_SPAWN, cgroup: 1 + (s.value % CGROUPS) };
  if (s.kind < 96) return { ...who, op: O.OP_OBJECT_FREE, object };
  if (s.kind < 97) return { ...who, op: O.OP_OBJECT_NEW, object, count: 1 + (s.value % 2) };
  if (s.kind < 98) return { ...who, op: O.OP_MLOCK, object: s.flags & 1 ? object : 0, index, count };
  if (s.kind < 99) return { ...who, op: O.OP_UNMAP, object, index, count };
  return { ...who, op: O.OP_ATTACH, cgroup: 1 + (s.value % CGROUPS) };
}

/** An id is free for a child, or for a new process, once who had it has exited. */
function rowsOf(s: Step): HandRow[] {
  const row = rowOf(s);
  if (row.op === O.OP_SPAWN) return [{ ...row, op: O.OP_EXIT }, row];
  const isFork = row.op === O.OP_FORK && row.object !== row.task && s.task >= 1 && s.task <= TASKS;
  if (isFork) return [{ ...row, op: O.OP_EXIT, task: row.object! }, row];
  return [row];
}

/** Replays by the short way, or with the watch log on by the long one. A row that the engine refuses is left out, and noted. */
function replay(machine: Machine, batch: TraceBatch, watched: boolean): string[] {
  const errors: string[] = [];
  machine.watch(watched);
  for (let at = 0; at < batch.length; ) {
    try {
      at = machine.replay(batch, at);
    } catch (error) {
      errors.push(`${error}`);
      at = (error as { row: number }).row + 1;
    }
    machine.drainWatch(() => {});
  }
  machine.watch(false);
  return errors;
}

const PROFILES: [string, BootOptions][] = [
  ['6.18, no swap', { kernel: '6.18' }],
  ['6.18, little swap', { kernel: '6.18', swap: 60 }],
  ['6.1, much swap', { kernel: '6.1', swap: 3000 }],
  ['6.18, a slow disk, readahead', { kernel: '6.18', swap: 300, pageWriteNs: 2000n, readahead: 8, faultAround: 4 }],
  ['6.1, statistics as shown', { kernel: '6.1', swap: 300, statistics: 'kernel' }],
  ['6.18, debug build', { kernel: '6.18', swap: 300, build: 'debug' }],
];

describe.each(PROFILES)('%s', (_, options) => {
  test('the short way and the long way end in the same state, and it conserves', async () => {
    const capacities = { pages: 2048, nodes: 4096, cgroups: CGROUPS, tasks: TASKS, objects: OBJECTS, cpus: CPUS };
    const start = await Machine.boot({ residency: 'modelled', ...capacities, maps: 64, watch: 1 << 14, ...options });
    for (let id = 2; id <= CGROUPS; id++) start.mkdir(`/${id}`, Math.floor(id / 2));
    for (let task = 1; task <= TASKS; task++) start.spawn(task);
    let accepted = 0;
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 600, size: 'max' }), async (steps) => {
        let ts = 0;
        const batch = batchOf(
          steps.flatMap((s) => {
            ts += s.gap;
            return rowsOf(s).map((row) => ({ ...row, ts }));
          }),
        );
        const [short, long] = [await start.fork(), await start.fork()];
        const errors = replay(short, batch, false);
        expect(replay(long, batch, true)).toEqual(errors);
        expect(short.digest()).toBe(long.digest());
        expect(short.audit()).toBeNull();
        rows += batch.length;
        accepted += batch.length - errors.length;
      }),
      { numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(rows / 2);
  });
});
