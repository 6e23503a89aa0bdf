/**
 * Debate 2 against a plain model: random trees whose cgroups come and go, tasks that read, write and map, limits, domains and marks. Whatever
 * happens, each page has one payer or none, and what removal did adds up.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { definePolicy, type Policy } from '../../bindings/policy/policy.ts';
import { presetOf } from '../../bindings/policy/registry.ts';
import { ownersOf } from './owners.ts';

const OBJECTS = 4;
const PAGES = 96;

const access = fc.record({
  what: fc.constant('access' as const),
  which: fc.nat(20),
  object: fc.integer({ min: 1, max: OBJECTS }),
  from: fc.nat(PAGES - 1),
  pages: fc.integer({ min: 1, max: PAGES }),
  write: fc.boolean(),
  fault: fc.boolean(),
});
const step = fc.oneof(
  { weight: 6, arbitrary: access },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('mkdir' as const), under: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('rmdir' as const), which: fc.nat(20) }) },
  fc.record({ what: fc.constant('limit' as const), which: fc.nat(20), pages: fc.integer({ min: 16, max: 300 }) }),
  fc.record({ what: fc.constant('domain' as const), which: fc.nat(20), name: fc.nat(3) }),
  fc.record({ what: fc.constant('mark' as const), object: fc.integer({ min: 1, max: OBJECTS }), mark: fc.nat(4) }),
  fc.record({
    what: fc.constant('anon' as const),
    which: fc.nat(20),
    from: fc.nat(200),
    pages: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    what: fc.constant('truncate' as const),
    object: fc.integer({ min: 1, max: OBJECTS }),
    from: fc.nat(PAGES),
  }),
  fc.record({ what: fc.constant('reclaim' as const), which: fc.nat(20), pages: fc.integer({ min: 1, max: 100 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Cgroups that live, their tasks, and which were removed. */
interface World {
  machine: Machine;
  live: { id: number; parent: number; task: number }[];
  removed: number[];
}

function run({ machine, live, removed }: World, each: Step): void {
  const pick = (i: number) => live[i % live.length];
  switch (each.what) {
    case 'mkdir': {
      if (machine.cgroups.size > 40) return;
      const parent = each.under % 3 === 0 ? undefined : pick(each.under)?.id;
      const name = `g${machine.cgroups.size}`;
      const id = machine.mkdir(parent === undefined ? `/${name}` : `${machine.pathOf(parent)}/${name}`, parent);
      live.push({ id, parent: parent ?? 1, task: machine.spawn(id) });
      return;
    }
    case 'rmdir': {
      const leaves = live.filter(({ id }) => !live.some(({ parent }) => parent === id));
      const leaf = leaves[each.which % leaves.length];
      if (!leaf) return;
      machine.exit(leaf.task);
      machine.rmdir(leaf.id);
      live.splice(live.indexOf(leaf), 1);
      removed.push(leaf.id);
      return;
    }
    case 'mark':
      machine.event('domain', { object: each.object, index: [0, 1, 2, 16, 17][each.mark]! });
      return;
    case 'truncate':
      machine.event('truncate', { object: each.object, index: each.from });
      return;
  }
  const at = pick(each.which);
  if (!at || machine.isKilled(at.task)) return;
  if (each.what === 'limit') machine.event('write_knob', { cgroup: at.id, index: each.pages, count: O.KNOB_MAX });
  else if (each.what === 'domain') machine.event('domain', { cgroup: at.id, index: [0, 1, 16, 17][each.name]! });
  else if (each.what === 'reclaim')
    machine.event('write_knob', { cgroup: at.id, index: each.pages, count: O.KNOB_RECLAIM });
  else if (each.what === 'anon')
    machine.event('anon_touch', { task: at.task, index: each.from, count: each.pages, flags: O.FLAG_WRITE });
  else {
    const flags = (each.write ? O.FLAG_WRITE : 0) | (each.fault ? O.FLAG_FAULT : 0);
    const count = Math.min(each.pages, PAGES - each.from);
    machine.event('file_access', { task: at.task, object: each.object, index: each.from, count, flags });
  }
}

const data = (machine: Machine, id: number) =>
  [L.STAT_ANON, L.STAT_FILE, L.STAT_SHMEM].reduce((sum, stat) => sum + Number(machine.engine.statLocal(id, stat)), 0);

const POLICIES: Policy[] = [
  ...['lru-reparent', 'next-toucher', 'drop-on-exit', 'creator-ancestor', 'resource-domain'].map(presetOf),
  definePolicy({
    ...{ name: 'domain-reparent', summary: '', rows: [] },
    answers: { payer: 'domain', defaultClasses: true, offline: 'reparent' },
  }),
  definePolicy({ name: 'domain-release', summary: '', rows: [], answers: { payer: 'domain', offline: 'release' } }),
];

test.each(POLICIES)('$name: removal, claims and payers add up', async (policy) => {
  // What happened in all runs together: a property of nothing would be none.
  const seen = { moved: 0, released: 0, recharged: 0, freed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 40, maxLength: 120 }),
      fc.constantFrom(0, 100),
      fc.constantFrom(1, 2),
      async (steps, swap, cpus) => {
        const machine = await Machine.boot({
          ...{ pages: 2048, cgroups: 64, tasks: 64, objects: 8, maps: 256, nodes: 1024, swap, cpus },
          ...{ residency: 'modelled', policy, build: 'debug' },
        });
        const world: World = { machine, live: [], removed: [] };
        for (let object = 1; object <= OBJECTS; object++)
          machine.event('object_new', { object, count: object % 2 ? O.OBJECT_FILE : O.OBJECT_SHMEM, index: PAGES });
        for (const each of steps) {
          run(world, each);
          expect(machine.audit()).toBeNull();
          const { released, recharged, freed, unclaimed } = machine.policyCounts();
          expect(released).toBe(recharged + freed + unclaimed);
        }
        const { offline } = policy.answers;
        const counts = machine.policyCounts();
        for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += counts[key];
        const figures = world.removed.map((id) => machine.policyFigures(id));
        expect(figures.reduce((sum, each) => sum + each.released, 0)).toBe(machine.policyCounts().released);
        // Neither reparenting nor release leaves anything with the dead, not even what they are charged for.
        if (offline === 'reparent' || offline === 'release')
          for (const id of world.removed) expect([id, data(machine, id), machine.usage(id)]).toEqual([id, 0, 0]);
        // Each page of an object is charged to somebody who lives (or, where nothing else is said, to the dead who brought it).
        const alive = new Set([1, ...world.live.map(({ id }) => id)]);
        for (let object = 1; object <= OBJECTS; object++)
          for (const owner of ownersOf(machine, object, PAGES))
            if (owner && (offline === 'reparent' || offline === 'release')) expect(alive.has(owner)).toBe(true);
      },
    ),
    { numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 60) },
  );
  const { offline } = policy.answers;
  if (offline === 'reparent') expect(seen.moved).toBeGreaterThan(0);
  if (offline === 'release') expect(Math.min(seen.released, seen.recharged, seen.freed)).toBeGreaterThan(0);
  if (offline === 'drop') expect(seen.freed).toBeGreaterThan(0);
});
