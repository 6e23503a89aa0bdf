/** `memcharge run` as a user meets it: output, exit status, options, bad input. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

function memcharge(args: string[], input = ''): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const main = join(root, 'bindings/cli/main.ts');
    const child = execFile(process.execPath, ['--import', 'tsx', main, ...args], (error, stdout, stderr) =>
      resolve({ code: (error?.code as number | undefined) ?? 0, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'memcharge-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const LIMITED = `C=/sys/fs/cgroup
mkdir $C/a; echo 8M > $C/a/memory.max; echo 0 > $C/a/memory.swap.max
bash -c "echo 0 > $C/a/cgroup.procs; memtouch anon 20M"; echo "status $?"
`;

describe('run', () => {
  test("stdout, stderr and the exit status are the script's", async () => {
    const path = script('a.sh', 'echo "out $0 $*"; echo err >&2; nosuch; exit 7\n');
    expect(await memcharge(['run', path, 'x', '--', '--json', 'y z'])).toEqual({
      code: 7,
      stdout: 'out /s/a.sh x --json y z\n',
      stderr: 'err\n/s/a.sh: line 1: nosuch: command not found\n',
    });
  });

  test('- is a script on standard input', async () => {
    expect(await memcharge(['run', '-'], 'echo hello\n')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  test('nothing of the host is there', async () => {
    const secret = script('secret', 'x');
    const done = await memcharge(['run', '-'], `cat ${secret} ${root}/package.json; echo $HOME $PATH; ls /root\n`);
    expect(done).toMatchObject({ code: 0, stdout: '/ /usr/bin\n' });
    expect(done.stderr.match(/No such file or directory/g)).toHaveLength(2);
  });

  test('--json is one object with the output, the figures and the kills', async () => {
    const path = script('limited.sh', LIMITED);
    const done = await memcharge(['run', '--kernel', '6.1', '--json', '--audit', path]);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const result = JSON.parse(done.stdout);
    expect(Object.keys(result)).toEqual([
      ...['stdout', 'stderr', 'exit', 'policy', 'kernel', 'elapsed_ns', 'state_digest', 'machine', 'cgroups', 'kills'],
      'audit',
    ]);
    expect(result).toMatchObject({ stdout: 'status 137\n', exit: 0, policy: 'linux', kernel: '6.1', audit: 'ok' });
    expect(result.stderr).toMatch(/^\/s\/limited\.sh: line 3: +\d+ Killed /);
    expect(result.cgroups['/a']['memory.events']).toMatchObject({ oom: 1, oom_kill: 1 });
    const pid = Number(/(\d+) Killed/.exec(result.stderr)![1]);
    expect(result.kills).toMatchObject([{ cgroup: '/a', victim: { task: pid, name: 'memtouch' }, processes: 1 }]);
    // The same again is the same.
    const again = await memcharge(['run', '--kernel', '6.1', '--json', '--audit', path]);
    expect(JSON.parse(again.stdout)).toEqual(result);
  });

  test('--policy runs the script under a charging policy, and --json says what it did', async () => {
    const text = `C=/sys/fs/cgroup; mkdir $C/pod /tmp/m; echo 8M > $C/pod/memory.max; echo 0 > $C/pod/memory.swap.max
mount -t tmpfs -o memcg=$C/pod t /tmp/m; dd if=/dev/zero of=/tmp/m/f bs=1M count=9 status=none; echo $?\n`;
    const done = await memcharge(['run', '--policy', 'memcg-mount', '--json', '--audit', '-'], text);
    const result = JSON.parse(done.stdout);
    expect(result).toMatchObject({
      stdout: '1\n',
      stderr: "dd: error writing '/tmp/m/f': No space left on device\n",
      policy: 'memcg-mount',
      policy_counts: { moved: 0 },
      kills: [],
      audit: 'ok',
    });
    expect(result.policy_figures['/']).toMatchObject({ enospc: 1, sigbus: 0 });
    expect(result.cgroups['/pod']['memory.current']).toBe(8 * 2 ** 20);
    expect(await memcharge(['run', '-'], text)).toMatchObject({ code: 0, stdout: '0\n' });
  });

  test("--memory, --swap and --cpus are the machine's", async () => {
    const text = 'grep MemTotal /proc/meminfo; swapon /dev/ubdb; tail -n 1 /proc/swaps; nproc\n';
    const done = await memcharge(['run', '--memory', '512M', '--swap', '64M', '--cpus', '2', '-'], text);
    const lines = done.stdout.split('\n');
    expect(Number(/(\d+) kB/.exec(lines[0]!)![1])).toBeGreaterThan(480 * 1024);
    expect(Number(/(\d+) kB/.exec(lines[0]!)![1])).toBeLessThan(512 * 1024);
    expect(lines[1]).toMatch(/^\/dev\/ubdb +partition\t65532\t\t0\t\t-2$/);
    expect(lines[2]).toBe('2');
  });

  test('--cgroupfs writes the control files', async () => {
    const tree = join(folder, 'tree');
    expect(await memcharge(['run', '--cgroupfs', tree, script('limited.sh', LIMITED)])).toMatchObject({ code: 0 });
    expect(readFileSync(join(tree, 'a/memory.max'), 'utf8')).toBe('8388608\n');
    expect(readFileSync(join(tree, 'a/memory.events'), 'utf8')).toContain('oom_kill 1\n');
    expect(existsSync(join(tree, 'a/memory.reclaim'))).toBe(false);
  });

  test('a script that waits for ever ends with one clear line', async () => {
    const done = await memcharge(['run', '-'], 'mkfifo /tmp/f; echo before; cat /tmp/f\n');
    expect(done).toEqual({
      code: 1,
      stdout: 'before\n',
      stderr: expect.stringMatching(
        /^memcharge: nothing can ever happen: bash \(\d+\), cat \(\d+\) would wait for ever\n$/,
      ),
    });
  });

  test('bad input is one clear line, exit 2', async () => {
    for (const [args, stderr] of [
      [['run', '/nosuch.sh'], 'memcharge: /nosuch.sh: no such file or directory\n'],
      [['run', folder], `memcharge: ${folder}: is a directory\n`],
      [['run', '--kernel', '5.4', '-'], 'memcharge: --kernel 5.4: known kernels are 6.18 and 6.1\n'],
      [['run', '--memory', 'much', '-'], 'memcharge: --memory much: not a size such as 1G\n'],
      [['run', '--memory', '4M', '-'], 'memcharge: --memory 4M: less than 24M, with which nothing can run\n'],
      [['run', '--memory', '1T', '-'], 'memcharge: --memory 1T: more than 64G\n'],
      [
        ['run', '--policy', 'nosuch', '-'],
        'memcharge: no policy nosuch: memcharge policies lists them, and a file ends in .yaml, .yml or .json\n',
      ],
      [
        ['run', '--policy', 'preallocate', '-'],
        'memcharge: policy preallocate rewrites the rows of a trace (preallocate): a script has none, and can do itself what the rewrite would\n',
      ],
      [['run', '--cpus', '0', '-'], 'memcharge: --cpus 0: not a whole number from 1 to 64\n'],
    ] as const)
      expect(await memcharge([...args])).toEqual({ code: 2, stdout: '', stderr });
  });
});
