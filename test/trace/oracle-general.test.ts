/** Cache traces of libCacheSim, binary and CSV; the table of their objects. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ObjectRanges } from '../../bindings/trace/object-ranges.ts';
import { importBytes, refusal, survive } from './tables.ts';

type Access = [time: number, id: bigint, size: number];

function oracle(accesses: readonly Access[]): Buffer {
  const bytes = Buffer.alloc(24 * accesses.length);
  accesses.forEach(([time, id, size], i) => {
    bytes.writeUInt32LE(time, i * 24);
    bytes.writeBigUInt64LE(id, i * 24 + 4);
    bytes.writeUInt32LE(size, i * 24 + 12);
    bytes.writeBigInt64LE(-1n, i * 24 + 16);
  });
  return bytes;
}

const SOME: Access[] = [
  [10, 7n, 5000],
  [10, 2n ** 63n, 1],
  [12, 7n, 4097],
  [13, 2n ** 63n, 4097],
  [13, 7n, 0],
];
const SOME_ROWS = [
  ['mkdir', '/cache'],
  ['spawn', 'cache'],
  ['object_new', 'cache'],
  ['file_access', 10, 0, 2],
  ['file_access', 10, 2, 1],
  ['file_access', 12, 0, 2],
  ['truncate', 13, 2, 1],
  ['file_access', 13, 3, 2],
  ['truncate', 13, 1, 1],
  ['file_access', 13, 0, 1],
];
const short = (rows: Awaited<ReturnType<typeof importBytes>>['rows']) =>
  rows.map((row) => (row.name === undefined ? [row.op, row.us / 1e6, row.index ?? 0, row.count] : [row.op, row.name]));

describe('oracle-general', () => {
  test('gives objects their page ranges', async () => {
    const { rows, report } = await importBytes(oracle(SOME), { format: 'oracle-general' });
    expect(short(rows)).toEqual(SOME_ROWS);
    expect(report.ambiguous).toEqual({
      objects: 2,
      'objects that came back larger': 1,
      'objects that came back smaller': 1,
      'accesses of size 0, taken as one page': 1,
    });
  });

  test('goes where --cgroups says', async () => {
    const { rows } = await importBytes(oracle(SOME), { format: 'oracle-general', cgroups: ['*=/x/y'] });
    expect(rows.slice(0, 3).map((row) => [row.op, row.name, row.cgroup])).toEqual([
      ['mkdir', '/x', 2],
      ['mkdir', '/x/y', 3],
      ['spawn', 'cache', 3],
    ]);
  });

  test('is known by content only where there is enough of it', async () => {
    const many = Array.from({ length: 100 }, (_, i): Access => [1000 + i, BigInt(i % 9), 100]);
    expect((await importBytes(oracle(many))).report.format).toBe('oracle-general');
    expect(await refusal(oracle(SOME))).toMatch(/no known format/);
    expect(await refusal(Buffer.alloc(10_000, 0xff))).toMatch(/no known format/);
  });

  test.each([
    [oracle(SOME).subarray(0, 30), 'input: record 2: is cut: 6 of 24 bytes'],
    [Buffer.alloc(0), 'input: no record in it'],
    [
      oracle([SOME[2]!, SOME[0]!]),
      'input: record 2: time goes backwards: 10 s after 12 s (is it an oracleGeneral trace?)',
    ],
  ])('refuses what is damaged', async (bytes, message) => {
    expect(await refusal(bytes, { format: 'oracle-general' })).toBe(message);
  });

  test('a thousand damaged files are read or refused in one line', async () => {
    expect(await survive(oracle(SOME), 1000, { format: 'oracle-general' })).toBeGreaterThan(300);
  }, 60_000);
});

describe('cache-csv', () => {
  const text = (delimiter: string) =>
    SOME.map(([time, id, size]) => ['x', time, 'y', size, id].join(delimiter)).join('\n');
  const columns = 'time-col=2,obj-id-col=5,obj-size-col=4';

  test.each([
    ['delimiter=,,has-header=false', `${text(',')}\n`],
    ['has-header=true,delimiter=;', `a;b;c;d;e\n${text(';')}\n`],
    ['delimiter=tab,obj-id-is-num=true', `${text('\t')}\n`],
  ])('%s gives the same rows', async (more, input) => {
    const { rows } = await importBytes(input, { format: 'cache-csv', columns: [`${columns},${more}`] });
    expect(short(rows)).toEqual(SOME_ROWS);
  });

  test.each([
    ['time-col=2', '--columns: obj-id-col=N is needed for a cache trace'],
    ['time-col=x', '--columns: time-col=x: not the number of a column'],
    ['ts=x', /^--columns: "ts" is no parameter of a cache trace; known: time-col/],
    ['time-col=2,obj-id-col=9,obj-size-col=4', /^input:1: no column "#9"/],
  ])('%s is refused', async (asked, message) => {
    const said = await refusal(`${text(',')}\n`, { format: 'cache-csv', columns: [asked] });
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});

test('page ranges never overlap while they are in use', () => {
  const access = fc.tuple(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => id % 40n ** 2n),
    fc.integer({ min: 1, max: 9 }),
  );
  fc.assert(
    fc.property(fc.array(access, { maxLength: 5000, minLength: 1000 }), (accesses) => {
      const ranges = new ObjectRanges();
      const owner = new Map<number, bigint>();
      const sizes = new Map<bigint, number>();
      for (const [id, pages] of accesses) {
        ranges.access(Number(id & 0xffffffffn), Number(id >> 32n), pages);
        for (let i = 0; i < ranges.oldCount; i++) expect(owner.get(ranges.oldStart + i)).toBe(id);
        for (let i = 0; i < ranges.oldCount; i++) owner.delete(ranges.oldStart + i);
        for (let i = 0; i < pages; i++) {
          const before = owner.get(ranges.start + i);
          if (before !== undefined && before !== id) throw new Error('two objects in one page');
          owner.set(ranges.start + i, id);
        }
        sizes.set(id, pages);
      }
      expect(ranges.size).toBe(sizes.size);
      expect(owner.size).toBe([...sizes.values()].reduce((sum, pages) => sum + pages, 0));
    }),
    { numRuns: 20 },
  );
});
