/**
 * The canary: the engine is broken on purpose, and the test is that the tests see it. First its memory, word by word, against the
 * audit; then its calls and its constants, against the very property that the sound engine passes.
 */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { EngineExports } from '../../bindings/engine/engine.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import type { Sabotage } from './pair.ts';
import { regionAt } from './peek.ts';
import { modelProperty } from './property.ts';

// ------------------------------------------------------------------------------------------------ memory

const ONE = 2; // the first cgroup below the root
const OTHER = 3; // its sibling
const FREED = 30; // a frame that was charged, and is not any more

/** A machine that holds something of everything. */
async function full(): Promise<Machine> {
  const machine = await Machine.boot({ pages: 1024, cgroups: 8, tasks: 8, cpus: 2, swap: 8 });
  const { engine } = machine;
  const one = machine.mkdir('/one');
  machine.mkdir('/other');
  const task = machine.spawn(one);
  machine.writeKnob(one, O.KNOB_MIN, 50n);
  machine.writeKnob(one, O.KNOB_LOW, 5000n);
  for (let frame = 1; frame <= 500; frame++) engine.chargeFolio(task, 0, 0, frame, 0, O.KIND_ANON, O.GFP_KERNEL);
  engine.chargeFolio(task, 0, 0, 512, 3, O.KIND_FILE, O.GFP_KERNEL);
  engine.chargeFolio(task, 1, OTHER, 600, 0, O.KIND_FILE, O.GFP_KERNEL);
  engine.chargeKmemPages(task, 0, 700, 1, O.KIND_KERNEL_STACK, O.GFP_KERNEL);
  engine.chargeObject(task, 0, 1000, O.KIND_SLAB, O.GFP_KERNEL);
  engine.chargeObject(task, 1, 1000, O.KIND_PERCPU, O.GFP_KERNEL);
  engine.chargeSock(0, OTHER, 5, O.GFP_KERNEL);
  engine.warmCharge(ONE, O.KIND_FILE, 20);
  engine.warmCharge(ONE, O.KIND_PAGETABLE, 7);
  engine.warmCharge(OTHER, O.KIND_STOCK, 9);
  engine.swapOut(1, 2);
  engine.uncharge(task, 0, FREED);
  // A list that came and went leaves free chunks.
  for (let frame = 801; frame <= 1000; frame++) engine.chargeFolio(task, 0, OTHER, frame, 0, O.KIND_ANON, O.GFP_KERNEL);
  for (let frame = 801; frame <= 1000; frame++) engine.uncharge(task, 0, frame);
  engine.chargeFolio(task, 0, 0, 1001, 0, O.KIND_ANON, O.GFP_KERNEL);
  engine.uncharge(task, 0, 1001); // … and an open batch
  return machine;
}

/** Reads and writes words of records. */
class Words {
  readonly #view: DataView;
  readonly machine: Machine;
  constructor(machine: Machine) {
    this.machine = machine;
    this.#view = new DataView(machine.memory.buffer);
  }
  at(region: number, stride: number, id: number, field: number): number {
    return regionAt(this.machine, region) + stride * id + field;
  }
  get(at: number): number {
    return this.#view.getUint32(at, true);
  }
  set(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  add(at: number, delta: number): void {
    this.set(at, this.get(at) + delta);
  }
  counter = (memcg: number, which: number, field: number) =>
    this.at(L.R_COUNTER, L.COUNTER_STRIDE, memcg * L.NR_COUNTERS + which, field);
  folio = (frame: number, field: number) => this.at(L.R_FOLIO, L.FOLIO_STRIDE, frame, field);
  cpu = (field: number, id = 0) => this.at(L.R_CPU, L.CPU_STRIDE, id, field);
  objcg = (field: number) => this.at(L.R_OBJCG, L.OBJCG_STRIDE, ONE, field);
  stat = (row: number) => this.at(L.R_STAT, L.STAT_STRIDE, ONE, row * 8);
  list = (field: number, list = L.LRU_INACTIVE_ANON) =>
    this.at(L.R_LIST, L.LIST_STRIDE, ONE * L.NR_LRU_LISTS + list, field);
  unseen = (memcg: number, kind: number) => this.at(L.R_MEMCG, L.MEMCG_STRIDE, memcg, L.MEMCG_UNSEEN + 4 * kind);
  chunk = (id: number, field: number) => this.at(L.R_CHUNK, L.CHUNK_STRIDE, id, field);
  task = (field: number) => this.at(L.R_TASK, L.TASK_STRIDE, 1, field);
  /** Log position of a stale entry of a frame. */
  staleEntry(frame: number): number {
    const log = regionAt(this.machine, L.R_LOG);
    for (let position = L.CHUNK_ENTRIES; ; position++) if (this.get(log + 4 * position) === frame) return position;
  }
}

const MEMORY: [name: string, flip: (w: Words) => void, named: string][] = [
  ['a usage one too high', (w) => w.add(w.counter(ONE, L.COUNTER_MEMORY, L.PC_USAGE), 1), 'memory usage'],
  ['a usage one too low', (w) => w.add(w.counter(OTHER, L.COUNTER_MEMORY, L.PC_USAGE), -1), 'memory usage'],
  ['the usage of the root', (w) => w.add(w.counter(1, L.COUNTER_MEMORY, L.PC_USAGE), 64), 'memory usage'],
  ['a swap usage', (w) => w.add(w.counter(ONE, L.COUNTER_SWAP, L.PC_USAGE), 1), 'swap usage'],
  ["a folio's owner", (w) => w.set(w.folio(7, L.FOLIO_CHARGE), OTHER << L.CHARGE_OWNER_SHIFT), 'memory usage'],
  ["a folio's order", (w) => w.add(w.folio(512, L.FOLIO_CHARGE), 1 << L.CHARGE_ORDER_SHIFT), 'memory usage'],
  ["a folio's kind", (w) => w.add(w.folio(7, L.FOLIO_STATE), O.KIND_SHMEM), 'statistic'],
  ['a lost folio', (w) => w.set(w.folio(7, L.FOLIO_CHARGE), 0), 'memory usage'],
  ['a lost kernel page', (w) => w.set(w.folio(700, L.FOLIO_CHARGE), 0), 'bytes of an objcg'],
  ['a page lost from a stock', (w) => w.add(w.cpu(L.STOCK_PAGES, 1), -1), 'memory usage'],
  ['a stock that changed hands', (w) => w.set(w.cpu(L.STOCK_MEMCG, 1), ONE), 'memory usage'],
  ['a byte more in a byte stock', (w) => w.add(w.cpu(L.OBJ_STOCK_BYTES), 1), 'bytes of an objcg'],
  ['a page more in a byte stock', (w) => w.add(w.cpu(L.OBJ_STOCK_BYTES, 1), 4096), 'kernel memory'],
  ['a byte more left over', (w) => w.add(w.objcg(L.OBJCG_CHARGED_BYTES), 1), 'bytes of an objcg'],
  ['a page more left over', (w) => w.add(w.objcg(L.OBJCG_CHARGED_BYTES), 4096), 'kernel memory'],
  ['a page more on the ledger', (w) => w.add(w.objcg(L.OBJCG_PAGES), 1), 'bytes of an objcg'],
  ['live bytes', (w) => w.add(w.objcg(L.OBJCG_BYTES), 4096), 'kernel memory'],
  ['a statistic of user pages', (w) => w.add(w.stat(L.STAT_ANON), 1), 'statistic'],
  ['a statistic of bytes', (w) => w.add(w.stat(L.STAT_SLAB), 8), 'statistic'],
  ['a statistic of kernel pages', (w) => w.add(w.stat(L.STAT_KERNEL_STACK), 1), 'statistic'],
  ['kernel memory', (w) => w.add(w.stat(L.STAT_KMEM), 1), 'memory usage'],
  ['socket buffers', (w) => w.add(w.stat(L.STAT_SOCK), 1), 'memory usage'],
  ['an unseen page of a user', (w) => w.add(w.unseen(ONE, O.KIND_FILE), 1), 'memory usage'],
  ['an unseen page of the kernel', (w) => w.add(w.unseen(ONE, O.KIND_PAGETABLE), -1), 'bytes of an objcg'],
  ['a page of a stock from before', (w) => w.add(w.unseen(OTHER, O.KIND_STOCK), -1), 'memory usage'],
  ['a swap slot without owner', (w) => w.set(w.at(L.R_SWAP, 4, 2, 0), 0), 'swap usage'],
  ['an open batch', (w) => w.add(w.task(L.GATHER_PAGES), 1), 'memory usage'],
  ['what a child protects', (w) => w.add(w.counter(ONE, L.COUNTER_MEMORY, L.PC_MIN_USAGE), 1), 'protection'],
  ['the sum over the children', (w) => w.add(w.counter(1, L.COUNTER_MEMORY, L.PC_CHILDREN_LOW_USAGE), 1), 'protection'],
  ['a peak below the usage', (w) => w.set(w.counter(ONE, L.COUNTER_MEMORY, L.PC_WATERMARK), 1), 'watermark'],
  [
    'the tasks of a cgroup',
    (w) => w.add(w.at(L.R_MEMCG, L.MEMCG_STRIDE, ONE, L.MEMCG_NR_TASKS), 1),
    'tasks of a cgroup',
  ],
  ['the folios of a list', (w) => w.add(w.list(L.LIST_LIVE), 1), 'list size'],
  ['the pages of a list', (w) => w.add(w.list(L.LIST_PAGES, L.LRU_INACTIVE_FILE), 1), 'list pages'],
  ['a folio off its list', (w) => w.set(w.folio(7, L.FOLIO_POSITION), 0), 'list size'],
  [
    'a folio that says another list',
    (w) => w.add(w.folio(7, L.FOLIO_STATE), 1 << L.STATE_LIST_SHIFT),
    'owner on a list',
  ],
  ['a stale entry made valid', (w) => w.set(w.folio(FREED, L.FOLIO_POSITION), w.staleEntry(FREED)), 'owner on a list'],
  ['a folio that claims to be listed', (w) => w.set(w.folio(700, L.FOLIO_POSITION), 1), 'folios on lists'],
  ['a lost free chunk', (w) => w.set(L.HEADER + L.H_FREE_CHUNK, 0), 'log chunks'],
  [
    'a list that is shorter backwards',
    (w) => {
      const head = w.get(w.list(L.LIST_HEAD)) >> L.CHUNK_SHIFT;
      w.set(w.chunk(head, 4), w.get(w.list(L.LIST_TAIL)) >> L.CHUNK_SHIFT);
    },
    'list order',
  ],
];

describe('the audit names', () => {
  it.each(MEMORY)('%s', async (_name, flip, named) => {
    const machine = await full();
    expect(machine.audit()).toBeNull();
    flip(new Words(machine));
    expect(machine.audit()?.what).toBe(named);
  });
});

// ------------------------------------------------------------------------------------------------ calls and constants

/** Every `n`th call of `name` is answered as if it had been done, and is not. */
function drops(name: keyof EngineExports, n: number): Sabotage {
  return ({ engine }) => {
    let calls = 0;
    // A copy: a proxy may not answer for what is read-only in its target.
    return new Proxy(
      { ...engine },
      {
        get: (target, key) => {
          const real = target[key as keyof EngineExports] as (...args: unknown[]) => unknown;
          return key === name ? (...args: unknown[]) => (++calls % n === 0 ? 0 : real(...args)) : real;
        },
      },
    );
  };
}

const wasm = await readFile(new URL('../../build/engine.wasm', import.meta.url));

const I32 = 0x41;
const I64 = 0x42;

/** Signed LEB128, as a constant stands in the binary; longer than need be when `length` says so. */
function leb(value: bigint, length = 0): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const last = length <= 1 && (low & 64 ? rest === -1n : rest === 0n);
  return last ? [low] : [low | 128, ...leb(rest, length - 1)];
}

/** The release binary with one constant changed wherever it stands. */
function patched(opcode: number, value: bigint, instead: bigint): Sabotage {
  const from = [opcode, ...leb(value)];
  const to = [opcode, ...leb(instead, from.length - 1)];
  const bytes = Uint8Array.from(wasm);
  let found = 0;
  for (let i = 0; i + from.length <= bytes.length; i++) {
    if (!from.every((byte, j) => bytes[i + j] === byte)) continue;
    bytes.set(to, i);
    found++;
  }
  if (found === 0) throw new Error('the constant is not in the binary');
  const module = new WebAssembly.Module(bytes);
  return async ({ memory }) => {
    const engine = (await WebAssembly.instantiate(module, { env: { memory } })).exports as unknown as EngineExports;
    engine.attach(0);
    return engine;
  };
}

const SABOTAGE: [name: string, sabotage: Sabotage, kernel: Kernel][] = [
  ['drops every 50th uncharge', drops('uncharge', 50), '6.18'],
  ['drops every 10th object given back', drops('unchargeObject', 10), '6.1'],
  ['drops every 3rd flush of a batch', drops('unchargeFlush', 3), '6.18'],
  ['drops every 5th drain', drops('drainAllStock', 5), '6.18'],
  ['forgets every 3rd rotation', drops('lruRotate', 3), '6.1'],
  ['forgets every 5th swap slot', drops('swapFree', 5), '6.18'],
  ['forgets every 5th attach', drops('attachTask', 5), '6.18'],
  ['forgets every 5th charge from before', drops('warmCharge', 5), '6.18'],
  ['forgets every 5th page given back that was never seen', drops('warmUncharge', 5), '6.1'],
  ['never runs a kworker', drops('advance', 1), '6.18'],
  ['takes batches of 63 pages', patched(I64, 64n, 63n), '6.18'],
  ['keeps at most 63 pages in a stock', patched(I32, 64n, 63n), '6.1'],
  ['cuts bytes to pages with a mask of 4094', patched(I32, 4095n, 4094n), '6.18'],
  ['drains remote CPUs a nanosecond late', patched(I64, 400_000n, 400_001n), '6.1'],
  [
    'chooses by another generator',
    patched(I64, BigInt.asIntN(64, 0xbf58476d1ce4e5b9n), BigInt.asIntN(64, 0xbf58476d1ce4e5bbn)),
    '6.18',
  ],
];

describe('the property fails when the engine', () => {
  it.each(SABOTAGE)('%s', async (_name, sabotage, kernel) => {
    const check = await fc.check(modelProperty(kernel, 'release', sabotage), {
      numRuns: 300,
      seed: 1,
      endOnFailure: true,
    });
    expect(check.failed).toBe(true);
    // It failed on a difference, not because the sabotage could not even be run.
    expect((check.errorInstance as Error).name).toMatch(/AssertionError|RuntimeError/);
    expect(check.numRuns).toBeGreaterThan(0);
  });

  it('… and passes, run just so, when it is whole', async () => {
    const whole = drops('uncharge', Number.POSITIVE_INFINITY);
    for (const kernel of ['6.18', '6.1'] as const) {
      const check = await fc.check(modelProperty(kernel, 'release', whole), {
        numRuns: 300,
        seed: 1,
        endOnFailure: true,
      });
      expect(check.failed).toBe(false);
    }
  });
});
