/** Large values of variables are memory of the shell. Each line is what Linux 6.1 and bash 5.2 printed. */
import { expect, test } from 'vitest';
import { runScript } from '../../../bindings/shell/run.ts';

const lines = async (source: string) => (await runScript(source, { kernel: '6.1' })).stdout.split('\n').slice(0, -1);

const BEGIN = `C=/sys/fs/cgroup; mkdir $C/a
more() { local v; read -r v < $C/a/memory.current; echo "$1 $((v > $2))"; }`;

test('they are charged, and no more once they are gone', async () => {
  const script = `echo 0 > $C/a/cgroup.procs
x=$(printf '%3000000d' 0); more value 3000000; unset x; more unset 1000000
a[7]=$(printf '%3000000d' 0); more element 3000000; a[7]=; unset 'a[7]'; more emptied 1000000`;
  expect(await lines(`${BEGIN}\n${script}`)).toEqual(['value 1', 'unset 0', 'element 1', 'emptied 0']);
});

test('a subshell shares them, and pays for those of its own', async () => {
  const script = `x=$(printf '%3000000d' 0)
(echo 0 > $C/a/cgroup.procs; more shared 1000000; y=$x; more own 3000000); more ended 1000000`;
  expect(await lines(`${BEGIN}\n${script}`)).toEqual(['shared 0', 'own 1', 'ended 0']);
});

test('who assigns more than memory.max is killed', async () => {
  const script = `echo 1M > $C/a/memory.max; x=$(printf '%3000000d' 0)
(echo 0 > $C/a/cgroup.procs; x=$(printf '%3000000d' 0); echo survived) 2> /dev/null; echo "status $?"`;
  expect(await lines(`${BEGIN}\n${script}`)).toEqual(['status 137']);
});
