/** The memory map: what lies where, what fits, and what is said when something does not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { GFP_KERNEL, KIND_ANON } from '../../assembly/replay/ops.ts';
import {
  type Capacities,
  CapacityError,
  checkCapacities,
  memoryMap,
  memorySize,
  REGION_NAMES,
} from '../../bindings/engine/capacities.ts';
import { createMemory } from '../../bindings/engine/engine.ts';
import { EngineError, Machine } from '../../bindings/machine.ts';

const LEAST: Capacities = {
  pages: 1,
  cgroups: 1,
  tasks: 1,
  cpus: 1,
  workers: 1,
  swap: 0,
  watch: 0,
  objects: 0,
  maps: 0,
  nodes: 0,
  kills: 0,
  ring: 0,
  policies: 0,
  observe: 0,
};
const GIB = 2 ** 30;

const capacities: fc.Arbitrary<Capacities> = fc.record({
  pages: fc.integer({ min: 1, max: 120_000_000 }),
  cgroups: fc.integer({ min: 1, max: 200_000 }),
  tasks: fc.integer({ min: 1, max: 2_000_000 }),
  cpus: fc.integer({ min: 1, max: 512 }),
  workers: fc.integer({ min: 1, max: 64 }),
  swap: fc.nat(50_000_000),
  watch: fc.nat(1_000_000),
  objects: fc.nat(1_000_000),
  maps: fc.nat(1_000_000),
  nodes: fc.nat(3_000_000),
  kills: fc.nat(100_000),
  ring: fc.nat(1_000_000),
  policies: fc.nat(1),
  observe: fc.nat(100_000),
});

function draw(c: Capacities): string {
  const row = (name: string, offset: number, size: number) =>
    `${offset.toString(16).padStart(8)}  ${name.padEnd(8)} ${String(size).padStart(8)}`;
  return memoryMap(c)
    .map((r) => row(r.name, r.offset, r.size))
    .join('\n');
}

it('draws the map', () => {
  const c: Capacities = {
    pages: 1000,
    cgroups: 10,
    tasks: 20,
    cpus: 2,
    workers: 2,
    swap: 50,
    watch: 8,
    objects: 3,
    maps: 4,
    nodes: 5,
    kills: 2,
    ring: 6,
    policies: 1,
    observe: 7,
  };
  expect(draw(c)).toMatchInlineSnapshot(`
    "     400  header       3072
        1000  columns    673024
       a5500  cpu           512
       a5700  counter      5632
       a6d00  memcg        1408
       a7280  objcg         352
       a7400  event        2816
       a7f00  list         1760
       a8600  task         2816
       a9100  stat        11264
       abd00  chunk        1800
       ac480  swap          204
       ac580  folio       16016
       b0480  log        115200
       cc680  watch         384
       cc800  audit        1848
       ccf80  object        128
       cd000  mm           2816
       cdb00  map           240
       cdc00  node         1536
       ce200  nodeuse        24
       ce280  place        8008
       d0200  lruvec        704
       d0500  shadow      32016
       d8280  slot          408
       d8480  folioslot     4004
       d9480  slotcache      520
       d9700  inode         288
       d9880  write        4004
       da880  reader     655360
      17a880  psi          1056
      17ad00  psicpu       1056
      17b180  psitask      1344
      17b700  kill         4224
      17c780  ring          240
      17c880  lock          120
      17c900  locked       4004
      17d900  lru_add       256
      17da00  shrink       1408
      17df80  huge           64
      17e000  node_owner       24
      17e080  bond          512
      17e280  policy_memcg     4928
      17f600  loop_worker   278608
      1c3680  users        4004
      1c4680  user_set    98984
      1dc980  cross      131104"
  `);
});

it('holds regions that do not overlap, in order, on lines of their own, whatever the capacities', () => {
  fc.assert(
    fc.property(capacities, (c) => {
      const map = memoryMap(c);
      expect(map.map((r) => r.name)).toEqual(['header', 'columns', ...REGION_NAMES]);
      expect(REGION_NAMES.length).toBe(L.NR_REGIONS);
      let end = L.HEADER;
      for (const { offset, size } of map) {
        expect(offset).toBeGreaterThanOrEqual(end);
        expect(offset - end).toBeLessThan(L.LINE);
        expect(offset % L.LINE).toBe(0);
        end = offset + size;
      }
      expect(memorySize(c)).toBeGreaterThanOrEqual(end);
    }),
    { numRuns: 500 },
  );
});

it('stages columns of 16384 rows that do not overlap, on lines of their own', () => {
  const columns = [
    [L.COLUMN_TS, 8],
    [L.COLUMN_INDEX, 8],
    [L.COLUMN_TASK, 4],
    [L.COLUMN_CGROUP, 4],
    [L.COLUMN_OBJECT, 4],
    [L.COLUMN_COUNT, 4],
    [L.COLUMN_FLAGS, 4],
    [L.COLUMN_CPU, 2],
    [L.COLUMN_GFP, 2],
    [L.COLUMN_OP, 1],
  ] as const;
  let end = L.HEADER_END;
  for (const [offset, width] of columns) {
    expect(offset).toBeGreaterThanOrEqual(end);
    expect(offset % L.LINE).toBe(0);
    end = offset + width * L.COLUMN_ROWS;
  }
  expect(L.COLUMNS_END).toBeGreaterThanOrEqual(end);
  expect(L.CPU_BASE).toBe(L.COLUMNS_END);
});

it('makes a memory that holds the map, with less than a wasm page to spare', () => {
  const c = { ...LEAST, pages: 5000, cgroups: 100, watch: 10 };
  const size = createMemory(c, L.KERNEL_6_18, 0).buffer.byteLength;
  expect(size).toBeGreaterThanOrEqual(memorySize(c));
  expect(size - memorySize(c)).toBeLessThan(L.WASM_PAGE);
});

describe('4 GiB', () => {
  it.each([
    ['100 M pages', { pages: 100_000_000, cgroups: 1000, tasks: 10_000 }],
    ['100 k cgroups', { cgroups: 100_000, pages: 1_000_000, tasks: 10_000 }],
    ['1 M tasks', { tasks: 1_000_000, pages: 1_000_000, cgroups: 1000 }],
  ])('hold %s', (_name, large) => {
    const c = { ...LEAST, cpus: 2, ...large };
    expect(memorySize(c)).toBeLessThanOrEqual(4 * GIB);
    expect(() => checkCapacities(c)).not.toThrow();
  });

  it.each([
    ['folio', { pages: 200_000_000 }],
    ['stat', { cgroups: 200_000, workers: 200 }],
    ['task', { tasks: 40_000_000 }],
    ['swap', { swap: 1_100_000_000 }],
    ['watch', { watch: 100_000_000 }],
  ])('do not hold more; the error names the region %s', (name, large) => {
    const check = () => checkCapacities({ ...LEAST, ...large });
    expect(check).toThrow(CapacityError);
    expect(check).toThrow(`the largest region is '${name}'`);
  });

  it('are refused before anything is allocated', async () => {
    await expect(Machine.boot({ pages: 300_000_000 })).rejects.toThrow(CapacityError);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32])('pages: %s is no capacity', (pages) => {
    expect(() => checkCapacities({ ...LEAST, pages })).toThrow('capacity pages');
  });
});

it('keeps the hot words of a folio in 16 bytes, four folios to a 64-byte cache line', () => {
  const fields = [L.FOLIO_CHARGE, L.FOLIO_POSITION, L.FOLIO_STATE, L.FOLIO_WAITER];
  expect(fields).toEqual([0, 4, 8, 12]);
  expect(L.FOLIO_STRIDE).toBe(16);
});

it('keeps what charges write and what they only read on separate lines', () => {
  const written = [L.PC_USAGE, L.PC_WATERMARK, L.PC_LOCAL_WATERMARK];
  const read = [L.PC_MAX, L.PC_PARENT, L.PC_PROTECTED];
  for (const field of written) expect(Math.floor(field / L.LINE)).toBe(0);
  for (const field of read) expect(Math.floor(field / L.LINE)).toBe(1);
  expect(L.COUNTER_STRIDE % L.LINE).toBe(0);
  expect(L.CPU_STRIDE % L.LINE).toBe(0);
});

describe('a full table', () => {
  const boot = () => Machine.boot({ pages: 64, cgroups: 3, tasks: 2, cpus: 1, swap: 4 });

  it('of cgroups is ENOSPC and names the capacity', async () => {
    const machine = await boot();
    machine.mkdir('/a');
    machine.mkdir('/b');
    expect(() => machine.mkdir('/c')).toThrow(EngineError);
    expect(() => machine.mkdir('/c')).toThrow(/ENOSPC.*raise capacity cgroups \(now 3\)/);
    expect(machine.audit()).toBeNull();
  });

  it('of tasks is ENOSPC and names the capacity', async () => {
    const machine = await boot();
    machine.spawn();
    machine.spawn();
    expect(() => machine.spawn()).toThrow(/ENOSPC.*raise capacity tasks \(now 2\)/);
    expect(machine.engine.fork(1, 3, 0)).toBe(-28);
    expect(machine.audit()).toBeNull();
  });

  it('of frames and slots is ERANGE', async () => {
    const { engine, ...machine } = await boot().then((m) => ({ engine: m.engine, task: m.spawn() }));
    const charge = (frame: number, order = 0) =>
      engine.chargeFolio(machine.task, 0, 0, frame, order, KIND_ANON, GFP_KERNEL);
    expect(charge(64)).toBe(0);
    expect(charge(65)).toBe(-34);
    expect(charge(0)).toBe(-34);
    expect(charge(0xffff_ffff)).toBe(-34);
    expect(charge(60, 3)).toBe(-34); // begins inside, ends outside
    expect(charge(32, 10)).toBe(-34); // no such order
    expect(engine.uncharge(machine.task, 0, 65)).toBe(-34);
    expect(engine.swapOut(64, 5)).toBe(-34);
    expect(engine.swapOut(64, 4)).toBe(0);
    expect(engine.chargeFolio(machine.task, 1, 0, 1, 0, KIND_ANON, GFP_KERNEL)).toBe(-34); // no such CPU
    expect(engine.chargeFolio(9, 0, 0, 1, 0, KIND_ANON, GFP_KERNEL)).toBe(-3);
  });
});

it('lets large folios begin only where they are aligned, and nothing inside them', async () => {
  const machine = await Machine.boot({ pages: 1100, cgroups: 2, tasks: 2, cpus: 1, swap: 1 });
  const task = machine.spawn(machine.mkdir('/a'));
  const charge = (frame: number, order: number) =>
    machine.engine.chargeFolio(task, 0, 0, frame, order, KIND_ANON, GFP_KERNEL);
  expect(charge(9, 1)).toBe(-22);
  expect(charge(512, 9)).toBe(0);
  for (const frame of [512, 513, 640, 1023]) expect(charge(frame, 0), `frame ${frame}`).toBe(-16);
  expect(charge(1024, 4)).toBe(0);
  expect(charge(511, 0)).toBe(0);
  expect(charge(510, 1)).toBe(-16);
  expect(machine.engine.migrate(1024, 1032)).toBe(-22);
  expect(machine.audit()).toBeNull();
});
