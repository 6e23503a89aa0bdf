/** Signals of x86, their numbers and what they do unless told otherwise. signal(7). */

export const SIGNALS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};

export const SIGBUS = 7;
export const SIGKILL = 9;
export const SIGSEGV = 11;
export const SIGPIPE = 13;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
/** _NSIG */
export const NSIG = 64;

const IGNORED = new Set([SIGCHLD, SIGCONT, 23, 28]);
const STOPPING = new Set([SIGSTOP, 20, 21, 22]);

/** What SIG_DFL does. */
export function defaultAction(signal: number): 'terminate' | 'ignore' | 'stop' {
  if (IGNORED.has(signal)) return 'ignore';
  return STOPPING.has(signal) ? 'stop' : 'terminate';
}
