/** Debate 3, by its scripts: docs/debates/loop-device/*.sh. Programs' own memory is part of what they show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { definePolicy, type Policy } from '../../bindings/policy/policy.ts';
import { type RunOptions, runScript } from '../../bindings/shell/run.ts';
import { row } from './row.ts';

const DIRECTORY = join(import.meta.dirname, '../../docs/debates/loop-device');
const MIB = 2 ** 20;

async function run(script: string, policy: string | Policy, options: RunOptions = {}) {
  const { stdout, stderr, world } = await runScript(readFileSync(join(DIRECTORY, script)), { policy, ...options });
  const { machine } = world;
  expect(machine.audit()).toBeNull();
  const killed = machine.kills().map(({ victim }) => victim.name);
  return { stdout, stderr, killed, machine, world };
}
const counts = (stdout: string) => [...stdout.matchAll(/oom_kill (\d+)/g)].map(([, count]) => Number(count));
const ALL_TMPFS = definePolicy({
  name: 'all-tmpfs',
  summary: '',
  rows: [],
  answers: { refused: { worker: 'enomem' } },
});

row('L1', "loop-root: the cover letter's script prints oom_kill 0, 1, 1, and dd writes all of its 256M", async () => {
  const { stdout, stderr, killed } = await run('cover-letter.sh', 'loop-root');
  expect(counts(stdout)).toEqual([0, 1, 1]);
  expect(killed).toEqual(['dd']);
  expect(stderr).toContain('268435456 bytes (268 MB, 256 MiB) copied');
});

row(
  'L2',
  "loop-issuer and linux: the script prints 0, 1, 3; the second part's victims are bash and dd, and losetup -D never runs",
  async () => {
    for (const policy of ['linux', 'loop-issuer']) {
      const { stdout, killed, machine, world } = await run('cover-letter.sh', policy);
      expect(counts(stdout)).toEqual([0, 1, 3]);
      expect(killed).toEqual(['dd', 'bash', 'dd']);
      expect(world.storage.loops[0]!.bound).toBe(true);
      expect(machine.policyCounts().workers_made).toBeGreaterThan(0);
    }
  },
);

row(
  'L4',
  'the script prints 0, 1, 1 under loop-enospc and 0, 0, 0 with all of tmpfs; plain dd to the device exits 0',
  async () => {
    const enospc = await run('cover-letter.sh', 'loop-enospc');
    expect(counts(enospc.stdout)).toEqual([0, 1, 1]);
    expect(enospc.stderr).toContain('268435456 bytes (268 MB, 256 MiB) copied');
    const all = await run('cover-letter.sh', ALL_TMPFS);
    expect(counts(all.stdout)).toEqual([0, 0, 0]);
    expect(all.stderr).toContain("dd: error writing '/tmp/file': No space left on device");
  },
);

row(
  'L4',
  'loop-enospc: direct I/O fails with ENOSPC after 62 records of 1M in 64M (dd has the rest), conv=fsync at the fsync; no kill',
  async () => {
    const { stdout, stderr, killed } = await run('direct.sh', 'loop-enospc');
    expect(stderr).toContain("dd: error writing '/dev/loop0': No space left on device");
    expect(stderr).toContain('62+0 records out');
    expect(stderr).toContain("dd: fsync failed for '/dev/loop0': No space left on device");
    expect(stdout).toBe('direct exit 1\nfsync exit 1\noom_kill 0\n');
    expect(killed).toEqual([]);
  },
);

row(
  'L4c',
  'linux: after the first kill 8M are read back identical, and the next write is killed, too: oom_kill 1, then 2',
  async () => {
    const { stdout, killed } = await run('read-back.sh', 'linux');
    expect(stdout).toBe('exit 0\nexit 137\noom_kill 1\nidentical\nexit 137\noom_kill 2\n');
    expect(killed).toEqual(['dd', 'dd']);
  },
);

row(
  'L5',
  'linux, 64M without swap on tmpfs: the machine kills dd and bash, so does the cgroup; nobody else',
  async () => {
    const machine = await run('questions.sh', 'linux', { args: ['/tmp', 'root', ''], memory: 64 * MIB });
    expect(machine.stdout).toBe('killed\noom_kill 2\n');
    expect(machine.killed).toEqual(['dd', 'bash']);
    const cgroup = await run('questions.sh', 'linux', { args: ['/tmp', 'test.slice', ''] });
    expect(counts(cgroup.stdout)).toEqual([2, 2]);
    expect(cgroup.killed).toEqual(['bash', 'dd']);
  },
);

row('L5', 'linux, with swap on tmpfs: a 64M cgroup swaps 192M or more, a 64M machine too; no kill', async () => {
  const cgroup = await run('questions.sh', 'linux', { args: ['/tmp', 'test.slice', 'swap'] });
  const [, dd, kills, peak, swap] = /dd exit (\d+)\noom_kill (\d+)\n(\d+)\n(\d+)\n/.exec(cgroup.stdout)!.map(Number);
  expect([dd, kills, cgroup.killed]).toEqual([0, 0, []]);
  expect(peak).toBeLessThanOrEqual(64 * MIB);
  expect(swap).toBeGreaterThanOrEqual(192 * MIB);
  const machine = await run('questions.sh', 'linux', { args: ['/tmp', 'root', 'swap'], memory: 64 * MIB });
  expect(machine.stdout).toBe('dd exit 0\noom_kill 0\n');
  expect(machine.machine.vmstat().pswpout * 4096).toBeGreaterThanOrEqual(192 * MIB);
});

row(
  'L5',
  'linux, on a disk: a 64M cgroup has 64M at most, a 64M machine does it too, with swap and without; no kill, nothing swapped',
  async () => {
    for (const swap of ['', 'swap']) {
      const cgroup = await run('questions.sh', 'linux', { args: ['/disk', 'test.slice', swap] });
      const [, dd, kills, peak, swapped] = /dd exit (\d+)\noom_kill (\d+)\n(\d+)\n(\d+)\n/
        .exec(cgroup.stdout)!
        .map(Number);
      expect([dd, kills, swapped, cgroup.killed]).toEqual([0, 0, 0, []]);
      expect(peak).toBeLessThanOrEqual(64 * MIB);
      const machine = await run('questions.sh', 'linux', { args: ['/disk', 'root', swap], memory: 64 * MIB });
      expect(machine.stdout).toBe('dd exit 0\noom_kill 0\n');
    }
  },
);

row(
  'L6',
  "loop-inline: the cover letter's script prints 0, 1, 3, as under loop-issuer, and no worker is made",
  async () => {
    const { stdout, killed, machine } = await run('cover-letter.sh', 'loop-inline');
    expect(counts(stdout)).toEqual([0, 1, 3]);
    expect(killed).toEqual(['dd', 'bash', 'dd']);
    expect(machine.policyCounts().workers_made).toBe(0);
  },
);
