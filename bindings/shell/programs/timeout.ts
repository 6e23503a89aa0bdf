/** timeout(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program, WaitStatus } from '../kernel/syscalls.ts';
import { type Command, command, complain } from './command.ts';
import { execvp, notRun, statusOf } from './execute.ts';
import { parseDuration } from './numbers.ts';
import { quote } from './quote.ts';
import { signalName, signalNumber } from './signal-names.ts';

/** it timed out, or failed itself */
const TIMED_OUT = 124;
const CANCELED = 125;
const SIGCHLD = 17;
const SIGTTIN = 21;
const SIGTTOU = 22;
/** SIGHUP, SIGINT, SIGQUIT, SIGTERM and the end of the program */
const CAUGHT = [1, 2, 3, 15, SIGCHLD];
const FOREVER = 2n ** 62n;
const SIGTERM = 15;
const SIGKILL = 9;
const SIGCONT = 18;

const LONG = {
  'kill-after=': 'k',
  'signal=': 's',
  verbose: 'v',
  foreground: 'foreground',
  'preserve-status': 'preserve',
};

export const timeout: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('+k:s:v', LONG);
    const durationOf = (text: string): bigint => {
      const duration = parseDuration(text);
      if (duration === undefined) c.usage(`invalid time interval ${quote(text)}`);
      return duration;
    };
    let signal = SIGTERM;
    let killAfter = 0n;
    let foreground = false;
    let preserve = false;
    let verbose = false;
    for (const { key, value } of options) {
      if (key === 'k') killAfter = durationOf(value);
      else if (key === 's') {
        const number = signalNumber(value);
        if (number === undefined) c.usage(`${quote(value)}: invalid signal`);
        signal = number;
      } else if (key === 'foreground') foreground = true;
      else if (key === 'preserve') preserve = true;
      else verbose = true;
    }
    if (operands.length < 2) c.usage('');
    const duration = durationOf(operands[0]!);
    const words = operands.slice(1);
    const p = c.process;
    if (!foreground) p.setpgid(0, 0);
    let timedOut = false;
    // Signals are noted by their handlers, and looked at where the program sleeps.
    const caught: number[] = [];
    const note = (number: number) => {
      if (number !== SIGCHLD) caught.push(number);
    };
    for (const number of CAUGHT) p.sigaction(number, note);
    for (const number of [SIGTTIN, SIGTTOU]) p.sigaction(number, 'ignore');
    const child = p.fork(async (self) => {
      for (const number of [...CAUGHT, SIGTTIN, SIGTTOU]) self.sigaction(number, 'default');
      try {
        return await execvp(self, words);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        await complain(self, `${c.name}: failed to run command ${quote(words[0]!)}: ${error.message}\n`);
        return notRun(error);
      }
    });
    let deadline = duration > 0n ? p.now + duration : undefined;
    for (;;) {
      const ended = await p.wait(child.pid, { nohang: true });
      if (ended !== null) return end(p, ended.status, timedOut, preserve);
      let send = caught.shift();
      if (send === undefined) {
        if (deadline === undefined) await p.sleep(FOREVER);
        else if (p.now < deadline) await p.sleep(deadline - p.now);
        if (deadline === undefined || p.now < deadline) continue;
        deadline = undefined;
        timedOut = true;
        send = signal;
        if (verbose) await c.warn(`sending signal ${signalName(send)} to command ${quote(words[0]!)}`);
      }
      if (killAfter > 0n) {
        signal = SIGKILL;
        deadline = p.now + killAfter;
        killAfter = 0n;
      }
      deliver(p, child.pid, send);
      if (foreground) continue;
      // Its whole group gets the signal; itself only one that cannot be ignored.
      if (send !== SIGKILL) p.sigaction(send, 'ignore');
      deliver(p, 0, send);
      if (send !== SIGKILL && send !== SIGCONT) {
        deliver(p, child.pid, SIGCONT);
        deliver(p, 0, SIGCONT);
      }
    }
  },
  { trouble: CANCELED },
);

/** The status of the program that was watched; who was killed by a signal hands it on. */
function end(process: Process, status: WaitStatus, timedOut: boolean, preserve: boolean): number {
  if ('signal' in status && !timedOut) {
    if (status.signal !== SIGKILL) process.sigaction(status.signal, 'default');
    process.kill(process.pid, status.signal);
  }
  const killed = 'signal' in status && status.signal === SIGKILL;
  return timedOut && !preserve && !killed ? TIMED_OUT : statusOf(status);
}

function deliver(process: Process, pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
