/** Who uses what: the engine's interned sets beside a plain set of cgroups for every page; and observing changes nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import type { BootOptions, Machine } from '../../bindings/machine.ts';
import { PRESETS } from '../../bindings/policy/registry.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { lookAtUses, lostUses } from '../../bindings/report/uses.ts';

const CGROUPS = 6;
const PAGES = 40;
const OBJECTS = ['x', 'y'] as const;

interface Access {
  user: number;
  object: (typeof OBJECTS)[number];
  index: number;
  pages: number;
  /** truncate: the pages go */
  drop: boolean;
}

const access: fc.Arbitrary<Access> = fc.record({
  user: fc.nat(CGROUPS - 1),
  object: fc.constantFrom(...OBJECTS),
  index: fc.nat(PAGES - 8),
  pages: fc.integer({ min: 1, max: 8 }),
  drop: fc.boolean().chain((a) => fc.boolean().map((b) => a && b)),
});
const accesses = fc.array(access, { minLength: 1, maxLength: 120 });

/** Cgroup i is /i, its id i + 2. */
function rows(steps: readonly Access[], limit: number | null = null): TraceBuilder {
  const trace = new TraceBuilder();
  for (let i = 0; i < CGROUPS; i++)
    trace.mkdir(`/${i}`, limit === null ? {} : { 'memory.max': limit }).spawn(`t${i}`, `/${i}`);
  for (const name of OBJECTS) trace.object(name, 'shmem', { pages: PAGES, by: 't0' });
  for (const { user, object, index, pages, drop } of steps)
    if (drop)
      trace.row('truncate', { task: trace.task(`t${user}`), object: trace.objectId(object), index, count: pages });
    else trace.access(`t${user}`, object, { index, pages, write: true });
  return trace;
}

async function replay(trace: TraceBuilder, options: BootOptions): Promise<Machine> {
  const machine = await bootFor(trace.trace(), { residency: 'modelled', cpus: 1, ...options }, false, 4096);
  await replayTrace(machine, trace.trace());
  expect(machine.audit()).toBeNull();
  return machine;
}

/** Pages by user, and by (user, payer), from sets kept by hand. The first who touches a page pays. */
function model(steps: readonly Access[]) {
  const users = new Map<string, Set<number>>();
  const payer = new Map<string, number>();
  for (const { user, object, index, pages, drop } of steps)
    for (let page = index; page < index + pages; page++) {
      const key = `${object}${page}`;
      if (drop) {
        users.delete(key);
        payer.delete(key);
        continue;
      }
      if (!payer.has(key)) payer.set(key, user + 2);
      users.set(key, (users.get(key) ?? new Set()).add(user + 2));
    }
  const share = new Map<number, number>();
  const paid = new Map<string, number>();
  for (const [key, set] of users)
    for (const user of set) {
      share.set(user, (share.get(user) ?? 0) + 1 / set.size);
      const pair = `${user} ${payer.get(key)}`;
      paid.set(pair, (paid.get(pair) ?? 0) + 1 / set.size);
    }
  return { share, paid, pages: users.size };
}

describe('users of pages', () => {
  it('are those of the reference model, whatever they do', async () => {
    await fc.assert(
      fc.asyncProperty(accesses, async (steps) => {
        const machine = await replay(rows(steps), { observe: 256 });
        const uses = lookAtUses(machine);
        const { share, paid, pages } = model(steps);
        for (let id = 1; id < CGROUPS + 2; id++) expect(uses.share[id]).toBeCloseTo(share.get(id) ?? 0, 9);
        const found = new Map<string, number>(
          [...uses.paidBy].flatMap(([u, of]) => [...of].map(([p, n]) => [`${u} ${p}`, n] as const)),
        );
        expect([...found.keys()].sort()).toEqual([...paid.keys()].sort());
        for (const [pair, n] of paid) expect(found.get(pair)).toBeCloseTo(n, 9);
        expect(uses.charged.reduce((sum, n) => sum + n, 0)).toBe(pages);
        expect(lostUses(machine)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('are the same set whoever comes first, so that six cgroups never need more than 63 sets', async () => {
    await fc.assert(
      fc.asyncProperty(accesses, async (steps) => {
        expect(lostUses(await replay(rows(steps), { observe: 63 }))).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('that find the table full are counted, and the page keeps its set', async () => {
    const all = (user: number): Access => ({ user, object: 'x', index: 0, pages: 8, drop: false });
    const machine = await replay(rows([all(0), all(1), all(2)]), { observe: 2 });
    // {0}, {0, 1}: the third set finds no room, eight times.
    expect(lostUses(machine)).toBe(8);
    const { share } = lookAtUses(machine);
    expect([...share.slice(2, 5)]).toEqual([4, 4, 0]);
  });

  it('are no part of the state: the digest with and without is one, under every policy, limits and kills included', async () => {
    const steps: Access[] = [0, 1, 2, 3, 0, 4].flatMap((user) => [
      { user, object: 'x', index: 0, pages: 32, drop: false },
      { user, object: 'y', index: user, pages: 30, drop: user === 3 },
    ]);
    for (const limit of [null, 24])
      for (const policy of PRESETS) {
        const trace = rows(steps, limit);
        const [with_, without] = await Promise.all(
          [256, 0].map((observe) => replay(trace, { observe, policy: policy.name, swap: limit === null ? 64 : 0 })),
        );
        expect([policy.name, with_!.digest()]).toEqual([policy.name, without!.digest()]);
        if (policy.name === 'linux') expect(with_!.kills().length > 0).toBe(limit !== null);
      }
  });
});
