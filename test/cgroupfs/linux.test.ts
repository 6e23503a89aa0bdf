/** The control files beside what Linux 6.1 said to the same steps. */
import { describe, expect, test } from 'vitest';
import { GUEST } from '../../bindings/cgroupfs/config.ts';
import { Machine } from '../../bindings/index.ts';
import { Host } from './host.ts';
import { readSteps, Steps } from './steps.ts';

const CAPACITIES = { pages: 1 << 15, cpus: 1, cgroups: 256, tasks: 2048, objects: 8, maps: 64, nodes: 1024, swap: 0 };

describe('Linux 6.1', () => {
  test.each([
    'files.txt',
    'processes.txt',
    'threads.txt',
    'permissions.txt',
    'limits.txt',
    'no-memory.txt',
    'values.txt',
  ])('%s', async (name) => {
    const machine = await Machine.boot({
      ...CAPACITIES,
      residency: 'modelled',
      kernel: '6.1',
      memcgCost: { percpu: [1016, 672] },
    });
    const host = new Host(machine);
    const fs = machine.mountCgroupfs({
      config: GUEST,
      subtreeControl: ['memory', 'io', 'pids'],
      processes: host,
      devices: ['98:0', '98:16', '7:0'],
    });
    const steps = new Steps(fs, host);
    const recorded = readSteps(name);
    const said = recorded.map((step) => {
      const line = steps.run(step);
      const wrong = machine.audit();
      return wrong === null ? line : `${line} (${wrong.what})`;
    });
    expect(said).toEqual(recorded.map(({ line }) => line));
  });
});
