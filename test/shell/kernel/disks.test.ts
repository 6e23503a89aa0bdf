/** The disks of /sys/block and /proc/partitions. Each line is what Linux 6.1 printed. */
import { expect, test } from 'vitest';
import { runScript } from '../../../bindings/shell/run.ts';

const run = async (source: string) => (await runScript(source, { kernel: '6.1' })).stdout.split('\n').slice(0, -1);

test('loop devices are there, and have a size and a file while they are attached', async () => {
  const script = `ls /sys/block | tr '\\n' ' '; echo
truncate -s 1025K /tmp/f; losetup /dev/loop3 /tmp/f
cat /proc/partitions | tail -1
cat /sys/block/loop3/loop/backing_file /sys/block/loop3/size /sys/block/loop4/size
losetup -d /dev/loop3; cat /proc/partitions | tail -1; ls /sys/block/loop3/loop 2> /dev/null; echo $?`;
  expect(await run(script)).toEqual([
    'loop0 loop1 loop2 loop3 loop4 loop5 loop6 loop7 ubda ubdb ',
    '   7        3       1025 loop3',
    ...['/tmp/f', '2050', '0'],
    '  98       16     262144 ubdb',
    '2',
  ]);
});

test('they are listed in the order of sysfs', async () => {
  const script = `for i in 1 2 3 4 5 6 7; do truncate -s 1M /tmp/b$i; losetup -f /tmp/b$i; done
losetup -a | tr -cd 'b0-9\\n' | grep -o 'b[0-9]$' | tr '\\n' ' '`;
  expect(await run(`${script}; echo`)).toEqual(['b2 b7 b5 b3 b1 b6 b4 ']);
});
