/** Runs scripts by the bash of this machine and by the executor, and shows both the same way. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bash } from '../../../bindings/shell/bash/bash.ts';
import { byteString, bytesOf } from '../../../bindings/shell/kernel/bytes.ts';
import type { Program } from '../../../bindings/shell/kernel/syscalls.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';
import { cat } from '../../../bindings/shell/programs/cat.ts';
import { head } from '../../../bindings/shell/programs/head.ts';
import { ls } from '../../../bindings/shell/programs/ls.ts';
import { mkdir } from '../../../bindings/shell/programs/mkdir.ts';
import { rm } from '../../../bindings/shell/programs/rm.ts';
import { seq } from '../../../bindings/shell/programs/seq.ts';
import { sleep } from '../../../bindings/shell/programs/sleep.ts';
import { tail } from '../../../bindings/shell/programs/tail.ts';
import { touch } from '../../../bindings/shell/programs/touch.ts';
import { wc } from '../../../bindings/shell/programs/wc.ts';

export interface Outcome {
  stdout: string;
  stderr: string;
  exit: number;
}

const PROGRAMS = new Map<string, Program>(
  Object.entries({ bash, cat, head, ls, mkdir, rm, seq, sleep, tail, touch, wc }),
);
const ENVIRONMENT = { HOME: '/', LC_ALL: 'C', PATH: '/usr/bin' };
const LIMIT = 10_000;

/** Process ids are not the same twice. */
function settled(text: string): string {
  return text
    .replace(
      /^(.*: line \d+:) +\d+ (Killed|Aborted|Segmentation|Done|Exit|User|Hangup|Quit|Bus|Alarm| {23})/gm,
      '$1 PID $2',
    )
    .replace(/^ {4,}\d+ (Killed|Aborted|Segmentation|Done|Exit|User|Hangup|Quit|Bus|Alarm| {23})/gm, '     PID $1');
}

/** What the bash of this machine makes of a script, in an empty directory. */
export function realBash(script: string, args: readonly string[] = ['s']): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'memcharge-bash-'));
  try {
    writeFileSync(join(directory, 's'), Buffer.from(byteString(script), 'latin1'));
    const done = spawnSync('/usr/bin/bash', [...args], {
      cwd: directory,
      env: ENVIRONMENT,
      argv0: 'bash',
      timeout: LIMIT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (done.error) throw done.error;
    return {
      stdout: done.stdout.toString('latin1').replaceAll(directory, '/tmp/w'),
      stderr: settled(done.stderr.toString('latin1').replaceAll(directory, '/tmp/w')),
      exit: done.status ?? 128 + 9,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The executor in a world: booted once for many scripts. */
export class Executor {
  private readonly world: World;
  private runs = 0;

  private constructor(world: World) {
    this.world = world;
  }

  static async boot(): Promise<Executor> {
    return new Executor(await World.boot({ kernel: '6.1', programs: PROGRAMS, tty: false }));
  }

  async run(script: string, args: readonly string[] = ['s']): Promise<Outcome> {
    const directory = `/tmp/w${++this.runs}`;
    const { stdout, stderr, exit } = await this.world.runBody(async (process) => {
      await process.mkdir(directory);
      process.chdir(directory);
      const fd = await process.open('s', { write: true, create: true }, 0o644);
      await process.write(fd, bytesOf(byteString(script)));
      process.close(fd);
      const nothing = await process.open('/dev/null', { read: true });
      process.dup2(nothing, 0);
      process.close(nothing);
      return process.exec('/usr/bin/bash', ['bash', ...args], new Map(Object.entries(ENVIRONMENT)));
    });
    return {
      stdout: stdout.replaceAll(directory, '/tmp/w'),
      stderr: settled(stderr.replaceAll(directory, '/tmp/w')),
      exit,
    };
  }
}
