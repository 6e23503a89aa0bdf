/** What happens where there is no more: of processes, of memory, of time. The figures are those of bash 5.2 on Linux 6.1. */
import { describe, expect, it } from 'vitest';
import { runScript } from '../../bindings/index.ts';

const retry = 'bash: fork: retry: Resource temporarily unavailable\n';
const inPids = (body: string): string =>
  `C=/sys/fs/cgroup/x; mkdir $C; echo 6 > $C/pids.max; bash -c "echo 0 > $C/cgroup.procs; ${body}"; echo $?; grep max $C/pids.events`;
const SLEEPERS = 'for i in 1 2 3 4 5; do sleep 100 & done';

describe('a shell that may not fork', () => {
  it.each([
    ['a list', `${SLEEPERS}; sleep 1 & echo after`],
    ['a subshell', `${SLEEPERS}; (echo subshell); echo after`],
    ['a substitution', `${SLEEPERS}; x=\\$(echo x); echo after`],
    ['a pipeline', `${SLEEPERS}; true | true; echo after`],
    ['a program', `${SLEEPERS}; cat /dev/null; echo after`],
  ])('tries five times in 15 s, and ends with 254: %s', async (_, body) => {
    const { stdout, stderr } = await runScript(inPids(body), { kernel: '6.1' });
    expect(stdout).toBe('254\nmax 5\n');
    expect(stderr).toBe(`${retry.repeat(4)}bash: fork: Resource temporarily unavailable\n`);
  });

  it('gives up when a child ends meanwhile', async () => {
    const { stdout, stderr } = await runScript(inPids('for i in 1 2 3 4 5 6; do sleep 4 & done; echo after'), {
      kernel: '6.1',
    });
    expect(stdout).toBe('254\nmax 3\n');
    expect(stderr).toBe(`${retry.repeat(3)}bash: fork: Interrupted system call\n`);
  });
});

it('tail keeps what it may still need: a device without lines takes all there is', async () => {
  const { stdout } = await runScript(
    `C=/sys/fs/cgroup/x; mkdir $C; echo 30M > $C/memory.max; echo 0 > $C/memory.swap.max
    bash -c "echo 0 > $C/cgroup.procs; tail /dev/zero"; echo $?; grep '^oom_kill' $C/memory.events
    bash -c "echo 0 > $C/cgroup.procs; head -c 10M /dev/zero | tail | wc -c"
    seq 100000 | tail -n 2; seq 100000 | tail -c 7; tail -n 2 /proc/self/cgroup`,
    { kernel: '6.1' },
  );
  expect(stdout).toBe('137\noom_kill 1\n10485760\n99999\n100000\n100000\n0::/\n');
});

it('who sleeps for ever is woken by a signal, and by nothing else', async () => {
  const { stdout } = await runScript(
    'timeout 1 sleep infinity; echo $?; sleep infinity & sleep 1; kill $!; wait $!; echo $?',
  );
  expect(stdout).toBe('124\n143\n');
  await expect(runScript('sleep infinity')).rejects.toThrow(/would wait for ever/);
});
