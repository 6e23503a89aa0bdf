/** Running other programs: execvp(3) over PATH, and children. */
import { SyscallError } from '../kernel/error.ts';
import type { Process, WaitStatus } from '../kernel/syscalls.ts';

/** What execvp(3) falls back to */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * execvp(3): resolves to the program's exit status. Every directory of PATH is tried.
 * @throws SyscallError when nothing could be executed: EACCES if that was the trouble of any, else what came last
 */
export async function execvp(
  process: Process,
  argv: readonly string[],
  env: ReadonlyMap<string, string> = process.env,
): Promise<number> {
  const name = argv[0] ?? '';
  if (name === '') throw new SyscallError('ENOENT');
  if (name.includes('/')) return runFile(process, name, argv, env);
  let refused: SyscallError | undefined;
  for (const directory of (process.env.get('PATH') ?? DEFAULT_PATH).split(':')) {
    try {
      return await runFile(process, directory === '' ? name : `${directory}/${name}`, argv, env);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno === 'EACCES') refused = error;
      else if (error.errno !== 'ENOENT' && error.errno !== 'ENOTDIR') throw error;
    }
  }
  throw refused ?? new SyscallError('ENOENT');
}

/** execve(2), and a shell for a script without `#!`. */
async function runFile(
  process: Process,
  path: string,
  argv: readonly string[],
  env: ReadonlyMap<string, string>,
): Promise<number> {
  try {
    return await process.exec(path, argv, env);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== 'ENOEXEC') throw error;
    return process.exec('/bin/sh', ['/bin/sh', path, ...argv.slice(1)], env);
  }
}

/** 127 for a program that does not exist, 126 for one that cannot be run. */
export const notRun = (error: SyscallError): number => (error.errno === 'ENOENT' ? 127 : 126);

/** The status as a shell sees it. */
export const statusOf = (status: WaitStatus): number => ('exit' in status ? status.exit : 128 + status.signal);

/** waitpid(2) through handlers of signals. */
export async function waitFor(process: Process, pid: number): Promise<WaitStatus> {
  for (;;) {
    try {
      return (await process.wait(pid))!.status;
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== 'EINTR') throw error;
    }
  }
}
