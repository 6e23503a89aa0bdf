/** The snapshot of a cgroup tree, and the owners of pages: what is read, what it adds up to, and what is said of bad input. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { readInitial } from '../../bindings/trace/initial.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { KIND_UNTOLD, readPageOwners } from '../../bindings/trace/page-owners.ts';
import { ownPages } from '../../bindings/trace/warm-start.ts';
import { capture, scratch } from './helpers.ts';

const ROOT = 'id 1 .';
const PAGE = 4096;
const stat = (path: string, values: Record<string, number>) =>
  Object.entries(values).map(([name, value]) => `${path}/memory.stat:${name} ${value}`);

/** /a with 100 pages, 30 of them its child's. */
const TREE = [
  ROOT,
  'id 20 ./a',
  'id 31 ./a/b: c',
  'id 40 ./plain',
  './cgroup.procs:1',
  './memory.stat:anon 999999',
  './a/memory.current:409600',
  './a/memory.max:1048576',
  './a/memory.high:max',
  './a/memory.oom.group:1',
  './a/memory.pressure:some avg10=0.00',
  ...stat('./a', {
    anon: 40 * PAGE,
    file: 25 * PAGE,
    shmem: 5 * PAGE,
    kernel: 30 * PAGE,
    pagetables: 6 * PAGE,
    slab: 9000,
  }),
  './a/b: c/memory.current:122880',
  ...stat('./a/b: c', { anon: 10 * PAGE, file: 5 * PAGE, kernel: 12 * PAGE, pagetables: 2 * PAGE, slab: 4097 }),
  './a/b: c/cgroup.procs:7',
  './a/b: c/cgroup.threads:7',
  './a/b: c/cgroup.threads:8',
  './a/b: c/memory.events:max 3',
  './plain/cgroup.procs:9',
];

describe('a snapshot', () => {
  it('is read, parents first, with what is not at its default', async () => {
    const { cgroups, incomplete } = await readInitial(capture(TREE));
    expect(cgroups.map(({ path, id, parent, memory }) => [path, id, parent?.path ?? null, memory])).toEqual([
      ['/', 1, null, true],
      ['/a', 20, '/', true],
      ['/plain', 40, '/', false],
      ['/a/b: c', 31, '/a', true],
    ]);
    expect([...cgroups[1]!.knobs]).toEqual([
      [O.KNOB_MAX, 256],
      [O.KNOB_OOM_GROUP, 1],
    ]);
    expect(cgroups[3]!.pids).toEqual([7, 7, 8]);
    expect(cgroups[3]!.events.get('max')).toBe(3);
    expect(incomplete).toBe(0);
  });

  it('is the same compressed', async () => {
    const path = join(scratch(), 'initial.gz');
    writeFileSync(path, gzipSync(`${TREE.join('\n')}\n`));
    expect((await readInitial(path)).cgroups).toEqual((await readInitial(capture(TREE))).cgroups);
  });

  it('gives each cgroup its own part, and to no kind what no statistic explains', async () => {
    const { own, cut } = ownPages(await readInitial(capture(TREE)));
    expect(cut).toBe(0);
    const [a, b] = own;
    expect(b!.cgroup.path).toBe('/a/b: c');
    // 30 pages: anon 10, file 5, 12 kernel (2 page tables, 4097 bytes in 2 pages, 8 others), 3 in stock
    const amounts = {
      [O.KIND_ANON]: 10,
      [O.KIND_FILE]: 5,
      [O.KIND_PAGETABLE]: 2,
      [O.KIND_KERNEL_OTHER]: 8,
      [O.KIND_STOCK]: 3,
    };
    expect(b!.pages).toEqual(Array.from({ length: 11 }, (_, kind) => amounts[kind] ?? 0));
    expect(b!.bytes).toEqual([
      [O.KIND_SLAB, 4097],
      [O.KIND_PERCPU, 0],
    ]);
    // 70 pages: anon 30, file 15, shmem 5, 18 kernel (4, 4903 bytes in 2, 12), 2 in stock
    expect([
      a!.pages[O.KIND_FILE],
      a!.pages[O.KIND_SHMEM],
      a!.pages[O.KIND_KERNEL_OTHER],
      a!.pages[O.KIND_STOCK],
    ]).toEqual([15, 5, 12, 2]);
  });

  it('always adds up to memory.current, whatever the statistics say', async () => {
    const amount = fc.nat(200_000);
    await fc.assert(
      fc.asyncProperty(
        fc.record({ current: amount, anon: amount, file: amount, shmem: amount, slab: amount, percpu: amount }),
        fc.option(amount),
        async ({ current, ...rest }, kernel) => {
          const lines = [ROOT, 'id 2 ./x', `./x/memory.current:${current}`, ...stat('./x', rest)];
          if (kernel !== null) lines.push(`./x/memory.stat:kernel ${kernel}`);
          const { own, cut } = ownPages(await readInitial(capture(lines)));
          const { pages, bytes } = own[0]!;
          const inBytes = Math.ceil(bytes.reduce((sum, [, n]) => sum + n, 0) / PAGE);
          expect(pages.reduce((sum, n) => sum + n, inBytes)).toBe(Math.floor(current / PAGE));
          expect(Math.min(...pages, cut)).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('leaves out what came or went while it was taken', async () => {
    const { cgroups, incomplete } = await readInitial(
      capture([ROOT, 'id 2 ./a', 'id 3 ./gone', './a/memory.current:0', './new/memory.current:4096']),
    );
    expect(cgroups.map((c) => c.path)).toEqual(['/', '/a']);
    expect(incomplete).toBe(2);
  });

  it.each([
    ['another file', ['# tracer: nop'], ':1: not a line of a cgroup snapshot'],
    ['a listing without the root', ['id 2 ./a', './a/memory.current:1'], ': no line `id NUMBER .` for the root'],
    ['no listing', ['./a/memory.current:1'], ': no cgroup in it'],
    ['no memory controller', [ROOT, 'id 2 ./a', './a/cgroup.procs:1'], ': no memory.current of any cgroup'],
    ['an id that is none', [ROOT, 'id 2x ./a'], ':2: field id: not a cgroup id'],
    ['an id given twice', [ROOT, 'id 2 ./a', 'id 2 ./b'], ':3: id 2 is that of /a already'],
    ['a cgroup given twice', [ROOT, 'id 2 ./a', 'id 3 ./a'], ':3: /a is listed twice'],
    ['a path that leads out', [ROOT, 'id 2 /a'], ':2: "/a" is no path below the cgroup tree'],
    [
      'a number that is none',
      [ROOT, './a/memory.current:-4'],
      ':2: field memory.current: "-4" is not a number of bytes',
    ],
    ['a number beyond 2^53', [ROOT, './a/memory.current:9007199254740993'], ':2: field memory.current'],
    [
      'a number given twice',
      [ROOT, './a/memory.current:1', './a/memory.current:1'],
      ':3: /a: memory.current is given twice',
    ],
    ['a statistic without value', [ROOT, './a/memory.stat:anon'], ':2: field memory.stat: "anon" is not NAME NUMBER'],
    ['a limit that is none', [ROOT, './a/memory.max:lots'], ':2: field memory.max: "lots" is no value'],
    ['a pid that is none', [ROOT, './a/cgroup.procs:99999999'], ':2: field cgroup.procs: "99999999" is not a pid'],
  ])('is refused: %s', async (_what, lines, message) => {
    const path = capture(lines);
    await expect(readInitial(path)).rejects.toThrow(`${path}${message}`);
    await expect(readInitial(path)).rejects.toThrow(InputError);
  });

  it('of random bytes is refused with one line, or read', async () => {
    const line = fc.oneof(
      fc.constantFrom(...TREE),
      fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', '')),
      fc
        .tuple(fc.constantFrom('./a/memory.', 'id ', './', '.'), fc.string({ maxLength: 12 }))
        .map((parts) => parts.join('').replaceAll('\n', '')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
        await readInitial(capture(lines)).then(ownPages, (error: unknown) => {
          expect(error).toBeInstanceOf(InputError);
          expect((error as Error).message).not.toContain('\n');
        });
      }),
      { numRuns: 300 },
    );
  });
});

const ANON = 1 << 12;
const LRU = 1 << 5;
const SWAPBACKED = 1 << 14;
const HEAD = 1 << 15;
const TAIL = 1 << 16;
const PGTABLE = 1 << 26;

function words(values: readonly (number | bigint)[], cut = 0): string {
  const path = join(scratch(), 'words.bin');
  const bytes = Buffer.from(BigUint64Array.from(values.map(BigInt)).buffer);
  writeFileSync(path, bytes.subarray(0, bytes.length - cut));
  return path;
}

async function runs(option: string): Promise<number[][]> {
  const found: number[][] = [];
  (await readPageOwners(option)).forEach((...run) => {
    found.push(run);
  });
  return found;
}

describe('page owners', () => {
  it('are runs of equal folios, of the kind that the flags say', async () => {
    //             0  1  2  3   4  5  6  7   8  9  10 11 12 13 14 15
    const owners = [0, 7, 7, 7, 1, 7, 9, 9, 7, 0, 0, 0, 9, 9, 9, 0];
    const flags = [
      0,
      ANON,
      ANON,
      LRU,
      LRU,
      SWAPBACKED,
      PGTABLE,
      0,
      ANON | HEAD,
      TAIL,
      TAIL,
      TAIL,
      1 << 7,
      1 << 10,
      1 << 20,
      0,
    ];
    expect(await runs(`${words(owners)},${words(flags)}`)).toEqual([
      [1, 2, 7, O.KIND_ANON, 0],
      [3, 1, 7, O.KIND_FILE, 0],
      [5, 1, 7, O.KIND_SHMEM, 0],
      [6, 1, 9, O.KIND_PAGETABLE, 0],
      [7, 1, 9, O.KIND_KERNEL_OTHER, 0],
      [8, 1, 7, O.KIND_ANON, 2],
    ]);
  });

  it('without flags are of an untold kind; an inode number has 64 bits', async () => {
    expect(await runs(words([0, 2n ** 33n + 5n]))).toEqual([[1, 1, 2 ** 33 + 5, KIND_UNTOLD, 0]]);
  });

  it('a compound page larger than the engine has comes in natural blocks', async () => {
    const owners = new Array(3072).fill(0);
    const flags = new Array(3072).fill(TAIL);
    owners[1024] = 7;
    flags.fill(0, 0, 1024);
    flags[1024] = ANON | HEAD;
    flags.fill(0, 2048);
    expect(await runs(`${words(owners)},${words(flags)}`)).toEqual([[1024, 2, 7, O.KIND_ANON, 9]]);
  });

  it.each([
    ['cut within a frame', () => words([0, 7, 7], 3), 'byte 21: cut within a frame'],
    ['of different lengths', () => `${words([0, 7, 7])},${words([0, ANON])}`, 'ends at frame 2, before'],
    ['of nobody', () => words([0, 0, 1]), 'no frame in it belongs to a cgroup'],
    ['with a third file', () => 'a,b,c', '--page-owners a,b,c: not KPAGECGROUP'],
    ['that are not there', () => '/nonexistent', '/nonexistent'],
  ])('are refused: %s', async (_what, option, message) => {
    const reading = readPageOwners(option());
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(InputError);
  });

  it('of random words are refused with one line, or read within the frames that there are', async () => {
    const word = fc.oneof(fc.constantFrom(0, 7, ANON, HEAD | ANON, TAIL, LRU), fc.nat(2 ** 27));
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 60 }),
        fc.array(word, { minLength: 60, maxLength: 60 }),
        async (o, f) => {
          const option = `${words(o)},${words(f.slice(0, o.length))}`;
          await runs(option).then(
            (found) => {
              for (const [pfn, count, , , order] of found) {
                expect(pfn! % 2 ** order!).toBe(0);
                expect(pfn! + count! * 2 ** order!).toBeLessThanOrEqual(o.length);
              }
            },
            (error: unknown) => expect((error as Error).message).toMatch(/^\S+words\.bin: no frame/),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});
