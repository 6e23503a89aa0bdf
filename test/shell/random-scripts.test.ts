/**
 * Scripts at random: knobs written, memory touched, files and devices used, processes moved, left behind and killed. Whatever they do, the
 * engine does not trap, nobody waits for ever, the accounts add up, and the same script says the same twice. MEMCHARGE_SCRIPTS says how
 * many (`npm run fuzz:scripts`: ten thousand).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runScript } from '../../bindings/shell/run.ts';

const SCRIPTS = Number(process.env.MEMCHARGE_SCRIPTS ?? 120);
const SEED = process.env.MEMCHARGE_FUZZ_SEED === 'clock' ? Date.now() : Number(process.env.MEMCHARGE_FUZZ_SEED ?? 5);

const GROUPS = ['a', 'b', 'a/x', 'a/y', 'b/z', 'a/x/deep'];
const group = fc.constantFrom(...GROUPS).map((name) => `$C/${name}`);
const size = fc.constantFrom('0', '4k', '100k', '1M', '3M', '8M', '20M', '40M');
const limit = fc.oneof(size, fc.constantFrom('max', '', '-1', '1.5M', '0x400000', '64M', 'junk'));
const touched = fc.constantFrom('4k', '300k', '2M', '6M', '12M', '30M');
const file = fc.constantFrom('/tmp/f', '/tmp/g', '/disk/f', '/disk/g', '/mnt/small', '/disk/loop');
const knob = fc.constantFrom(
  ...['memory.max', 'memory.high', 'memory.low', 'memory.min', 'memory.swap.max', 'memory.swap.high'],
  ...['memory.oom.group', 'memory.reclaim', 'pids.max', 'cgroup.max.depth', 'cgroup.freeze'],
);
const readable = fc.constantFrom(
  ...['memory.current', 'memory.stat', 'memory.events', 'memory.events.local', 'memory.peak', 'memory.swap.current'],
  ...['memory.numa_stat', 'cgroup.stat', 'cgroup.events', 'cgroup.procs', 'cgroup.controllers', 'pids.current'],
);
const control = fc.constantFrom('+memory', '-memory', '+pids', '-io', '+io +memory');

/** What runs inside a cgroup. */
const work = fc.oneof(
  fc.tuple(touched).map(([n]) => `memtouch anon ${n}`),
  fc.tuple(touched, file).map(([n, path]) => `memtouch write ${path} ${n}`),
  fc.tuple(touched, file).map(([n, path]) => `memtouch read ${path} ${n}`),
  fc.tuple(fc.nat(3), touched).map(([key, n]) => `memtouch shm ${key + 1} ${n}`),
  fc.tuple(file, fc.integer({ min: 1, max: 12 })).map(([path, n]) => `dd if=/dev/zero of=${path} bs=1M count=${n}`),
  fc
    .tuple(file, fc.integer({ min: 1, max: 300 }))
    .map(([path, n]) => `dd if=/dev/zero of=${path} bs=10k count=${n} seek=3`),
  fc.tuple(file).map(([path]) => `cat ${path} > /dev/null`),
  fc.tuple(file).map(([path]) => `dd if=${path} of=/dev/null bs=64k`),
  fc.tuple(file, file).map(([from, to]) => `cp ${from} ${to}`),
  fc.tuple(fc.nat(20)).map(([n]) => `seq ${n * 1000} | tail -n 2`),
);

const command = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(group).map(([g]) => `mkdir -p ${g}`) },
  { weight: 1, arbitrary: fc.tuple(group).map(([g]) => `rmdir ${g}`) },
  { weight: 5, arbitrary: fc.tuple(limit, group, knob).map(([v, g, k]) => `echo "${v}" > ${g}/${k}`) },
  { weight: 2, arbitrary: fc.tuple(control, group).map(([v, g]) => `echo "${v}" > ${g}/cgroup.subtree_control`) },
  { weight: 3, arbitrary: fc.tuple(readable, group).map(([f, g]) => `cat ${g}/${f} | wc -l`) },
  { weight: 8, arbitrary: fc.tuple(group, work).map(([g, w]) => `bash -c "echo 0 > ${g}/cgroup.procs; ${w}"`) },
  { weight: 2, arbitrary: fc.tuple(group, work).map(([g, w]) => `(echo 0 > ${g}/cgroup.procs; ${w}) &`) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(group, touched)
      .map(([g, n]) => `p=$(bash -c "echo 0 > ${g}/cgroup.procs; memtouch -d anon ${n}")`),
  },
  { weight: 1, arbitrary: fc.tuple(group).map(([g]) => `echo \${p:-0} > ${g}/cgroup.procs`) },
  { weight: 1, arbitrary: fc.constant('kill ${p:-999999}; sleep 0.1') },
  { weight: 1, arbitrary: fc.tuple(group).map(([g]) => `echo 1 > ${g}/cgroup.kill; sleep 0.1`) },
  {
    weight: 1,
    arbitrary: fc.constant('for g in $C/a $C/b; do [ -e $g/cgroup.freeze ] && echo 0 > $g/cgroup.freeze; done; wait'),
  },
  { weight: 1, arbitrary: fc.constantFrom('swapon /dev/ubdb', 'swapoff /dev/ubdb', 'sync', 'sleep 3') },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 }).map((n) => `echo ${n} > /proc/sys/vm/drop_caches`) },
  { weight: 1, arbitrary: fc.tuple(file, size).map(([path, n]) => `truncate -s ${n} ${path}`) },
  { weight: 1, arbitrary: file.map((path) => `rm -f ${path}`) },
  { weight: 1, arbitrary: fc.constantFrom('losetup /dev/loop0 /disk/loop', 'losetup -d /dev/loop0') },
  { weight: 1, arbitrary: work.map((w) => w.replace('/tmp/f', '/dev/loop0')) },
  { weight: 1, arbitrary: fc.constantFrom('mkdir -p /mnt/t; mount -t tmpfs -o size=5m t /mnt/t', 'umount /mnt/t') },
  {
    weight: 1,
    arbitrary: fc
      .tuple(group, work)
      .map(([g, w]) => `unshare -m bash -c "echo 0 > ${g}/cgroup.procs; mount -t tmpfs t /tmp; ${w}"`),
  },
);

/** Frozen or stopped processes are let go at the end, so that nothing is left to wait for. */
const END = `
for g in $C/a $C/b $C/a/x $C/a/y $C/b/z $C/a/x/deep; do
  if [ -e $g/cgroup.freeze ]; then echo 0 > $g/cgroup.freeze; echo 1 > $g/cgroup.kill; fi
done
wait
`;

const script = fc
  .tuple(fc.array(command, { minLength: 3, maxLength: 14 }), fc.constantFrom<'6.1' | '6.18'>('6.1', '6.18'))
  .map(([commands, kernel]) => ({ kernel, source: `C=/sys/fs/cgroup\n${commands.join('\n')}\n${END}` }));

test(`${SCRIPTS} random scripts: no trap, no hang, no audit failure`, {
  timeout: 30_000 + SCRIPTS * 2_000,
}, async () => {
  let again = 0;
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 0, max: 2 ** 31 }), async ({ kernel, source }, seed) => {
      const options = { kernel, seed, memory: 160 * 2 ** 20, tty: false } as const;
      const { exit, world, console } = await runScript(source, options);
      expect(exit).toBeLessThan(256);
      expect(console).not.toMatch(/\bat .*\.ts:|undefined|NaN|\[object/);
      expect(world.machine.audit()).toBeNull();
      if (again++ % 8 > 0) return;
      const twice = await runScript(source, options);
      expect(twice.console).toBe(console);
      expect(twice.world.machine.digest()).toBe(world.machine.digest());
    }),
    { numRuns: SCRIPTS, seed: SEED, endOnFailure: process.env.MEMCHARGE_SCRIPTS !== undefined },
  );
});
