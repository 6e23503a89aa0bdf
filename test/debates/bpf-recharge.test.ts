/**
 * Debate 4, property: a recharge of whatever map, in whatever tree, with whatever limits, by pieces or not, between whose rows others insert,
 * delete, replace and remove cgroups, moves all or nothing, and every counter adds up at every step.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { definePolicy } from '../../bindings/policy/policy.ts';

const KINDS = [O.KIND_VMALLOC, O.KIND_SLAB, O.KIND_PERCPU] as const;
const ELEMENT_KINDS = [O.KIND_SLAB, O.KIND_PERCPU] as const;
const MAP = 1;

const cases = fc.record({
  /** parent of each cgroup: 0 the root, else one before it */
  parents: fc.array(fc.nat(100), { minLength: 2, maxLength: 7 }),
  from: fc.nat(100),
  to: fc.nat(100),
  kind: fc.nat(2),
  pages: fc.integer({ min: 0, max: 40 }),
  elementKind: fc.nat(1),
  elements: fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 20 }),
  chunk: fc.constantFrom(0, 0, 1, 3, 16),
  shortcut: fc.boolean(),
  naive: fc.boolean(),
  /** memory.max of some cgroup, set before the recharge or between its rows */
  limits: fc.array(fc.record({ cgroup: fc.nat(100), room: fc.integer({ min: -2, max: 60 }), late: fc.boolean() }), {
    maxLength: 3,
  }),
  /** rows that come between those of the recharge */
  between: fc.array(
    fc.record({
      what: fc.constantFrom('insert', 'delete', 'replace', 'rmdir', 'go on', 'other'),
      n: fc.nat(100),
      bytes: fc.integer({ min: 1, max: 9000 }),
    }),
    { maxLength: 8 },
  ),
  /** the cgroup that pays now is removed before */
  removed: fc.boolean(),
});

/** Every counter and statistic of every cgroup. */
function countersOf(machine: Machine, cgroups: readonly number[]): unknown {
  return cgroups.map((id) => {
    const { 'memory.current': current, 'memory.stat': stat } = machine.figures(id);
    return { current, kernel: stat['kernel'], slab: stat['slab'], vmalloc: stat['vmalloc'], percpu: stat['percpu'] };
  });
}

function drain(machine: Machine): void {
  for (const cpu of [0, 1]) machine.engine.drainAllStock(1, cpu);
}

/** Live bytes by cgroup, as each one's own. */
function liveOf(machine: Machine, cgroup: number): number {
  const own = (stat: number) => Number(machine.engine.statTotal(cgroup, stat));
  return own(L.STAT_SLAB) + own(L.STAT_PERCPU) + 4096 * own(L.STAT_VMALLOC);
}

test('a recharge moves all or nothing, whatever happens in between', async () => {
  const seen = { moved: 0, refused: 0, undisturbed: 0 };
  await fc.assert(
    fc.asyncProperty(cases, async (c) => {
      const { chunk, shortcut, naive } = c;
      const answers = { reuse: 'recharge', chunk, shortcut, naive } as const;
      const policy = definePolicy({ name: 'recharge', summary: '', rows: [], answers });
      const machine = await Machine.boot({ residency: 'modelled', pages: 1 << 15, cpus: 2, cgroups: 16, policy });
      const cgroups: number[] = [];
      for (const [i, parent] of c.parents.entries())
        cgroups.push(machine.mkdir(`/${i}`, parent % (i + 1) === 0 ? 1 : cgroups[(parent % (i + 1)) - 1]!));
      const at = (n: number) => cgroups[n % cgroups.length]!;
      const first = machine.spawn(at(c.from));
      const second = machine.spawn(at(c.to));
      const third = machine.spawn(at(c.to));
      const kind = KINDS[c.kind]!;
      machine.event('object_new', {
        object: MAP,
        task: first,
        index: c.pages,
        count: O.OBJECT_BPF_MAP,
        flags: kind << O.FLAG_KIND_SHIFT,
      });
      const flags = ELEMENT_KINDS[c.elementKind]! << O.FLAG_KIND_SHIFT;
      const insert = (key: number, bytes: number) =>
        machine.event('map_update', { object: MAP, index: key, count: bytes, flags, gfp: O.GFP_KSWAPD_RECLAIM });
      for (const [key, bytes] of c.elements.entries()) insert(key, bytes);
      machine.exit(first);
      if (c.removed && at(c.from) !== at(c.to)) {
        try {
          machine.rmdir(at(c.from));
        } catch {
          // others live below it
        }
      }
      drain(machine);
      const limit = (late: boolean) => {
        for (const { cgroup, room, late: when } of c.limits) {
          const id = at(cgroup);
          if (when !== late || machine.isRemoved(id)) continue;
          // (A limit below the usage would kill: only room is given.)
          machine.writeKnob(id, O.KNOB_MAX, BigInt(machine.usage(id) + Math.max(0, room)));
        }
      };
      limit(false);
      expect(machine.audit()).toBeNull();
      const payer = machine.bpfObjects()[0]!.payer;
      const before = countersOf(machine, cgroups);
      const live = liveOf(machine, 1);
      const recharge = (task: number, inCall: boolean) =>
        machine.event('recharge', { object: MAP, task, flags: inCall ? O.FLAG_IN_CALL : 0 });

      let failed = c.between.length > 0 && recharge(second, true).errno === 'ENOMEM';
      expect(machine.audit()).toBeNull();
      if (c.between.length > 0) limit(true);
      let changed = 0;
      let quiet = true;
      let naiveBytes = 0;
      for (const { what, n, bytes } of c.between) {
        if (failed) break;
        const was = liveOf(machine, 1);
        if (what === 'insert') insert(1000 + n, bytes);
        else if (what === 'replace') insert(n % 20, bytes);
        else if (what === 'delete') machine.event('map_delete', { object: MAP, index: n % 20 });
        else if (what === 'rmdir' && at(c.to) !== at(n)) {
          try {
            if (!machine.isRemoved(at(n))) machine.rmdir(at(n));
          } catch {
            // somebody lives there
          }
        } else if (what === 'go on') failed = recharge(second, true).errno === 'ENOMEM';
        else if (what === 'other' && machine.bpfObjects()[0]!.busy) {
          expect(recharge(third, false).errno).toBe('EBUSY');
          expect(machine.event('object_free', { object: MAP, task: third }).errno).toBe('EBUSY');
        }
        if (what !== 'other' && what !== 'go on') quiet = false;
        changed += liveOf(machine, 1) - was;
        naiveBytes += what === 'insert' || what === 'replace' ? bytes : 0;
        expect(machine.audit()).toBeNull();
      }
      if (!failed) failed = recharge(second, false).errno === 'ENOMEM';
      expect(machine.audit()).toBeNull();
      // Nobody has lost or won a byte.
      expect(liveOf(machine, 1)).toBe(live + changed);
      const [map] = machine.bpfObjects();
      expect(map!.busy).toBe(false);
      const to = machine.cgroups.get(at(c.to))!.path;
      const own = (stat: number) => Number(machine.engine.statTotal(at(c.to), stat));
      drain(machine);
      seen[failed ? 'refused' : 'moved']++;
      if (failed) {
        if (quiet) {
          seen.undisturbed++;
          expect(countersOf(machine, cgroups)).toEqual(before);
          expect(map!.payer).toBe(payer);
        }
        expect(machine.policyCounts().recharged).toBe(0);
      } else if (map!.payer !== null) {
        expect(map!.payer).toBe(to);
        const there = own(L.STAT_SLAB) + own(L.STAT_PERCPU) + 4096 * own(L.STAT_VMALLOC);
        // What was inserted while the root was to pay stays nobody's.
        const unpaid = [1, ...cgroups].reduce((sum, id) => sum + machine.policyFigures(id).unpaid_bytes, 0);
        const paid = map!.bytes + map!.elementBytes - unpaid;
        if (!naive) expect(there).toBe(paid);
        else expect(there).toBeGreaterThanOrEqual(paid - naiveBytes * 2);
      }
      // All of it can be given back.
      machine.event('object_free', { object: MAP });
      drain(machine);
      expect(machine.audit()).toBeNull();
      expect(liveOf(machine, 1)).toBe(0);
      for (const id of cgroups) if (!machine.isRemoved(id)) expect(machine.usage(id)).toBe(0);
    }),
    { numRuns: Number(process.env['MEMCHARGE_FUZZ_RUNS'] ?? 300), seed: 4 },
  );
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10);
}, 120_000);
