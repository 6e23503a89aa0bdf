/** Open files of memory.peak against the kernel's own few lines, in any order of events. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as L from '../../assembly/layout.ts';
import { Machine, type PeakFile } from '../../bindings/index.ts';

const FILES = 3;
const PAGE = 4096;

/** peak_write(), peak_show(), page_counter_try_charge() and page_counter_uncharge(), by the definition. */
class Reference {
  usage = 0;
  watermark = 0;
  local = 0;
  readonly values = new Map<number, number>();
  charge(pages: number) {
    this.usage += pages;
    this.local = Math.max(this.local, this.usage);
    this.watermark = Math.max(this.watermark, this.local);
  }
  write(fd: number) {
    this.local = this.usage;
    for (const [peer, value] of this.values) this.values.set(peer, Math.max(value, this.usage));
    this.values.set(fd, this.usage);
  }
  read(fd: number) {
    const value = this.values.get(fd);
    return value === undefined ? this.watermark : Math.max(value, this.local);
  }
}

const step = fc.oneof(
  fc.record({ what: fc.constant('charge' as const), n: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ what: fc.constant('uncharge' as const), n: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ what: fc.constantFrom('write' as const, 'reopen' as const), n: fc.nat(FILES - 1) }),
);

it.each(['memory', 'swap'] as const)('memory and swap peaks follow the kernel: %s', async (which) => {
  const machine = await Machine.boot({ pages: 16, cgroups: 1200, tasks: 1, cpus: 1, swap: 1 });
  const counter = which === 'memory' ? L.COUNTER_MEMORY : L.COUNTER_SWAP;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cgroup = machine.mkdir('/a');
      const reference = new Reference();
      const files: PeakFile[] = Array.from({ length: FILES }, () => machine.openPeak(cgroup, which));
      for (const { what, n } of steps) {
        if (what === 'charge') {
          machine.engine.pageCounterTryCharge(cgroup, counter, BigInt(n));
          reference.charge(n);
        } else if (what === 'uncharge') {
          const pages = Math.min(n, reference.usage);
          machine.engine.pageCounterUncharge(cgroup, counter, BigInt(pages));
          reference.usage -= pages;
        } else if (what === 'write') {
          files[n]!.write('anything');
          reference.write(n);
        } else {
          files[n]!.close();
          files[n] = machine.openPeak(cgroup, which);
          reference.values.delete(n);
        }
        for (const [fd, file] of files.entries()) expect(file.read()).toBe(reference.read(fd) * PAGE);
      }
    }),
    { numRuns: 300, seed: 1 },
  );
});

it('forgets a spike between two resets, as the kernel does', async () => {
  const machine = await Machine.boot({ pages: 16, cgroups: 4, tasks: 1, cpus: 1, swap: 1 });
  const cgroup = machine.mkdir('/a');
  const [first, second] = [machine.openPeak(cgroup), machine.openPeak(cgroup)];
  first.write('x');
  machine.engine.pageCounterTryCharge(cgroup, L.COUNTER_MEMORY, 100n);
  machine.engine.pageCounterUncharge(cgroup, L.COUNTER_MEMORY, 60n);
  expect(first.read()).toBe(100 * PAGE);
  second.write('');
  expect(first.read()).toBe(100 * PAGE);
  second.write('x');
  expect([first.read(), second.read()]).toEqual([40 * PAGE, 40 * PAGE]);
});

it('knows which kernel has which file', async () => {
  const machine = await Machine.boot({ pages: 16, cgroups: 4, tasks: 1, cpus: 1, swap: 1, kernel: '6.1' });
  const cgroup = machine.mkdir('/a');
  expect(() => machine.openPeak(cgroup).write('x')).toThrow('EINVAL');
  expect(() => machine.openPeak(cgroup, 'swap')).toThrow('memory.swap.peak of /a: ENOENT');
  expect(() => machine.openPeak(1)).toThrow('memory.peak of /: ENOENT');
});
