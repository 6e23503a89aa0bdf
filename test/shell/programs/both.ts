/** Runs a program of the machine and ours with the same files, and tells what both did. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, textOf } from '../../../bindings/shell/kernel/bytes.ts';
import { SyscallError } from '../../../bindings/shell/kernel/error.ts';
import type { Process } from '../../../bindings/shell/kernel/syscalls.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';
import { writeAll } from '../../../bindings/shell/programs/command.ts';
import { PROGRAMS } from '../../../bindings/shell/programs/index.ts';

const ENVIRONMENT = { LC_ALL: 'C', PATH: '/usr/bin:/bin:/usr/sbin:/sbin', TZ: 'UTC', HOME: '/nonexistent' };
const DATE = 1_700_000_000n;

/** The files of every case: path, contents (a directory: null, a link: its target in an array). */
const FILES: readonly (readonly [string, string | null | readonly [string]])[] = [
  ['f', 'alpha\nbeta\ngamma\n'],
  ['g', '10\n9\n2\n33\n1\n'],
  ['e', ''],
  ['n', 'no newline'],
  ['w', 'the quick  brown\tfox\njumps over\n\n\n\nthe lazy dog\n'],
  ['csv', 'a:b:c\n1:2:3\nx\n::\n'],
  ['dup', 'a\na\nb\nB\nb\nc\nc\nc\n'],
  ['bin', Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('')],
  ['long', Array.from({ length: 3000 }, (_, i) => `line ${i + 1}\n`).join('')],
  ['events', 'low 0\nhigh 12\nmax 345\noom 2\noom_kill 1\noom_group_kill 0\n'],
  ['stat', 'anon 1048576\nfile 2097152\nkernel_stack 16384\nworkingset_refault_file 0\nslab 4096\n'],
  ['sp ace', 'sp\n'],
  ['d', null],
  ['d/x', 'x\n'],
  ['d/y', 'y\nyy\n'],
  ['d/sub', null],
  ['d/sub/z', 'z\n'],
  ['l', ['f']],
  ['broken', ['nowhere']],
];

export interface Outcome {
  stdout: string;
  stderr: string;
  /** one status a command */
  status: number[];
  /** what files there are afterwards */
  files: string[];
}

export interface Step {
  argv: string[];
  /** a file that is standard input */
  input: string | undefined;
}

/** Words of a line: blanks separate, '…' and "…" quote, $'…' knows escapes, `;` separates commands, `< FILE` redirects. */
export function stepsOf(line: string): Step[] {
  const steps: Step[] = [{ argv: [], input: undefined }];
  let redirect = false;
  for (const [, c, single, double, bare] of line.matchAll(/\$'((?:[^'\\]|\\.)*)'|'([^']*)'|"([^"]*)"|(\S+)/gs)) {
    const step = steps.at(-1)!;
    const word =
      c !== undefined
        ? (JSON.parse(
            `"${c
              .replaceAll('"', '\\"')
              .replace(/\\([0-7]{3})/g, (_, o) => `\\u00${Number.parseInt(o, 8).toString(16).padStart(2, '0')}`)
              .replace(/\\x(..)/g, '\\u00$1')}"`,
          ) as string)
        : (single ?? double ?? bare!);
    if (bare === ';') steps.push({ argv: [], input: undefined });
    else if (bare === '<') redirect = true;
    else if (redirect) {
      step.input = word;
      redirect = false;
    } else step.argv.push(word);
  }
  return steps;
}

/** The machine's own programs, in a directory of their own. */
export function runReal(steps: readonly Step[]): Outcome {
  const directory = fs.mkdtempSync(join(tmpdir(), 'programs-'));
  try {
    for (const [path, contents] of FILES) {
      const at = join(directory, path);
      if (contents === null) fs.mkdirSync(at);
      else if (typeof contents === 'string') fs.writeFileSync(at, bytesOf(contents), { mode: 0o644 });
      else fs.symlinkSync(contents[0], at);
    }
    for (const [path, contents] of FILES.toReversed())
      if (typeof contents === 'string' || contents === null)
        fs.utimesSync(join(directory, path), Number(DATE), Number(DATE));
    const outcome: Outcome = { stdout: '', stderr: '', status: [], files: [] };
    for (const { argv, input } of steps) {
      const fd = fs.openSync(input === undefined ? '/dev/null' : join(directory, input), 'r');
      const result = spawnSync(argv[0]!, argv.slice(1), {
        cwd: directory,
        env: ENVIRONMENT,
        stdio: [fd, 'pipe', 'pipe'],
        encoding: 'latin1',
        timeout: 20_000,
      });
      fs.closeSync(fd);
      if (result.error !== undefined) throw result.error;
      outcome.stdout += result.stdout;
      outcome.stderr += result.stderr;
      outcome.status.push(result.status ?? 128 + constants.signals[result.signal!]);
    }
    const list = (path: string): void => {
      for (const name of fs.readdirSync(join(directory, path)).sort()) {
        const at = path === '' ? name : `${path}/${name}`;
        const stat = fs.lstatSync(join(directory, at));
        const mode = (stat.mode & 0o7777).toString(8);
        if (stat.isDirectory()) {
          outcome.files.push(`${at}/ ${mode}`);
          list(at);
        } else if (stat.isSymbolicLink()) outcome.files.push(`${at} -> ${fs.readlinkSync(join(directory, at))}`);
        else if (stat.isFIFO()) outcome.files.push(`${at}| ${mode}`);
        else {
          const text = fs.readFileSync(join(directory, at), 'latin1');
          outcome.files.push(`${at} ${mode} ${stat.nlink} ${stat.size} ${JSON.stringify(text.slice(0, 20_000))}`);
        }
      }
    };
    list('');
    return outcome;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

let cases = 0;

/** Ours, in a directory of a world. */
export async function runOurs(world: World, steps: readonly Step[]): Promise<Outcome> {
  const directory = `/tmp/case${cases++}`;
  const outcome: Outcome = { stdout: '', stderr: '', status: [], files: [] };
  await world.runBody(async (process) => {
    await process.mkdir(directory);
    process.chdir(directory);
    for (const [path, contents] of FILES) {
      if (contents === null) await process.mkdir(path);
      else if (typeof contents === 'string') {
        const fd = await process.open(path, { write: true, create: true }, 0o644);
        await writeAll(process, fd, bytesOf(contents));
        process.close(fd);
      } else process.symlink(contents[0], path);
    }
    for (const [path, contents] of FILES)
      if (typeof contents === 'string' || contents === null)
        process.utimes(path, DATE * 1_000_000_000n, DATE * 1_000_000_000n);
    return 0;
  });
  for (const { argv, input } of steps) {
    const result = await world.runBody(async (process) => {
      process.chdir(directory);
      const fd = await process.open(input ?? '/dev/null', { read: true });
      process.dup2(fd, 0);
      process.close(fd);
      const name = argv[0]!;
      return process.exec(name.includes('/') ? name : `/usr/bin/${name}`, argv, new Map(Object.entries(ENVIRONMENT)));
    });
    outcome.stdout += result.stdout;
    outcome.stderr += result.stderr;
    outcome.status.push(result.exit);
  }
  await world.runBody(async (process) => {
    process.chdir(directory);
    await list(process, '', outcome.files);
    process.chdir('/');
    await remove(process, directory);
    return 0;
  });
  return outcome;
}

async function contents(process: Process, path: string, limit: number): Promise<string> {
  const fd = await process.open(path, { read: true });
  const text = textOf(await process.read(fd, limit));
  process.close(fd);
  return text;
}

async function list(process: Process, path: string, files: string[]): Promise<void> {
  for (const name of process.readdir(path === '' ? '.' : path).sort()) {
    const at = path === '' ? name : `${path}/${name}`;
    const stat = process.lstat(at);
    const mode = stat.mode.toString(8);
    if (stat.type === 'directory') {
      files.push(`${at}/ ${mode}`);
      await list(process, at, files);
    } else if (stat.type === 'symlink') files.push(`${at} -> ${process.readlink(at)}`);
    else if (stat.type === 'fifo') files.push(`${at}| ${mode}`);
    else files.push(`${at} ${mode} ${stat.nlink} ${stat.size} ${JSON.stringify(await contents(process, at, 20_000))}`);
  }
}

async function remove(process: Process, path: string): Promise<void> {
  try {
    if (process.lstat(path).type !== 'directory') return await process.unlink(path);
    for (const name of process.readdir(path)) await remove(process, `${path}/${name}`);
    await process.rmdir(path);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** A world with the programs, whose standard files are no terminal. */
export const bootPrograms = (): Promise<World> => World.boot({ programs: PROGRAMS, tty: false });
