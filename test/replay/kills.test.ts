/** Kills under any limits: whom a plain rule would take, everybody who must be spared is, and every charge ends. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';

const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 150);
const PARENTS: Record<number, number> = { 2: 1, 3: 2, 4: 2, 5: 1 };
const cgroup = fc.integer({ min: 2, max: 5 });
const task = fc.nat(11);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('touch'),
      task,
      page: fc.nat(3),
      count: fc.integer({ min: 1, max: 120 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('shmem'), task, page: fc.nat(3), count: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('fork', 'thread', 'exit', 'exec'),
      task,
      page: fc.nat(3),
      count: fc.nat(1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('max'),
      task: cgroup,
      page: fc.nat(3),
      count: fc.integer({ min: 0, max: 300 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('group'), task: cgroup, page: fc.nat(3), count: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('attach'), task, page: fc.nat(3), count: cgroup }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('adj'),
      task,
      page: fc.nat(3),
      count: fc.constantFrom(-1000, -1000, -999, -300, 0, 500, 1000),
    }),
  },
);

/** What the test itself knows of a task. */
interface Known {
  process: number;
  cgroup: number;
  adj: number;
}

it.each(['6.18', '6.1'] as const)('kernel %s', async (kernel) => {
  let kills = 0;
  let groups = 0;
  let spared = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120 }), async (steps) => {
    const machine = await Machine.boot({
      residency: 'modelled',
      kernel,
      pages: 8192,
      cgroups: 8,
      tasks: 200,
      cpus: 2,
      objects: 4,
      maps: 512,
      nodes: 4096,
      kills: 200,
      ring: 4096,
      build: 'debug',
    });
    const known = new Map<number, Known>();
    const dead = new Set<number>();
    let ts = 0;
    let kernelKills = 0;
    const one = (row: HandRow) => {
      const before = machine.kills().length;
      machine.replay(batchOf([{ cpu: ts & 1, ...row, ts: ++ts }]));
      expect(machine.audit()).toBeNull();
      // Nobody is killed but by the table, and what the table says follows from what the test knows.
      const events = [...machine.drain()].filter((event) => event.type === 'killed');
      const fresh = machine.kills().slice(before);
      expect(events).toHaveLength(fresh.reduce((sum, kill) => sum + kill.processes, 0));
      for (const kill of fresh) {
        kills++;
        if (kill.group) groups++;
        kernelKills += kill.processes + (kill.group ? 1 : 0);
        const limit = kill.limit! / 4096;
        const below = (memcg: number, root: number): boolean =>
          memcg === root || (memcg > 1 && below(PARENTS[memcg]!, root));
        const may = [...known].filter(
          ([id, { process, cgroup: memcg, adj }]) =>
            id === process && !dead.has(id) && adj !== -1000 && below(memcg, kill.cgroup),
        );
        expect(kill.candidates.map((c) => c.task).sort((a, b) => a - b)).toEqual(
          may.map(([id]) => id).sort((a, b) => a - b),
        );
        for (const c of kill.candidates) {
          const { adj, cgroup: memcg } = known.get(c.task)!;
          expect(c).toMatchObject({ oom_score_adj: adj, cgroup: memcg });
          const rss = (c.anon + c.file + c.shmem + c.swap) / 4096;
          const tables = c.points - rss - adj * Math.floor(Math.max(1, limit) / 1000);
          expect(tables).toBeGreaterThanOrEqual(rss > 0 && c.anon > 0 ? 3 : 0);
          expect(tables).toBeLessThanOrEqual(3 + 4 * 3);
          expect(c.points).toBeLessThanOrEqual(kill.victim.points!);
        }
        expect(kill.victim.task).toBe(kill.candidates[0]!.task);
        for (const { task: id } of events.splice(0, kill.processes)) {
          expect(known.get(id)!.adj).not.toBe(-1000);
          expect(below(known.get(id)!.cgroup, kill.group || kill.cgroup)).toBe(true);
          for (const [other, { process }] of known) if (process === id) dead.add(other);
        }
      }
      for (const id of known.keys()) expect(machine.isKilled(id) && !dead.has(id)).toBe(false);
      return fresh;
    };
    for (const [child, parent] of Object.entries(PARENTS))
      one({ op: O.OP_MKDIR, cgroup: Number(child), object: parent, name: `/${child}` });
    one({ op: O.OP_OBJECT_NEW, object: 1, count: O.OBJECT_SHMEM });
    for (let id = 1; id <= 6; id++) {
      const memcg = 2 + (id % 4);
      one({ op: O.OP_SPAWN, task: id, cgroup: memcg });
      known.set(id, { process: id, cgroup: memcg, adj: 0 });
    }
    let next = 7;
    for (const { what, task: which, page, count } of steps) {
      const alive = [...known.keys()].filter((id) => !dead.has(id));
      if (alive.length === 0) break;
      const id = alive[which % alive.length]!;
      const it = known.get(id)!;
      const index = [1, 5000, 2 ** 20, 2 ** 30][page]!;
      if (what === 'touch') one({ op: O.OP_ANON_TOUCH, task: id, index, count, flags: O.FLAG_WRITE });
      else if (what === 'shmem')
        one({
          op: O.OP_FILE_ACCESS,
          task: id,
          object: 1,
          index: index % 4096,
          count,
          flags: O.FLAG_WRITE | O.FLAG_FAULT,
        });
      else if (what === 'max') one({ op: O.OP_WRITE_KNOB, cgroup: which, count: O.KNOB_MAX, index: count });
      else if (what === 'group') one({ op: O.OP_WRITE_KNOB, cgroup: which, count: O.KNOB_OOM_GROUP, index: count });
      else if (what === 'adj') {
        one({ op: O.OP_OOM_SCORE_ADJ, task: id, index: count + 1000 });
        for (const other of known.values()) if (other.process === it.process) other.adj = count;
      } else if (what === 'attach' && it.process === id) {
        one({ op: O.OP_ATTACH, task: id, cgroup: count });
        for (const other of known.values()) if (other.process === id) other.cgroup = count;
      } else if (what === 'fork' || what === 'thread') {
        const thread = what === 'thread';
        known.set(next, { process: thread ? it.process : next, cgroup: it.cgroup, adj: it.adj });
        one({ op: O.OP_FORK, task: id, object: next++, flags: thread ? O.FLAG_THREAD : 0 });
      } else if (
        (what === 'exit' || what === 'exec') &&
        [...known.values()].every((o) => o === it || o.process !== id)
      ) {
        // alone in its process
        if (it.process !== id) continue;
        one({ op: what === 'exit' ? O.OP_EXIT : O.OP_EXEC, task: id });
        if (what === 'exit') dead.add(id);
      }
    }
    const total = [2, 5].reduce((sum, memcg) => sum + machine.figures(memcg)['memory.events'].oom_kill!, 0);
    expect(total).toBe(kernelKills);
    spared += [...known].filter(([id, { adj }]) => adj === -1000 && !dead.has(id)).length;
  });
  await fc.assert(property, { numRuns: RUNS });
  // The sequences reach what they are for.
  expect(kills).toBeGreaterThan(RUNS);
  expect(groups).toBeGreaterThan(RUNS / 20);
  expect(spared).toBeGreaterThan(0);
});
