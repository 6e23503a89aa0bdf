/** Programs: where they are found, how a process becomes one, and what is said if it cannot. */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import { callFunction, runScriptText } from './execute.ts';
import { printable } from './quoting.ts';
import { Shell } from './shell.ts';

/** Is this a file that may be executed? */
function executable(shell: Shell, path: string): boolean {
  try {
    return shell.process.stat(path).type === 'file' && shell.process.access(path, { execute: true });
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** All paths of a command in PATH. */
export function allPaths(shell: Shell, name: string, path = shell.get('PATH') ?? ''): string[] {
  const found: string[] = [];
  for (const directory of path.split(':')) {
    const candidate = directory === '' || directory === '.' ? `./${name}` : `${directory.replace(/\/$/, '')}/${name}`;
    if (executable(shell, candidate)) found.push(candidate);
  }
  return found;
}

/** The path of a command, remembered; undefined if there is none. `path` instead of PATH: not remembered. */
export function searchPath(shell: Shell, name: string, path?: string): string | undefined {
  if (path !== undefined) return allPaths(shell, name, path)[0];
  const known = shell.hash.get(name);
  if (known) {
    known.hits++;
    return known.path;
  }
  let candidate: string | undefined;
  for (const directory of (shell.get('PATH') ?? '').split(':')) {
    const at = directory === '' || directory === '.' ? `./${name}` : `${directory.replace(/\/$/, '')}/${name}`;
    if (executable(shell, at)) {
      candidate = at;
      break;
    }
  }
  if (candidate?.startsWith('/')) shell.hash.set(name, { path: candidate, hits: 1 });
  return candidate;
}

/** The process becomes the program: never returns but with an error's status. */
export async function runProgram(
  shell: Shell,
  path: string | undefined,
  argv: readonly string[],
  environment: Map<string, string>,
): Promise<number> {
  const name = argv[0]!;
  if (path === undefined) {
    const handler = shell.functions.get('command_not_found_handle');
    if (handler) {
      return callFunction(shell, 'command_not_found_handle', handler, ['command_not_found_handle', ...argv]);
    }
    await shell.error(`${printable(name)}: command not found`);
    return 127;
  }
  environment.set('_', path);
  try {
    const status = await shell.process.exec(path, argv, environment);
    return shell.process.exit(status);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === 'ENOEXEC') return runUnmarked(shell, path, argv);
    let directory = false;
    try {
      directory = shell.process.stat(path).type === 'directory';
    } catch (inner) {
      if (!(inner instanceof SyscallError)) throw inner;
    }
    if (directory) {
      await shell.error(`${path}: Is a directory`);
      return 126;
    }
    if (error.errno === 'ENOENT') {
      const interpreter = await interpreterOf(shell, path);
      if (interpreter !== undefined) {
        await shell.error(`${path}: ${interpreter}: bad interpreter: No such file or directory`);
        return 127;
      }
    }
    await shell.error(`${path}: ${error.message}`);
    return error.errno === 'ENOENT' ? 127 : 126;
  }
}

async function read(shell: Shell, path: string): Promise<string> {
  const fd = await shell.process.open(path, { read: true });
  let text = '';
  for (;;) {
    const bytes = await shell.process.read(fd, 65536);
    if (bytes.length === 0) break;
    text += textOf(bytes);
  }
  shell.process.close(fd);
  return text;
}

async function interpreterOf(shell: Shell, path: string): Promise<string | undefined> {
  try {
    const text = await read(shell, path);
    return /^#![ \t]*([^ \t\n]+)/.exec(text)?.[1];
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** A file without an interpreter's line: the shell forgets what it was and reads it. */
async function runUnmarked(shell: Shell, path: string, argv: readonly string[]): Promise<number> {
  const text = await read(shell, path);
  if (text.slice(0, 80).split('\n')[0]!.includes('\0')) {
    await shell.error(`${path}: cannot execute binary file: Exec format error`);
    return 126;
  }
  const fresh = new Shell(shell.process);
  fresh.begin(shell.environment());
  fresh.arg0 = path;
  fresh.positional = argv.slice(1);
  fresh.frames = [{ kind: 'main', name: 'main', file: path, line: 0 }];
  return runScriptText(fresh, text, path);
}
