/** `memcharge compare` and `replay --policy`: what they print, and one line for what cannot be. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { optionsOf } from '../../bindings/generate/scenario.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import type { CompareResult } from '../../bindings/report/compare-result.ts';
import { QUESTIONS } from '../../bindings/report/compare-result.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

const MIB = 2 ** 20;

async function sharedFile(): Promise<string> {
  const trace = new TraceBuilder();
  shared.build(trace, optionsOf(shared, { order: 'a,b' }));
  const path = join(scratch(), 'shared.arrow');
  await trace.write(path);
  return path;
}

describe('compare', () => {
  it('prints a table a question, with sizes as memory.max has them', async () => {
    const path = await sharedFile();
    const done = await memcharge(['compare', path, '--policy', 'linux,common-ancestor', '--question', 'movement']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const lines = done.stdout.split('\n').map((line) => line.replace(/ +/g, ' '));
    expect(lines.slice(0, 5)).toEqual([
      'memory.current linux common-ancestor',
      '-------------- ----- ---------------',
      '/pod 32M 32M',
      '/pod/a 32M 0',
      '/pod/b 0 0',
    ]);
    expect(lines).toContain('total common-ancestor 8192 8192 0 0 0 0');
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
    expect(linux!.cgroups['/pod/a']!['memory.current']).toBe(32 * MIB);
    expect(common!.flows).toEqual([{ kind: 'moved', from: '/pod/a', to: '/pod', pages: 8192 }]);
    expect(common!.uses).toEqual({ users: ['/pod/a', '/pod/b'], payers: ['/pod'], bytes: [[16 * MIB], [16 * MIB]] });
    const { ts, cgroups } = linux!.series;
    for (const columns of Object.values(cgroups))
      for (const column of Object.values(columns)) expect(column).toHaveLength(ts.length);
    expect(cgroups['/pod/a']!.shmem.at(-1)).toBe(32 * MIB);
    expect(result.verdict.map(({ question }) => question)).toEqual(QUESTIONS.filter((name) => name !== 'determinism'));
  });

  it('takes a script as well', async () => {
    const path = join(scratch(), 'two.sh');
    writeFileSync(
      path,
      '#!/bin/bash\nC=/sys/fs/cgroup; mkdir $C/a; (echo $BASHPID > $C/a/cgroup.procs; dd if=/dev/zero of=/tmp/f bs=1M count=8 2>/dev/null)\nsleep 1; echo done\n',
    );
    const done = await memcharge(['compare', path, '--policy', 'linux,root-only', '--json']);
    expect(done).toMatchObject({ code: 0 });
    const { trace, policies } = JSON.parse(done.stdout) as CompareResult;
    expect(trace.kind).toBe('script');
    for (const { script } of policies) expect(script).toMatchObject({ stdout: 'done\n', exit: 0 });
    const shmem = policies.map(({ cgroups }) => cgroups['/a']!.questions.attribution.charged);
    expect(shmem[0]).toBeGreaterThanOrEqual(8 * MIB);
    expect(shmem[1]).toBe(0);
    expect(policies[1]!.totals.stranded.unpaid).toBeGreaterThanOrEqual(8 * MIB);
    const refused = await memcharge(['compare', path, '--policy', 'linux', '--shuffle', '3']);
    expect(refused).toMatchObject({ code: 2, stderr: `memcharge: --shuffle: for traces, and ${path} is a script\n` });
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
      const done = await memcharge(['compare', path, ...args]);
      expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
      expect(done.stderr).toContain(line);
      expect([done.code, done.stdout]).toEqual([2, '']);
    }
    expect(await memcharge(['compare', path])).toMatchObject({ code: 2, stdout: '' });
    expect(await memcharge(['compare', '/none.arrow', '--policy', 'linux'])).toMatchObject({
      code: 2,
      stderr: 'memcharge: /none.arrow: no such file or directory\n',
    });
  });
});

describe('replay --policy', () => {
  it('answers an array for several, an object for one, with what the policy did', async () => {
    const path = await sharedFile();
    const both = await memcharge(['replay', path, '--policy', 'linux,common-ancestor', '--json', '--audit']);
    expect(both).toMatchObject({ code: 0, stderr: '' });
    const [linux, common] = JSON.parse(both.stdout);
    expect([linux.policy, common.policy]).toEqual(['linux', 'common-ancestor']);
    expect(common.cgroups['/pod'].memcharge).toMatchObject({ moved: 32 * MIB, moved_out: 0, proportional: 32 * MIB });
    expect(linux.cgroups['/pod/b'].memcharge).toMatchObject({
      proportional: 16 * MIB,
      refused: { enospc: {}, enomem: {}, edquot: {}, sigbus: {} },
      stranded_byte_ns: 0,
    });
    const one = JSON.parse((await memcharge(['replay', path, '--policy', 'linux', '--json'])).stdout);
    const none = JSON.parse((await memcharge(['replay', path, '--json'])).stdout);
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
      const done = await memcharge(['replay', path, ...args]);
      expect(done.stderr).toMatch(/^memcharge: [^\n]*\n$/);
      expect(done.stderr).toContain(line);
      expect([done.code, done.stdout]).toEqual([2, '']);
    }
    const stdin = await memcharge(['replay', '-', '--policy', 'linux,root-only']);
    expect(stdin).toMatchObject({ code: 2, stdout: '' });
  });
});
