/** Reclaimable slab against a plain list and the kernel's arithmetic: which objects go at which priority, what is deferred, who inherits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/index.ts';
import { batchOf } from '../replay/batch.ts';

const OPTIONS = {
  residency: 'modelled',
  pages: 1 << 14,
  cpus: 2,
  cgroups: 16,
  tasks: 16,
  objects: 4,
  maps: 16,
  nodes: 1 << 10,
} as const;
const RUNS = Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 100);

/** do_shrink_slab(), list_lru and drop_slab(), by the definition. */
class Reference {
  list: { bytes: number; referenced: boolean }[] = [];
  deferred = 0;

  shrink(priority: number): number {
    const freeable = this.list.length;
    if (freeable === 0) return 0;
    const nr = this.deferred;
    const delta = Math.floor((Math.floor(freeable / 2 ** priority) * 4) / 2);
    let total = Math.min(Math.floor(nr / 2 ** priority) + delta, 2 * freeable);
    let [scanned, freed] = [0, 0];
    while (total >= 1024 || total >= freeable) {
      const n = Math.min(1024, total);
      for (let i = 0; i < n && this.list.length > 0; i++) {
        const object = this.list.shift()!;
        if (object.referenced) this.list.push({ ...object, referenced: false });
        else freed++;
      }
      total -= n;
      scanned += n;
    }
    this.deferred = Math.min(Math.max(nr + delta - scanned, 0), 2 * freeable);
    return freed;
  }

  drop(): void {
    for (let shift = 0; this.shrink(0) >> shift > 1; shift++);
  }
}

const action = fc.record({
  what: fc.constantFrom('add', 'add', 'add', 'read', 'reclaim', 'reclaim', 'free', 'drop'),
  n: fc.integer({ min: 1, max: 3000 }),
  size: fc.constantFrom(200, 200, 600, 8200),
  referenced: fc.boolean(),
});

it.each(['6.18', '6.1'] as const)('frees what the kernel of %s would, oldest first', async (kernel) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
      const machine = await Machine.boot({ kernel, ...OPTIONS });
      const cgroup = machine.mkdir('/a');
      const task = machine.spawn(cgroup);
      const reference = new Reference();
      let [cached, next] = [0, 0];
      for (const { what, n, size, referenced } of actions) {
        if (what === 'add') {
          const count = size === 8200 ? 1 + (n % 50) : n;
          for (let i = 0; i < count; i++) {
            machine.chargeKmem(task, { kind: 'slab', bytes: size, reclaimable: true, referenced });
            reference.list.push({ bytes: size, referenced });
          }
        } else if (what === 'free') {
          machine.freeKmem(cgroup, { kind: 'slab', bytes: size, reclaimable: true });
          const oldest = reference.list.findIndex(({ bytes }) => bytes === size);
          if (oldest >= 0) reference.list.splice(oldest, 1);
        } else if (what === 'drop') {
          machine.replay(batchOf([{ op: O.OP_DROP_CACHES, count: 2 }]));
          reference.drop();
        } else if (what === 'read' && cached + n < 8000) {
          machine.access(task, 1, { index: next, pages: n });
          cached += n;
          next += n;
        } else if (what === 'reclaim' && cached >= 64) {
          // Page cache read once goes as it is scanned: one reclaim, down to the priority at which 32 pages are had.
          machine.reclaim(cgroup, 32 * 4096);
          const size0 = cached;
          for (let [priority, got] = [12, 0]; got < 32; priority--) {
            const scan = cached >> priority;
            got += scan;
            cached -= scan;
            reference.shrink(priority);
          }
          expect(size0 - cached).toBeGreaterThanOrEqual(32);
        }
        const stat = machine.memoryStat(cgroup);
        expect(stat.file! / 4096).toBe(cached);
        expect(stat.slab_reclaimable).toBe(reference.list.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(machine.audit()).toBeNull();
      }
    }),
    { numRuns: RUNS, seed: 3 },
  );
});

describe('reclaimable slab', () => {
  const dentry = { kind: 'slab', bytes: 200, reclaimable: true } as const;

  it("of a removed cgroup is the parent's to reclaim, before its own", async () => {
    const machine = await Machine.boot(OPTIONS);
    const parent = machine.mkdir('/p');
    const child = machine.mkdir('/p/c', parent);
    const [inParent, inChild] = [machine.spawn(parent), machine.spawn(child)];
    for (let i = 0; i < 1000; i++) machine.chargeKmem(inParent, dentry);
    for (let i = 0; i < 500; i++) machine.chargeKmem(inChild, { ...dentry, bytes: 400 });
    for (let i = 0; i < 100; i++) machine.chargeKmem(inChild, dentry);
    machine.exit(inChild);
    machine.rmdir(child);
    expect(machine.memoryStat(parent).slab_reclaimable).toBe(1000 * 200 + 500 * 400 + 100 * 200);
    expect(machine.audit()).toBeNull();
    const fork = await machine.fork();
    expect(fork.digest()).toBe(machine.digest());
    // A few rounds are deferred, until there is a batch of 1024: all of the child's, and then the parent's oldest.
    const reclaimable = () => machine.memoryStat(parent).slab_reclaimable!;
    for (let round = 0; round < 20 && reclaimable() === 420_000; round++) {
      // 80 pages of page cache: reclaim has its 32 at priority 2.
      machine.access(inParent, 1, { index: 80 * round, pages: 80 - machine.memoryStat(parent).file! / 4096 });
      machine.sync(inParent); // those that wait in a batch join their list
      machine.reclaim(parent, 32 * 4096);
    }
    const left = (1000 - (1024 - 600)) * 200;
    expect(reclaimable()).toBe(left);
    for (let i = 0; i < 3; i++) machine.freeKmem(child, { ...dentry, bytes: 400 });
    expect(machine.memoryStat(parent).slab_reclaimable).toBe(left);
    machine.replay(batchOf([{ op: O.OP_DROP_CACHES, count: 3 }]));
    expect(machine.memoryStat(parent).slab).toBe(0);
    expect(machine.audit()).toBeNull();
  });

  it('is told from other slab, and its bytes are bounded', async () => {
    const machine = await Machine.boot(OPTIONS);
    const cgroup = machine.mkdir('/a');
    const task = machine.spawn(cgroup);
    machine.chargeKmem(task, { kind: 'slab', bytes: 300 });
    machine.chargeKmem(task, dentry);
    expect(machine.memoryStat(cgroup)).toMatchObject({ slab_reclaimable: 200, slab_unreclaimable: 300, slab: 500 });
    expect(() => machine.chargeKmem(task, { ...dentry, bytes: 16_384 })).toThrow('count 16384: EINVAL');
    expect(() => machine.chargeKmem(task, { ...dentry, kind: 'percpu' })).toThrow('flags 6: EINVAL');
    expect(machine.audit()).toBeNull();
  });

  it("is held back in the stock by the kernel's own statistics, each kind for itself", async () => {
    const machine = await Machine.boot({ ...OPTIONS, statistics: 'kernel' });
    const cgroup = machine.mkdir('/a');
    const task = machine.spawn(cgroup);
    for (let i = 0; i < 30; i++) {
      machine.chargeKmem(task, dentry);
      machine.chargeKmem(task, { kind: 'slab', bytes: 100 });
      expect(machine.audit()).toBeNull();
    }
    machine.advance(10_000_000_000n);
    // The first 200 are held back until a page is gathered, and then anew: 4200, and 1800 in the stock.
    expect(machine.memoryStat(cgroup)).toMatchObject({ slab_reclaimable: 4200, slab_unreclaimable: 0 });
  });
});
