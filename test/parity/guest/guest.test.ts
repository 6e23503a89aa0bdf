/** The guest: what a script printed, apart from its errors, and that nothing outlives a run. Where no kernel is installed, that it is said. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { guestKernel, runOnGuest } from './guest.ts';

/** Processes of guests that run the script. */
const processes = (name: string): string[] =>
  execFileSync('ps', ['-eo', 'stat,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`script=${name}`) && !line.startsWith('Z'));

describe.runIf(guestKernel() !== null)('the guest', () => {
  it('gives back lines, errors and the exit status', async () => {
    const source = 'echo "of $0"; printf "a\\tb\\n\\n"; echo wrong >&2; [ -b /dev/ubdb ]; printf $?; exit 3\n';
    const run = await runOnGuest(source, 'lines.sh');
    expect(run.lines).toEqual(['of /s/lines.sh', 'a\tb', '', '0', 'exit 3']);
    expect(run.stderr).toBe('wrong\n');
    expect(run.totalMs).toBeGreaterThan(run.ms);
    expect(processes('lines.sh')).toEqual([]);
  });

  it('begins anew each time', async () => {
    const source = 'ls /disk /tmp | grep -c mine; touch /disk/mine /tmp/mine; sync\n';
    const first = await runOnGuest(source, 'anew.sh');
    const second = await runOnGuest(source, 'anew.sh');
    expect(first.lines).toEqual(['0', 'exit 0']);
    expect(second.lines).toEqual(first.lines);
  });

  it('ends a script that does not end', async () => {
    await expect(runOnGuest('echo begun; sleep 1000\n', 'endless.sh', 8000)).rejects.toThrow(
      /no end after 8000 ms:.*begun/s,
    );
    expect(processes('endless.sh')).toEqual([]);
  });
});

describe('a machine without the kernel', () => {
  it('says what is missing', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      expect(guestKernel()).toBeNull();
      await expect(runOnGuest('true\n', 'none.sh')).rejects.toThrow('apt-get install user-mode-linux');
    } finally {
      process.env.PATH = path;
    }
  });
});
