/** Random scripts of knob writes, touches, files, loops, mounts and kills: none traps, hangs, or leaves a machine that does not add up. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runScript } from '../../bindings/shell/run.ts';

const group = fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x');
const size = fc.constantFrom('0', '1M', '3M', '4096', '8M', '20M', 'max', '64K', '500000', '-1', 'x', '100M');
const knob = fc.constantFrom('max', 'high', 'low', 'min', 'swap.max', 'swap.high', 'reclaim', 'oom.group');
const few = fc.nat({ max: 2 });
const megabytes = fc.constantFrom('100k', '1M', '2M', '5M', '12M');

/** A command in a cgroup of its own choice. */
const inside = (command: fc.Arbitrary<string>) =>
  fc.tuple(group, command).map(([g, text]) => `bash -c "echo 0 > $C/${g}/cgroup.procs; ${text}" 2> /dev/null`);

const line: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(size, group, knob).map(([value, g, name]) => `echo ${value} > $C/${g}/memory.${name}`),
  inside(megabytes.map((n) => `memtouch anon ${n}`)),
  inside(megabytes.map((n) => `memtouch -d anon ${n}`)).map((text) => `p=$(${text})`),
  inside(fc.tuple(few, megabytes).map(([i, n]) => `memtouch write /tmp/f${i} ${n}`)),
  inside(fc.tuple(few, megabytes).map(([i, n]) => `memtouch shm ${i + 1} ${n}`)),
  inside(
    fc
      .tuple(fc.constantFrom('disk', 'tmp'), few, fc.nat({ max: 60 }))
      .map(([where, i, n]) => `dd if=/dev/zero of=/${where}/g${i} bs=64k count=${n}`),
  ),
  inside(few.map((i) => `cat /disk/g${i} | tail -c 1000 | wc -c`)),
  inside(fc.constant('memtouch anon 6M & memtouch anon 6M; wait')),
  few.map((i) => `rm -f /tmp/f${i} /disk/g${i} /tmp/g${i}`),
  fc.constantFrom('kill -9 $p', 'sync', 'swapon /dev/ubdb', 'swapoff /dev/ubdb', 'sleep 0.1', 'sleep 3'),
  group.map((g) => `echo $p > $C/${g}/cgroup.procs`),
  fc.tuple(group, group).map(([g, h]) => `rmdir $C/${g}; mkdir -p $C/${h}`),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.constantFrom('memory', 'io', 'pids'), fc.constantFrom('a', 'b'))
    .map(([sign, name, g]) => `echo ${sign}${name} > $C/${g}/cgroup.subtree_control`),
  few.map((i) => `echo ${i + 1} > /proc/sys/vm/drop_caches`),
  group.map((g) => `echo 1 > $C/${g}/cgroup.kill`),
  group.map((g) => `echo 1 > $C/${g}/cgroup.freeze; sleep 0.01; echo 0 > $C/${g}/cgroup.freeze`),
  fc.tuple(few, fc.constantFrom('0', '1M', '9M')).map(([i, n]) => `truncate -s ${n} /disk/g${i}`),
  fc
    .tuple(group, fc.nat({ max: 8 }))
    .map(
      ([g, n]) =>
        `unshare -m bash -c "echo 0 > $C/${g}/cgroup.procs; mount -t tmpfs -o size=4m x /mnt; dd if=/dev/zero of=/mnt/q bs=1M count=${n}"`,
    ),
  inside(fc.nat({ max: 10 }).map((n) => `dd if=/dev/zero of=/dev/loop0 bs=1M count=${n}`)).map(
    (text) => `truncate -s 8M /tmp/img; losetup /dev/loop0 /tmp/img; ${text}; losetup -D`,
  ),
  group.map((g) => `cat $C/${g}/memory.stat $C/${g}/memory.current $C/${g}/memory.events`),
);

it('any script ends, and its machine adds up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 3, maxLength: 25 }),
      fc.constantFrom('6.1' as const, '6.18' as const),
      fc.constantFrom(1, 2),
      async (lines, kernel, cpus) => {
        const begin =
          'C=/sys/fs/cgroup; mkdir -p $C/a $C/b/x; echo +memory > $C/a/cgroup.subtree_control; mkdir $C/a/x $C/a/y';
        const { world, exit, stderr } = await runScript([begin, ...lines, 'exit 3', ''].join('\n'), { kernel, cpus });
        expect(world.machine.audit()).toBeNull();
        expect(exit, stderr).toBe(3);
      },
    ),
    { seed: 1, numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 40) },
  );
}, 4_000_000);
