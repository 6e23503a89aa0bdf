/** `memcharge compare` and `replay --policy`: what they print, and one line for what cannot be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { addCompare } from '../../bindings/cli/compare.ts';
import { reportError } from '../../bindings/cli/errors.ts';
import { addReplay } from '../../bindings/cli/replay.ts';
import { optionsOf } from '../../bindings/generate/scenario.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { PRESETS } from '../../bindings/policy/registry.ts';
import type { CompareResult } from '../../bindings/report/compare-result.ts';
import { QUESTIONS } from '../../bindings/report/compare-result.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

const MIB = 2 ** 20;
/** 1M: what is asked does not depend on how much there is. */
const PAGES = 256;

/** What a command line prints and exits with, without a process and its start for each. */
async function inProcess(...args: string[]): Promise<{ code: number; stderr: string; stdout: string }> {
  const program = new Command('memcharge').exitOverride();
  addCompare(program);
  addReplay(program);
  for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => {} });
  let stderr = '';
  let stdout = '';
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: 0, stderr, stdout };
  } catch (error) {
    const code = reportError(error);
    return { code, stderr, stdout };
  } finally {
    err.mockRestore();
    out.mockRestore();
  }
}

async function sharedFile(): Promise<string> {
  const trace = new TraceBuilder();
  shared.build(trace, optionsOf(shared, { order: 'a,b', pages: PAGES }));
  const path = join(scratch(), 'shared.arrow');
  await trace.write(path);
  return path;
}

describe('compare', () => {
  it('prints a table a question, with sizes as memory.max has them', async () => {
    const path = await sharedFile();
    const asked = ['--policy', 'linux,common-ancestor', '--question', 'movement', '--workers', '1'];
    const done = await inProcess('compare', path, ...asked);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const lines = done.stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
    expect(lines.slice(0, 5)).toEqual([
      'memory.current linux common-ancestor',
      '-------------- ----- ---------------',
      '/pod 1M 1M',
      '/pod/a 1M 0',
      '/pod/b 0 0',
    ]);
    expect(lines).toContain('total common-ancestor 256 256 0 0 0 0');
    expect(done.stdout).not.toContain('attribution');
  });

  it('--json: every policy with its cgroups, totals, samples, flows, uses; and the verdict', async () => {
    const path = await sharedFile();
    const args = ['--policy', 'linux,common-ancestor', '--json', '--sample', '1us', '--workers', '2'];
    const done = await memcharge(['compare', path, ...args]);
    expect(done.code).toBe(0);
    const result = JSON.parse(done.stdout) as CompareResult;
    expect(result.questions).toEqual(QUESTIONS);
    expect(result.policies.map(({ policy }) => policy.name)).toEqual(['linux', 'common-ancestor']);
    const [linux, common] = result.policies;
    expect(linux!.cgroups['/pod/a']!['memory.current']).toBe(MIB);
    expect(common!.flows).toEqual([{ kind: 'moved', from: '/pod/a', to: '/pod', pages: PAGES }]);
    expect(common!.uses).toEqual({ users: ['/pod/a', '/pod/b'], payers: ['/pod'], bytes: [[MIB / 2], [MIB / 2]] });
    const { ts, cgroups } = linux!.series;
    for (const columns of Object.values(cgroups))
      for (const column of Object.values(columns)) expect(column).toHaveLength(ts.length);
    expect(cgroups['/pod/a']!.shmem.at(-1)).toBe(MIB);
    expect(result.verdict.map(({ question }) => question)).toEqual(QUESTIONS.filter((name) => name !== 'determinism'));
  });

  it('takes a script as well', async () => {
    const path = join(scratch(), 'two.sh');
    writeFileSync(
      path,
      '#!/bin/bash\nC=/sys/fs/cgroup; mkdir $C/a; (echo $BASHPID > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=1M count=8 2>/dev/null)\nsleep 1; echo done\n',
    );
    const done = await inProcess('compare', path, '--policy', 'linux,root-only', '--json', '--workers', '1');
    expect(done).toMatchObject({ code: 0 });
    const { trace, policies } = JSON.parse(done.stdout) as CompareResult;
    expect(trace.kind).toBe('script');
    for (const { script } of policies) expect(script).toMatchObject({ stdout: 'done\n', exit: 0 });
    const shmem = policies.map(({ cgroups }) => cgroups['/a']!.questions.attribution.charged);
    expect(shmem[0]).toBeGreaterThanOrEqual(8 * MIB);
    expect(shmem[1]).toBe(0);
    expect(policies[1]!.totals.stranded.unpaid).toBeGreaterThanOrEqual(8 * MIB);
    const refused = await inProcess('compare', path, '--policy', 'linux', '--shuffle', '3');
    expect(refused).toMatchObject({ code: 2, stderr: `memcharge: --shuffle: for traces, and ${path} is a script\n` });
  });

  it('a script that mounts with memcg= is compared under policies that know it and one that does not', async () => {
    const path = join(scratch(), 'mount.sh');
    writeFileSync(
      path,
      `#!/bin/bash
C=/sys/fs/cgroup; mkdir $C/pod $C/pod/a /tmp/m; echo +memory > $C/pod/cgroup.subtree_control; mount -t tmpfs -o memcg=$C/pod t /tmp/m 2>/dev/null || mount -t tmpfs t /tmp/m
(echo $BASHPID > $C/pod/a/cgroup.procs; head -c 8M /dev/zero > /tmp/m/f); grep -c memcg= /proc/mounts; :
`,
    );
    const names = 'linux,memcg-mount,common-ancestor';
    const done = await inProcess('compare', path, '--policy', names, '--json', '--workers', '1');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const { policies } = JSON.parse(done.stdout) as CompareResult;
    expect(policies.map(({ policy, script }) => [policy.name, script!.stdout, script!.exit])).toEqual([
      ['linux', '0\n', 0],
      ['memcg-mount', '1\n', 0],
      ['common-ancestor', '0\n', 0],
    ]);
    const shmem = ({ cgroups }: (typeof policies)[number], cgroup: string) => cgroups[cgroup]!['memory.stat'].shmem;
    expect(policies.map((each) => shmem(each, '/pod/a'))).toEqual([8 * MIB, 0, 8 * MIB]);
    for (const each of policies) expect(shmem(each, '/pod')).toBe(8 * MIB);
    const rewrites = PRESETS.filter(({ rewrite }) => rewrite !== undefined);
    expect(rewrites.length).toBeGreaterThan(4);
    for (const { name, rewrite } of rewrites) {
      const line = `memcharge: policy ${name} rewrites the rows of a trace (${rewrite}): a script has none, and can do itself what the rewrite would\n`;
      expect(await inProcess('compare', path, '--policy', `linux,${name}`)).toEqual({
        code: 2,
        stderr: line,
        stdout: '',
      });
    }
  });

  it('refuses in one line, before anything runs', async () => {
    const path = await sharedFile();
    for (const [args, line] of [
      [['--policy', 'linux,nobody'], 'no policy nobody'],
      [['--policy', 'linux,linux'], '--policy linux,linux: linux is named twice'],
      [['--policy', 'linux,next-toucher'], `policy next-toucher: it needs rmdir, and ${path} has none`],
      [['--policy', 'linux,bpf-recharge'], 'policy bpf-recharge: it needs reopen or recharge, and '],
      [['--policy', 'linux', '--question', 'price'], '--question price: known are attribution, '],
      [['--policy', 'linux', '--shuffle', '1'], '--shuffle 1: not a whole number from 2 to 10000'],
      [['--policy', 'linux', '--workers', '0'], '--workers 0: not a whole number from 1 to 1024'],
      [['--policy', 'linux', '--diff', 'linux', 'root-only'], '--diff root-only: not one of the policies compared'],
      [['--policy', 'linux', '--diff', 'linux', 'linux'], '--diff linux: is both of them'],
      [['--policy', 'linux', '--report', path], `--report ${path}: is ${path}, which it would replace`],
      [['--policy', 'linux', '--residency', 'recorded'], `${path}: recorded residency needs frames`],
      [['--policy', 'linux', '--set', '/pod/c:memory.max=1M'], `${path}: no cgroup /pod/c to set memory.max of`],
      [['--policy', 'linux', '--sample', 'often'], '--sample often: not a duration such as 50ms, 1s'],
    ] as const) {
      const done = await inProcess('compare', path, ...args);
      expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
      expect(done.stderr).toContain(line);
      expect([done.code, done.stdout]).toEqual([2, '']);
    }
    // As a process exits: once.
    expect(await memcharge(['compare', path, '--policy', 'linux,nobody'])).toMatchObject({ code: 2, stdout: '' });
    expect(await inProcess('compare', '/none.arrow', '--policy', 'linux')).toMatchObject({
      code: 2,
      stderr: 'memcharge: /none.arrow: no such file or directory\n',
    });
  });
});

describe('replay --policy', () => {
  it('answers an array for several, an object for one, with what the policy did', async () => {
    const path = await sharedFile();
    const both = await inProcess('replay', path, '--policy', 'linux,common-ancestor', '--json', '--audit');
    expect(both).toMatchObject({ code: 0, stderr: '' });
    const [linux, common] = JSON.parse(both.stdout);
    expect([linux.policy, common.policy]).toEqual(['linux', 'common-ancestor']);
    expect(common.cgroups['/pod'].memcharge).toMatchObject({ moved: MIB, moved_out: 0, proportional: MIB });
    expect(linux.cgroups['/pod/b'].memcharge).toMatchObject({
      proportional: MIB / 2,
      refused: { enospc: {}, enomem: {}, edquot: {}, sigbus: {} },
      stranded_byte_ns: 0,
    });
    const one = JSON.parse((await inProcess('replay', path, '--policy', 'linux', '--json')).stdout);
    const none = JSON.parse((await inProcess('replay', path, '--json')).stdout);
    // Looking changes nothing.
    expect([one.state_digest, linux.state_digest]).toEqual([none.state_digest, none.state_digest]);
    expect(none.cgroups['/pod'].memcharge.refused).toEqual({ enomem: 0 });
  });

  it('refuses in one line', async () => {
    const path = await sharedFile();
    for (const [args, line] of [
      [['--policy', 'next-toucher'], `policy next-toucher: it needs rmdir, and ${path} has none`],
      [['--policy', 'linux,root-only', '--cgroupfs', join(scratch(), 'x')], '--cgroupfs: several policies'],
      [['--policy', ''], 'no policy '],
    ] as const) {
      const done = await inProcess('replay', path, ...args);
      expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
      expect(done.stderr).toContain(line);
      expect([done.code, done.stdout]).toEqual([2, '']);
    }
    const stdin = await inProcess('replay', '-', '--policy', 'linux,root-only');
    expect(stdin).toMatchObject({ code: 2, stdout: '' });
  });

  it('refuses what needs rows or hits that the trace lacks, a preset or a file', async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/a').spawn('t', '/a').object('f', 'file', { pages: 64, by: 't' }).access('t', 'f', { pages: 64 });
    const path = join(scratch(), 'once.arrow');
    await trace.write(path);
    const mine = join(scratch(), 'mine.yaml');
    writeFileSync(mine, 'name: mine\nshare: common-ancestor\n');
    const layered = join(scratch(), 'layered.yaml');
    writeFileSync(layered, 'name: layered\nrewrite: layered\n');
    for (const command of ['compare', 'replay'])
      for (const [policy, line] of [
        ['linux,common-ancestor', 'policy common-ancestor: it needs file_access or anon_touch of pages that were'],
        [mine, 'policy mine: it needs file_access or anon_touch of pages that were accessed before, and '],
        [layered, `policy layered: it needs rmdir, and ${path} has none`],
        ['memcg-mount', `policy memcg-mount: it needs mount, and ${path} has none`],
      ] as const) {
        const done = await inProcess(command, path, '--policy', policy);
        expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
        expect(done.stderr).toContain(line);
        expect([done.code, done.stdout]).toEqual([2, '']);
      }
  });
});
