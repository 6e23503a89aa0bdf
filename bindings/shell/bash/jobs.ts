/** Jobs: what runs in the background, what became of it, and what bash says of those that were killed. */
import { SyscallError } from '../kernel/error.ts';
import type { WaitStatus } from '../kernel/syscalls.ts';
import type { Shell } from './shell.ts';
import { signalText } from './signals.ts';

const SIGINT = 2;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGCHLD = 17;

export interface Job {
  number: number;
  /** of a pipeline, first to last; the last is `$!` */
  processes: { pid: number; text: string; status: WaitStatus | undefined }[];
  /** the whole command */
  text: string;
  /** its end has been told, or need not be */
  notified: boolean;
}

/** Has the job ended? */
export function isDone(job: Job): boolean {
  return job.processes.every((process) => process.status !== undefined);
}

/** `Killed`, `Exit 3`, `Done`, `Running`. */
export function stateText(status: WaitStatus | undefined): string {
  if (status === undefined) return 'Running';
  if ('signal' in status) return signalText(status.signal);
  return status.exit === 0 ? 'Done' : `Exit ${status.exit}`;
}

/** Notes a background job: the last of its pids is `$!`. */
export function addJob(shell: Shell, processes: { pid: number; text: string }[], text: string): Job {
  const number = Math.max(0, ...shell.jobs.map((job) => job.number)) + 1;
  const job: Job = {
    number,
    processes: processes.map((process) => ({ ...process, status: undefined })),
    text,
    notified: false,
  };
  shell.jobs.push(job);
  shell.backgroundPid = processes.at(-1)!.pid;
  if (shell.process.disposition(SIGCHLD) === 'default') {
    shell.process.sigaction(SIGCHLD, () => {
      shell.childEnded = true;
    });
  }
  return job;
}

/** What `jobs` shows, oldest first. */
export function shownJobs(shell: Shell): readonly Job[] {
  return [...shell.inheritedJobs, ...shell.jobs];
}

/** For a child of the shell: its jobs as they are now. */
export function knownJobs(shell: Shell): readonly Job[] {
  return shownJobs(shell).map((job) => ({ ...job, processes: job.processes.map((process) => ({ ...process })) }));
}

/** Collects background processes that have ended. */
export async function reapJobs(shell: Shell): Promise<void> {
  if (!shell.childEnded) return;
  shell.childEnded = false;
  for (const job of shell.jobs) {
    for (const process of job.processes) {
      if (process.status !== undefined) continue;
      try {
        const ended = await shell.process.wait(process.pid, { nohang: true });
        if (ended !== null) note(shell, process, ended.status);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        if (error.errno === 'ECHILD') process.status = { exit: 127 };
        else shell.childEnded = true;
      }
    }
  }
}

function note(shell: Shell, process: Job['processes'][number], status: WaitStatus): void {
  process.status = status;
  shell.ended.set(process.pid, 'exit' in status ? status.exit : 128 + status.signal);
}

/** Waits for a process of a job. `interrupted`: a signal came first. */
export async function waitForJobProcess(
  shell: Shell,
  process: Job['processes'][number],
): Promise<'ended' | 'interrupted'> {
  while (process.status === undefined) {
    try {
      const ended = await shell.process.wait(process.pid);
      if (ended !== null) note(shell, process, ended.status);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno === 'EINTR') {
        if (shell.pending.length > 0) return 'interrupted';
      } else process.status = { exit: 127 };
    }
  }
  return 'ended';
}

const WIDTH = 24;

/** The lines of a job that was killed: a line a process. */
function killedLines(processes: Job['processes'], text: string): string {
  const lines: string[] = [];
  for (const [i, process] of processes.entries()) {
    const state = stateText(process.status);
    const same = i > 0 && stateText(processes[i - 1]!.status) === state;
    const shown = processes.length === 1 ? text : process.text;
    const pid = i === 0 ? String(process.pid).padStart(5) : `     ${process.pid}`;
    lines.push(`${pid} ${(same ? '' : state).padEnd(WIDTH - 1)} ${i === 0 ? '' : '| '}${shown}`);
  }
  return lines.join('\n');
}

/** Does bash tell of a process that ended so? */
function told(shell: Shell, status: WaitStatus | undefined): status is { signal: number } {
  if (status === undefined || !('signal' in status)) return false;
  const { signal } = status;
  return signal !== SIGINT && signal !== SIGTERM && signal !== SIGPIPE && !isTrapped(shell, signal);
}

function isTrapped(shell: Shell, signal: number): boolean {
  const disposition = shell.process.disposition(signal);
  return typeof disposition === 'function' && signal !== SIGCHLD;
}

/** What is printed when a foreground command has ended by a signal; then of background jobs that did. */
export async function notifyForeground(shell: Shell, processes: Job['processes'], text: () => string): Promise<void> {
  const last = processes.at(-1)!.status;
  const line = shell.contextLine;
  if (shell.substituting) {
    await notifyJobs(shell, line);
    return;
  }
  if (told(shell, last)) {
    await shell.complain(`${shell.errorName}: line ${line}: ${killedLines(processes, text())}`);
  } else if (last !== undefined && 'signal' in last && last.signal === SIGTERM && !isTrapped(shell, SIGTERM)) {
    await shell.complain(signalText(SIGTERM));
  } else if (last !== undefined && 'signal' in last && last.signal === SIGINT) {
    await shell.complain('');
  }
  await notifyJobs(shell, line);
}

/** Tells of background jobs that were killed, and forgets those that ended. */
export async function notifyJobs(shell: Shell, line = shell.line): Promise<void> {
  await reapJobs(shell);
  if (shell.jobs.length === 0) return;
  for (const job of shell.jobs) {
    if (!isDone(job) || job.notified) continue;
    job.notified = true;
    if (!shell.substituting && told(shell, job.processes.at(-1)!.status)) {
      await shell.complain(`${shell.errorName}: line ${line}: ${killedLines(job.processes, job.text)}`);
    }
  }
  shell.jobs = shell.jobs.filter((job) => !(isDone(job) && job.notified));
}

/** The job that `%…` names; undefined if there is none. */
export function findJob(shell: Shell, spec: string): Job | undefined {
  const text = spec.slice(1);
  if (text === '' || text === '%' || text === '+') return shell.jobs.at(-1);
  if (text === '-') return shell.jobs.at(-2) ?? shell.jobs.at(-1);
  if (/^[0-9]+$/.test(text)) return shell.jobs.find((job) => job.number === Number(text));
  if (text.startsWith('?')) return shell.jobs.find((job) => job.text.includes(text.slice(1)));
  return shell.jobs.find((job) => job.text.startsWith(text));
}
