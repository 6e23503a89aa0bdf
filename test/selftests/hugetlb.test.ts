/** The kernel's own selftest of hugetlb in memory cgroups, tools/testing/selftests/cgroup/test_hugetlb_memcg.c of 6.18, and its edges. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Cgroups, MB, PAGE, type Program, valuesClose } from './cgroup-util.ts';

let cg: Cgroups;
const mountOptions = ['memory_recursiveprot', 'memory_hugetlb_accounting'] as const;
afterEach(() => expect(cg.machine.audit()).toBeNull());

const HUGE = 512;
const LENGTH = MB(8) / PAGE / HUGE;

it('test_hugetlb_memcg', async () => {
  cg = await Cgroups.boot({ mountOptions });
  const memcg = cg.create('hugetlb_cgroup');
  cg.write(memcg, 'memory.max', '100M');
  cg.write(memcg, 'memory.swap.max', '0');
  const program: Program = ({ task, cpu }) => {
    const { machine } = cg;
    const old = cg.current(memcg);
    expect(machine.setHugePages(20)).toBe(20);
    expect(cg.current(memcg) - old).toBeLessThan(MB(2));
    expect(machine.mapHuge(task, { vpn: 0, pages: LENGTH }, cpu)).toEqual({ charged: 0 });
    expect(cg.current(memcg) - old).toBeLessThan(MB(2));
    machine.touchHuge(task, { vpn: 0, write: false }, cpu);
    expect(valuesClose(cg.current(memcg), old + MB(2), 5)).toBe(true);
    machine.touchHuge(task, { vpn: 0, pages: LENGTH }, cpu);
    expect(valuesClose(cg.current(memcg), old + MB(8), 5)).toBe(true);
    expect(cg.stat(memcg, 'hugetlb')).toBe(MB(8));
    machine.unmapHuge(task, { vpn: 0, pages: LENGTH }, cpu);
    expect(valuesClose(cg.current(memcg), old, 5)).toBe(true);
    return true;
  };
  expect(cg.run(memcg, program)).toBe(true);
});

describe('huge pages', () => {
  it("are nobody's charge unless the mount says so", async () => {
    cg = await Cgroups.boot({});
    const memcg = cg.create('a');
    const task = cg.machine.spawn(memcg);
    cg.machine.setHugePages(4);
    cg.machine.mapHuge(task, { vpn: 0, pages: 4 });
    expect(cg.machine.touchHuge(task, { vpn: 0, pages: 4 })).toEqual({ charged: 0 });
    expect(cg.current(memcg)).toBe(0);
    expect(cg.machine.memoryStat(memcg)).not.toHaveProperty('hugetlb');
    // In use, they cannot leave the pool.
    expect(cg.machine.setHugePages(0)).toBe(4);
    cg.machine.exit(task);
    expect(cg.machine.setHugePages(0)).toBe(0);
  });

  it('are refused at the limit without a kill, and by an empty pool', async () => {
    cg = await Cgroups.boot({ mountOptions });
    const { machine } = cg;
    const memcg = cg.create('a');
    cg.write(memcg, 'memory.max', '5M');
    const task = machine.spawn(memcg);
    machine.setHugePages(3);
    expect(machine.mapHuge(task, { vpn: 0, pages: 4 })).toEqual({ charged: 0, errno: 'ENOMEM' });
    machine.mapHuge(task, { vpn: 0, pages: 3 });
    expect(machine.touchHuge(task, { vpn: 0, pages: 3 })).toEqual({ charged: 1024, errno: 'ENOMEM' });
    expect(machine.figures(memcg)['memory.events']).toMatchObject({ oom: 0, oom_kill: 0 });
    expect(cg.event(memcg, 'max')).toBeGreaterThan(0);
    // Page cache makes way.
    machine.unmapHuge(task, { vpn: 512 });
    machine.access(task, 1, { index: 0, pages: 700 });
    machine.mapHuge(task, { vpn: 512 });
    expect(machine.touchHuge(task, { vpn: 512 })).toEqual({ charged: 512 });
    expect(() => machine.touchHuge(task, { vpn: 512 * 9 })).toThrow('index 9: EINVAL');
    expect(() => machine.mapHuge(task, { vpn: 3 })).toThrow('3 is not a multiple of 512 pages');
    machine.exit(task);
    expect(machine.mapHuge(task, { vpn: 0 })).toEqual({ charged: 0, errno: 'ESRCH' });
    expect(cg.stat(memcg, 'hugetlb')).toBe(0);
  });

  it('follow a small model of pool, reservations and copies, whatever is done', async () => {
    const action = fc.record({
      what: fc.constantFrom('map', 'touch', 'touch', 'touch', 'unmap', 'fork', 'exit', 'attach'),
      task: fc.nat(5),
      at: fc.nat(5),
      pages: fc.integer({ min: 1, max: 3 }),
      write: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        cg = await Cgroups.boot({ mountOptions, pages: 256, nodes: 512 });
        const { machine } = cg;
        const POOL = 8;
        machine.setHugePages(POOL);
        const groups = [cg.create('a'), cg.create('b')];
        /** A page: who pays. An address space: what each place has. */
        type Place = { owner: number } | 'reserved' | 'promised';
        const tasks = new Map<number, { group: number; places: Map<number, Place> }>();
        const add = (group: number) => tasks.set(machine.spawn(groups[group]), { group, places: new Map() });
        add(0);
        add(1);
        const all = () => [...tasks.values()].flatMap(({ places }) => [...places.values()]);
        const used = () => new Set(all().filter((place) => typeof place === 'object')).size;
        const waiting = () => all().filter((place) => place === 'reserved').length;
        for (const { what, task: which, at, pages, write } of actions) {
          const alive = [...tasks.keys()];
          const id = alive[which % Math.max(1, alive.length)];
          if (id === undefined) break;
          const task = tasks.get(id)!;
          const range = Array.from({ length: pages }, (_, i) => at + i);
          const place = { vpn: at * HUGE, pages };
          if (what === 'map') {
            const { errno } = machine.mapHuge(id, place);
            const fits = pages <= POOL - used() - waiting();
            expect(errno).toBe(fits ? undefined : 'ENOMEM');
            if (fits) for (const p of range) if (!task.places.has(p)) task.places.set(p, 'reserved');
          } else if (what === 'touch') {
            const mapped = range.every((p) => task.places.has(p));
            if (!mapped) continue;
            let refused = false;
            for (const p of range) {
              const has = task.places.get(p)!;
              const shared = typeof has === 'object' && all().filter((other) => other === has).length > 1;
              if (typeof has === 'object' && !(write && shared)) continue;
              if (has !== 'reserved' && used() + waiting() >= POOL) {
                refused = true;
                break;
              }
              task.places.set(p, { owner: groups[task.group]! });
            }
            expect(machine.touchHuge(id, { ...place, write }).errno).toBe(refused ? 'ENOMEM' : undefined);
          } else if (what === 'unmap') {
            machine.unmapHuge(id, place);
            for (const p of range) task.places.delete(p);
          } else if (what === 'fork' && alive.length < 5) {
            const places = new Map(
              [...task.places].map(([p, has]) => [p, has === 'reserved' ? 'promised' : has] as const),
            );
            tasks.set(machine.forkTask(id), { group: task.group, places });
          } else if (what === 'exit') {
            machine.exit(id);
            tasks.delete(id);
          } else if (what === 'attach') {
            task.group = 1 - task.group;
            machine.attach(id, groups[task.group]!);
          }
          const owned = new Set(all().filter((has) => typeof has === 'object'));
          for (const group of groups) {
            const pagesOf = [...owned].filter(({ owner }) => owner === group).length;
            expect(cg.stat(group, 'hugetlb')).toBe(pagesOf * MB(2));
            expect(cg.current(group)).toBe(pagesOf * MB(2));
          }
          expect(machine.audit()).toBeNull();
        }
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
