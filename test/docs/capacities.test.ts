/** The table of docs/capacities.md is computed, not claimed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Capacities, memoryMap, memorySize } from '../../bindings/engine/capacities.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/capacities.md'), 'utf8');
const small: Capacities = {
  pages: 65536,
  cgroups: 64,
  tasks: 1024,
  swap: 1024,
  cpus: 2,
  workers: 1,
  watch: 0,
  objects: 0,
  maps: 0,
  nodes: 0,
  kills: 0,
  ring: 0,
  policies: 0,
  observe: 0,
};

const rows = [...text.matchAll(/^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|$/gm)].map((row) =>
  row.slice(1).map(Number),
);

describe('docs/capacities.md', () => {
  test('has the table', () => {
    expect(rows.length).toBeGreaterThanOrEqual(8);
  });

  test.each(rows)('%i pages, %i cgroups, %i tasks, %i swap slots take %f GiB', (pages, cgroups, tasks, swap, gib) => {
    const size = memorySize({ ...small, pages, cgroups, tasks, swap } as Capacities);
    expect(Number((size / 2 ** 30).toFixed(3))).toBe(gib);
    expect(size).toBeLessThanOrEqual(2 ** 32);
  });

  test.each(
    [...text.matchAll(/^\| `(\w+)` \| .* \| ([\d.]+) \|$/gm)].map((row) => [row[1]!, Number(row[2])] as const),
  )('one more of %s costs %f bytes', (name, bytes) => {
    // Far from rounding: many more of them, where nothing else is the bound.
    const modelled = ['objects', 'maps', 'nodes', 'observe'].includes(name) ? { nodes: 1 } : {};
    const observed = name === 'observe' ? { observe: 1 } : {};
    const base = { ...small, ...modelled, ...observed, pages: 1 << 24, cgroups: name === 'workers' ? 1 : 1000 };
    const more = 100_000;
    const grown = { ...base, [name]: base[name as keyof Capacities] + more };
    const workers = name === 'workers' ? 2 : 1; // a worker's statistics: one record for the root, one for the cgroup
    const each = (memorySize(grown) - memorySize(base)) / more / workers;
    expect(Math.abs(each / bytes - 1)).toBeLessThan(0.01);
  });

  test('every region has a name', () => {
    expect(memoryMap(small).every((region) => region.name)).toBe(true);
  });
});
