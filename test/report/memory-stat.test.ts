/** The keys of memory.stat: the kernel's own names in the kernel's own order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { statKeys } from '../../bindings/report/memory-stat.ts';

/** A settled sample has every line of the file, zeros included. */
function kernelsOwn(): string[] {
  const samples = join(import.meta.dirname, '../captures/s01-anon-touch/samples.jsonl.gz');
  for (const line of gunzipSync(readFileSync(samples)).toString().split('\n')) {
    const { label, cgroups } = JSON.parse(line);
    if (label?.includes('settled')) return Object.keys(cgroups['/a'].stat);
  }
  throw new Error('no settled sample');
}

describe('6.1', () => {
  const own = kernelsOwn();

  test.each([
    'recorded',
    'modelled',
  ] as const)('%s: the keys are among those of a real kernel, in its order', (residency) => {
    const names = statKeys('6.1', residency).map(({ name }) => name);
    expect(names).toEqual(own.filter((name) => names.includes(name)));
  });

  test('modelled residency leaves out only what nothing tells', () => {
    const names = statKeys('6.1', 'modelled').map(({ name }) => name);
    expect(own.filter((name) => !names.includes(name))).toEqual(['sec_pagetables', 'pglazyfree', 'pglazyfreed']);
  });
});

test('6.18 has what 6.1 has, in the same order, and its own keys', () => {
  const later = statKeys('6.18', 'modelled').map(({ name }) => name);
  const earlier = statKeys('6.1', 'modelled').map(({ name }) => name);
  expect(later.filter((name) => earlier.includes(name))).toEqual(earlier);
  expect(later.filter((name) => !earlier.includes(name))).toEqual([
    'pswpin',
    'pswpout',
    'pgscan_khugepaged',
    'pgscan_proactive',
    'pgsteal_khugepaged',
    'pgsteal_proactive',
    'swpin_zero',
    'swpout_zero',
    'thp_swpout',
    'thp_swpout_fallback',
  ]);
});

test('no row of the engine is in two keys, save in sums that the kernel prints', () => {
  const sums = ['file', 'slab', 'pgscan', 'pgsteal'];
  const rows = statKeys('6.18', 'modelled')
    .filter(({ name }) => !sums.includes(name))
    .flatMap((key) => key.rows);
  expect(new Set(rows).size).toBe(rows.length);
});

test('a huge folio counts in both of its keys until it is split', async () => {
  const machine = await Machine.boot({ pages: 2048, cgroups: 2, tasks: 1, cpus: 1 });
  const memcg = machine.mkdir('/a');
  const task = machine.spawn(memcg);
  const { engine } = machine;
  for (const [frame, kind] of [
    [512, O.KIND_ANON],
    [1024, O.KIND_SHMEM],
  ] as const)
    expect(engine.chargeFolio(task, 0, 0, frame, 9, kind, O.GFP_KERNEL)).toBe(0);
  expect(engine.chargeFolio(task, 0, 0, 256, 8, O.KIND_ANON, O.GFP_KERNEL)).toBe(0);
  const huge = 512 * 4096;
  expect(machine.memoryStat(memcg)).toMatchObject({
    anon: 1.5 * huge,
    file: huge,
    shmem: huge,
    anon_thp: huge,
    file_thp: 0,
    shmem_thp: huge,
  });
  expect(engine.split(512)).toBe(0);
  expect(machine.memoryStat(memcg)).toMatchObject({ anon: 1.5 * huge, anon_thp: 0, shmem_thp: huge });
  expect(machine.audit()).toBeNull();
  expect(engine.uncharge(task, 0, 1024)).toBe(0);
  expect(engine.unchargeFlush(task)).toBe(0);
  expect(machine.memoryStat(memcg)).toMatchObject({ shmem: 0, shmem_thp: 0, inactive_anon: 1.5 * huge });
  expect(Number(engine.statTotal(1, L.STAT_SHMEM_THP))).toBe(0);
});
