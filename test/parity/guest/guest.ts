/**
 * The real kernel: runs a script in a guest of User Mode Linux (Debian's `user-mode-linux`, Linux 6.1 as an ordinary process), built once by
 * build.sh from this machine's own programs and kept under build/. Each run is a boot of its own, on an empty disk.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { performance } from 'node:perf_hooks';

const here = import.meta.dirname;
const build = join(here, '../../../build');

/** What a script did on the real kernel. */
export interface GuestRun {
  /** Standard output, line by line; the last line is `exit N`. */
  readonly lines: readonly string[];
  /** Standard error as text. */
  readonly stderr: string;
  /** Milliseconds from the script's start to its end. */
  readonly ms: number;
  /** Milliseconds with boot. */
  readonly totalMs: number;
}

/** Where the kernel is, or null if this machine has none. */
export function guestKernel(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'linux.uml');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/**
 * The guest's folder, built unless one made of the same sources is there. Several processes may ask at a time: each builds its own, the
 * first to be ready stays.
 * @throws Error when the machine lacks a program that the guest needs.
 */
function builtGuest(): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(here).sort()) {
    if (!file.endsWith('.ts')) hash.update(readFileSync(join(here, file)));
  }
  const guest = join(build, `guest-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(guest)) return guest;
  mkdirSync(build, { recursive: true });
  const mine = mkdtempSync(join(build, 'making-guest-'));
  try {
    execFileSync('bash', [join(here, 'build.sh'), mine], { stdio: ['ignore', 'ignore', 'inherit'] });
    try {
      renameSync(mine, guest);
    } catch (error) {
      if (!existsSync(guest)) throw error;
    }
    return guest;
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
}

/** What init writes to standard error after the script. */
const END = '--- end\n';

/** The guests that run, by the process group of each, and their folders. */
const running = new Map<number, string>();

/** Ends a guest: all processes of its group, whatever is left of them. */
function end(leader: number): void {
  running.delete(leader);
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nothing is left.
  }
}

function endAll(): void {
  for (const [leader, folder] of running) {
    end(leader);
    rmSync(folder, { recursive: true, force: true });
  }
}

let watched = false;
/** A guest is a session of its own: when this process is ended, nobody else would end it. */
function watch(): void {
  if (watched) return;
  watched = true;
  process.on('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endAll();
      process.kill(process.pid, signal);
    });
  }
}

/**
 * Boots the guest and runs a script there; everything that was started is gone when this returns.
 * @param source the script's text
 * @param name the script's file name: `$0` is `/s/NAME`
 * @throws Error when the kernel does not boot, or the script has not ended after `timeoutMs`
 */
export async function runOnGuest(source: string, name: string, timeoutMs = 120_000): Promise<GuestRun> {
  const kernel = guestKernel();
  if (kernel === null) throw new Error('linux.uml: not found (apt-get install user-mode-linux)');
  const guest = builtGuest();
  const folder = mkdtempSync(join(tmpdir(), 'memcharge-guest-'));
  try {
    for (const image of ['disk.img', 'swap.img']) {
      execFileSync('cp', ['--sparse=always', join(guest, image), folder]);
    }
    writeFileSync(join(folder, name), source);
    return await boot(kernel, guest, folder, name, timeoutMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function boot(kernel: string, guest: string, folder: string, name: string, timeoutMs: number): Promise<GuestRun> {
  const started = performance.now();
  const child = spawn(
    // Without randomised addresses every boot has the same number of pages.
    'setarch',
    [
      '-R',
      kernel,
      'mem=1G',
      'rootfstype=hostfs',
      `rootflags=${join(guest, 'root')}`,
      'ro',
      'init=/init',
      `ubd0=${join(folder, 'disk.img')}`,
      `ubd1=${join(folder, 'swap.img')}`,
      'con=null',
      'con0=null,fd:1',
      'con1=null,fd:3',
      `uml_dir=${folder}`,
      'quiet',
      // Both only measure how fast the host computes parity, for half of the boot's time.
      'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks',
      'loglevel=1',
      `run=${folder}`,
      `script=${name}`,
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'ignore', 'pipe'] },
  );
  watch();
  if (child.pid !== undefined) running.set(child.pid, folder);
  return new Promise((resolve, reject) => {
    let text = '';
    let stderr = '';
    let begun = 0;
    const timer = setTimeout(
      () => finish(new Error(`${name}: no end after ${timeoutMs} ms:\n${text}${stderr}`)),
      timeoutMs,
    );
    const finish = (result: GuestRun | Error): void => {
      clearTimeout(timer);
      if (child.pid !== undefined) end(child.pid);
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const read = (): void => {
      const script = /--- begin\n([\s\S]*)--- exit (\d+)\n/.exec(text);
      if (script === null || !stderr.endsWith(END)) return;
      const now = performance.now();
      const lines = script[1]!.split('\n');
      if (lines.at(-1) === '') lines.pop();
      lines.push(`exit ${script[2]}`);
      finish({ lines, stderr: stderr.slice(0, -END.length), ms: now - begun, totalMs: now - started });
    };
    child.stdio[3]!.on('data', (chunk: Buffer) => {
      stderr += chunk.toString().replaceAll('\r', '');
      read();
    });
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString().replaceAll('\r', '');
      if (begun === 0 && text.includes('--- begin\n')) begun = performance.now();
      read();
    });
    child.on('error', finish);
    child.on('close', () => finish(new Error(`${name}: the guest stopped early:\n${text}${stderr}`)));
  });
}
