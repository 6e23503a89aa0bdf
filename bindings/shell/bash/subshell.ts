/** Shells in processes of their own: what a child forgets, how it ends, who waits for it. */
import { SyscallError } from '../kernel/error.ts';
import type { Process, WaitStatus } from '../kernel/syscalls.ts';
import { CommandFailure, Discard, FunctionReturn, LoopJump, ShellExit } from './flow.ts';
import { reapJobs } from './jobs.ts';
import { Shell } from './shell.ts';
import { signalNumber } from './signals.ts';
import { runExitTrap } from './traps.ts';

const SECOND = 1_000_000_000n;
/** Where make_child() gives up: it sleeps 1, 2, 4 and 8 seconds. */
const FORKSLEEP_MAX = 16n;
/** What a shell ends with that cannot fork. */
const EX_NOFORK = 254;

/**
 * Forks a shell: `run` goes on in the child, which ends with its status. Where there may be no more processes it is tried again, until the
 * end of a child interrupts the sleep between; a shell that cannot fork ends. make_child().
 */
export async function forkShell(shell: Shell, run: (child: Shell) => Promise<number>): Promise<Process> {
  for (let seconds = 1n; ; seconds *= 2n) {
    try {
      return fork(shell, run);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      let { message } = error;
      if (error.errno === 'EAGAIN' && seconds < FORKSLEEP_MAX) {
        await reapJobs(shell);
        await shell.complain(`${shell.errorName}: fork: retry: ${message}`);
        if (await shell.process.sleep(seconds * SECOND)) continue;
        message = new SyscallError('EINTR').message;
      }
      await shell.complain(`${shell.errorName}: fork: ${message}`);
      throw new ShellExit(EX_NOFORK);
    }
  }
}

function fork(shell: Shell, run: (child: Shell) => Promise<number>): Process {
  const copy = new Shell(shell.process, shell);
  return shell.process.fork(async (process) => {
    copy.process = process;
    for (const [name, action] of [...copy.traps]) {
      const signal = signalNumber(name);
      if (signal !== undefined && action !== '') {
        process.sigaction(signal, 'default');
        copy.traps.delete(name);
      } else if (
        name === 'EXIT' ||
        (name === 'ERR' && !copy.option('E')) ||
        (/^(DEBUG|RETURN)$/.test(name) && !copy.option('T'))
      ) {
        copy.traps.delete(name);
      }
    }
    process.sigaction(17, 'default');
    return finish(copy, () => run(copy));
  });
}

/** Runs a shell's body to its end: what leaves it becomes its status; the EXIT trap runs. */
export async function finish(shell: Shell, run: () => Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await run();
  } catch (error) {
    status = statusOf(error);
  }
  shell.status = status;
  return runExitTrap(shell);
}

/** The status that a shell ends with when this leaves it. Other errors pass. */
export function statusOf(error: unknown): number {
  if (error instanceof ShellExit || error instanceof Discard || error instanceof CommandFailure) return error.status;
  if (error instanceof FunctionReturn) return error.status;
  if (error instanceof LoopJump) return 0;
  throw error;
}

/** What `$?` is after a process that ended so. */
export function exitStatus(status: WaitStatus): number {
  return 'exit' in status ? status.exit : 128 + status.signal;
}

/** Waits for a child, through signals whose traps run later. */
export async function waitFor(shell: Shell, pid: number): Promise<WaitStatus> {
  for (;;) {
    try {
      const ended = await shell.process.wait(pid);
      if (ended !== null) {
        await reapJobs(shell);
        return ended.status;
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno === 'EINTR') continue;
      if (error.errno === 'ECHILD') return { exit: 127 };
      throw error;
    }
  }
}
