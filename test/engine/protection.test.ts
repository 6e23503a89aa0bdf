/** Effective protection: the cases of the definition one by one, and the figures of the kernel's own selftest. */
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { KNOB_LOW, KNOB_MIN } from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';

const MIB = 256; // pages

interface Child {
  low: number;
  usage: number;
}

/** A parent under the root with children; answers what each child's elow comes to in a reclaim from the root. */
async function family(parentLow: number, children: Child[], knob = KNOB_LOW) {
  const machine = await Machine.boot({ pages: 1, cgroups: 16, tasks: 1, cpus: 1, swap: 1 });
  const { engine } = machine;
  const parent = machine.mkdir('/parent');
  machine.writeKnob(parent, knob, BigInt(parentLow));
  const ids = children.map(({ low, usage }, i) => {
    const id = machine.mkdir(`/parent/${i}`, parent);
    machine.writeKnob(id, knob, BigInt(low));
    engine.pageCounterCharge(id, L.COUNTER_MEMORY, BigInt(usage));
    return id;
  });
  const effective = (id: number) =>
    Number(engine.pageCounterField(id, L.COUNTER_MEMORY, knob === KNOB_LOW ? L.PC_ELOW : L.PC_EMIN));
  const walk = (root = 1) => {
    engine.calculateProtection(root, parent);
    for (const id of ids) engine.calculateProtection(root, id);
    return ids.map(effective);
  };
  return { machine, engine, parent, ids, walk, effective };
}

describe.each([
  ['low', KNOB_LOW],
  ['min', KNOB_MIN],
])('effective memory.%s', (_name, knob) => {
  it('is the declared value at the first level, not capped by usage', async () => {
    const { walk, effective, parent } = await family(500, [{ low: 0, usage: 10 }], knob);
    walk();
    expect(effective(parent)).toBe(500);
  });

  it('is shared by used claims when the children claim too much', async () => {
    // Claims that nobody uses weigh nothing: 600 unused pages do not take from the other.
    const { walk } = await family(
      100,
      [
        { low: 700, usage: 100 },
        { low: 300, usage: 300 },
      ],
      knob,
    );
    expect(walk()).toEqual([25, 75]);
  });

  it('hands what is unclaimed to usage above the claims', async () => {
    const { walk } = await family(
      100,
      [
        { low: 20, usage: 60 },
        { low: 0, usage: 60 },
      ],
      knob,
    );
    // 80 unclaimed pages over 40 + 60 pages of unprotected usage.
    expect(walk()).toEqual([20 + 32, 48]);
  });

  it('gives all that is used when there is just enough', async () => {
    const { walk } = await family(
      120,
      [
        { low: 60, usage: 60 },
        { low: 60, usage: 60 },
      ],
      knob,
    );
    expect(walk()).toEqual([60, 60]);
  });

  it('leaves the reclaim target and idle cgroups as they were', async () => {
    const { walk, engine, ids, parent, effective } = await family(
      100,
      [
        { low: 20, usage: 60 },
        { low: 50, usage: 0 },
      ],
      knob,
    );
    const before = walk();
    expect(before[1]).toBe(0);
    expect(walk(parent)[0]).toBe(20); // now a first level: declared
    engine.pageCounterUncharge(ids[0]!, L.COUNTER_MEMORY, 60n);
    expect(walk()[0]).toBe(20); // stale: no usage, no new value
    expect(effective(parent)).toBe(100);
  });
});

it('follows the usage of the children in the sums of the parent, and of rmdir', async () => {
  const { machine, engine, parent, ids } = await family(500, [
    { low: 40, usage: 100 },
    { low: 300, usage: 100 },
  ]);
  const sum = () => Number(engine.pageCounterField(parent, L.COUNTER_MEMORY, L.PC_CHILDREN_LOW_USAGE));
  expect(sum()).toBe(140);
  engine.pageCounterUncharge(ids[0]!, L.COUNTER_MEMORY, 70n);
  expect(sum()).toBe(130);
  machine.rmdir(ids[1]!);
  expect(sum()).toBe(30);
});

it('meets the figures of the kernel selftest: 29M, 21M, next to nothing', async () => {
  // tools/testing/selftests/cgroup/memcg_protection.m: the parent has 50M, the children claim 75M, 25M, 0 and 500M and use
  // 50M each but for the last. Reclaim takes a tenth of the unprotected share of each, in steps of 32 pages, until the
  // parent fits in 50M.
  const { engine, ids, walk } = await family(50 * MIB, [
    { low: 75 * MIB, usage: 50 * MIB },
    { low: 25 * MIB, usage: 50 * MIB },
    { low: 0, usage: 50 * MIB },
    { low: 500 * MIB, usage: 0 },
  ]);
  const usage = (id: number) => Number(engine.pageCounterField(id, L.COUNTER_MEMORY, L.PC_USAGE));
  for (let reclaimed = 1, round = 0; reclaimed && round < 1000; round++) {
    const elow = walk();
    const take = ids.map((id, i) => {
      const used = usage(id);
      const share = used === 0 ? 0 : 0.1 * used * (1 - elow[i]! / Math.max(elow[i]!, used));
      return share > 0 ? Math.min(used, Math.ceil(share / 32) * 32) : 0;
    });
    for (const [i, id] of ids.entries()) engine.pageCounterUncharge(id, L.COUNTER_MEMORY, BigInt(take[i]!));
    reclaimed = take.reduce((a, b) => a + b);
  }
  const [a, b, c, d] = ids.map((id) => usage(id) / MIB);
  // The selftest itself allows a few percent.
  expect(Math.abs(a! - 28.78)).toBeLessThan(0.3);
  expect(Math.abs(b! - 21.05)).toBeLessThan(0.3);
  expect(c!).toBeLessThan(0.3);
  expect(d!).toBe(0);
});
