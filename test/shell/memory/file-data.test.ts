/** Contents against a plain array of bytes, and the engine's audit after every step. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ops } from '../../../bindings/index.ts';
import { areZeros, zeros } from '../../../bindings/shell/kernel/devices.ts';
import { SyscallError } from '../../../bindings/shell/kernel/error.ts';
import { FileData } from '../../../bindings/shell/kernel/file-data.ts';
import { Ranges } from '../../../bindings/shell/kernel/ranges.ts';
import { SparseBytes } from '../../../bindings/shell/kernel/sparse-bytes.ts';
import { type Caller, PAGE_SIZE } from '../../../bindings/shell/kernel/vfs.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';
import { inBody } from './in-body.ts';

const SPAN = 40 * PAGE_SIZE;

type Step =
  | { do: 'write'; at: number; length: number; seed: number }
  | { do: 'zeros'; at: number; length: number }
  | { do: 'read'; at: number; length: number }
  | { do: 'truncate'; size: number }
  | { do: 'punch'; at: number; length: number }
  | { do: 'fallocate'; at: number; length: number; keepSize: boolean }
  | { do: 'sync' };

const at = fc.oneof(
  fc.nat(SPAN),
  fc.nat(40).map((page) => page * PAGE_SIZE),
);
const length = fc.oneof(
  fc.integer({ min: 1, max: 3 * PAGE_SIZE }),
  fc.nat(8).map((pages) => (pages + 1) * PAGE_SIZE),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('write' as const), at, length, seed: fc.nat(250) }),
  fc.record({ do: fc.constant('zeros' as const), at, length }),
  fc.record({ do: fc.constant('read' as const), at, length }),
  fc.record({ do: fc.constant('truncate' as const), size: at }),
  fc.record({ do: fc.constant('punch' as const), at, length }),
  fc.record({ do: fc.constant('fallocate' as const), at, length, keepSize: fc.boolean() }),
  fc.record({ do: fc.constant('sync' as const) }),
);

/** The bytes that a plain file would have, and which of its pages exist. */
class PlainModel {
  bytes = new Uint8Array(2 * SPAN);
  size = 0;
  readonly pages = new Set<number>();
  touch(from: number, to: number): void {
    for (let page = Math.floor(from / PAGE_SIZE); page * PAGE_SIZE < to; page++) this.pages.add(page);
  }
  write(offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset);
    this.touch(offset, offset + bytes.length);
    this.size = Math.max(this.size, offset + bytes.length);
  }
  truncate(size: number): void {
    if (size < this.size) {
      this.bytes.fill(0, size);
      for (const page of this.pages) if (page * PAGE_SIZE >= size) this.pages.delete(page);
    }
    this.size = size;
  }
  punch(offset: number, count: number): void {
    this.bytes.fill(0, offset, offset + count);
    for (const page of this.pages)
      if (page * PAGE_SIZE >= offset && (page + 1) * PAGE_SIZE <= offset + count) this.pages.delete(page);
  }
}

function apply(data: FileData, model: PlainModel, caller: Caller, one: Step): void {
  switch (one.do) {
    case 'write': {
      const bytes = Uint8Array.from({ length: one.length }, (_, i) => (one.seed + i * 7) & 255);
      expect(data.write(caller, one.at, bytes)).toBe(one.length);
      model.write(one.at, bytes);
      return;
    }
    case 'zeros':
      expect(data.write(caller, one.at, zeros(one.length))).toBe(one.length);
      model.write(one.at, new Uint8Array(one.length));
      return;
    case 'read': {
      const expected = model.bytes.subarray(one.at, Math.max(one.at, Math.min(model.size, one.at + one.length)));
      expect(Buffer.compare(data.read(caller, one.at, one.length), expected)).toBe(0);
      return;
    }
    case 'truncate':
      data.truncate(caller, one.size);
      model.truncate(one.size);
      return;
    case 'punch':
      data.punch(caller, one.at, one.length);
      model.punch(one.at, one.length);
      return;
    case 'fallocate':
      data.fallocate(caller, one.at, one.length, one.keepSize);
      model.touch(one.at, one.at + one.length);
      if (!one.keepSize) model.size = Math.max(model.size, one.at + one.length);
      return;
    case 'sync':
      data.fsync(caller);
  }
}

describe.each(['shmem', 'file'] as const)('FileData of %s', (type) => {
  let world: World;
  beforeAll(async () => {
    world = await World.boot({ kernel: '6.1', swap: 0 });
  });

  it('has the bytes, the size and the pages of a plain file, and adds up', async () => {
    await inBody(world, '/', async (caller) => {
      await fc.assert(
        fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
          let used = 0;
          const space = {
            available: () => 1000 - used,
            use: (blocks: number) => {
              used += blocks;
            },
          };
          const data = new FileData(world.kernel, type, type === 'file' ? { space } : {});
          const model = new PlainModel();
          for (const one of steps) {
            apply(data, model, caller, one);
            expect(data.size).toBe(model.size);
            expect(data.pages).toBe(model.pages.size);
          }
          expect(Buffer.compare(data.read(caller, 0, 2 * SPAN), model.bytes.subarray(0, model.size))).toBe(0);
          expect(world.machine.audit()).toBeNull();
          data.evict();
          expect(used).toBe(0);
          expect(world.machine.audit()).toBeNull();
        }),
        { numRuns: 150 },
      );
    });
  }, 60_000);
});

describe('sparse bytes', () => {
  it('keep nothing of zeros that come from the shared buffer, and give it back', () => {
    const bytes = new SparseBytes();
    bytes.write(0, zeros(1 << 20));
    bytes.write(0, zeros(4 << 20));
    bytes.write(0, zeros(10));
    expect(bytes.kept).toBe(0);
    expect(areZeros(bytes.read(5, 1000))).toBe(true);
    expect(areZeros(new Uint8Array(10))).toBe(false);
    bytes.write(PAGE_SIZE - 2, Uint8Array.of(1, 2, 3, 4));
    expect(bytes.kept).toBe(2);
    expect([...bytes.read(PAGE_SIZE - 3, 6)]).toEqual([0, 1, 2, 3, 4, 0]);
    bytes.write(0, zeros(2 * PAGE_SIZE));
    expect(bytes.kept).toBe(0);
  });
});

describe('ranges', () => {
  it('are a set of numbers', () => {
    const range = fc.tuple(fc.nat(60), fc.nat(20)).map(([from, length]) => ({ from, to: from + length }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), range)),
        fc.nat(70),
        fc.nat(30),
        fc.nat(80),
        (steps, from, room, most) => {
          const ranges = new Ranges();
          const set = new Set<number>();
          for (const [adds, { from: a, to: b }] of steps) {
            const before = set.size;
            for (let i = a; i < b; i++) adds ? set.add(i) : set.delete(i);
            expect(Math.abs(adds ? ranges.add(a, b) : ranges.remove(a, b))).toBe(Math.abs(set.size - before));
            expect(ranges.size).toBe(set.size);
          }
          for (let i = 0; i < 85; i++) expect(ranges.has(i)).toBe(set.has(i));
          let reached = from;
          for (let left = room; reached < most && (set.has(reached) || left-- > 0); ) reached++;
          expect(ranges.reach(from, Math.max(from, most), room)).toBe(reached);
        },
      ),
      { numRuns: 500 },
    );
  });
});

it('a refused charge ends a write where it is, and the next says why', async () => {
  const world = await World.boot({ kernel: '6.1', swap: 0 });
  const { machine } = world;
  await inBody(world, '/job', async (caller, cgroup) => {
    // Nobody may be killed: the process is out of the killer's reach.
    machine.setOomScoreAdj(caller.task, -1000);
    machine.writeKnob(cgroup, ops.KNOB_SWAP_MAX, 0n);
    machine.writeKnob(cgroup, ops.KNOB_MAX, 1000n);
    const data = new FileData(world.kernel, 'shmem');
    const block = zeros(256 * PAGE_SIZE);
    let offset = 0;
    for (let i = 0; i < 3; i++) offset += data.write(caller, offset, block);
    const rest = data.write(caller, offset, block);
    expect(rest).toBeLessThan(block.length);
    expect(rest % PAGE_SIZE).toBe(0);
    expect(data.size).toBe(offset + rest);
    expect(() => data.write(caller, data.size, block)).toThrow(new SyscallError('ENOMEM'));
    expect(machine.figures(cgroup)['memory.stat'].shmem).toBe(data.size);
    data.evict();
    expect(machine.audit()).toBeNull();
  });
});
