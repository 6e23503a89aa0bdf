/** Signals by name, as kill -l has them. */

const NAMES = [
  ...[
    'EXIT',
    'HUP',
    'INT',
    'QUIT',
    'ILL',
    'TRAP',
    'ABRT',
    'BUS',
    'FPE',
    'KILL',
    'USR1',
    'SEGV',
    'USR2',
    'PIPE',
    'ALRM',
  ],
  ...['TERM', 'STKFLT', 'CHLD', 'CONT', 'STOP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'XCPU', 'XFSZ', 'VTALRM', 'PROF'],
  ...['WINCH', 'POLL', 'PWR', 'SYS'],
];
const SIGRTMIN = 34;
const SIGRTMAX = 64;
const ALIASES: Readonly<Record<string, number>> = { CLD: 17, IO: 29, IOT: 6 };

/** The number of `KILL`, `SIGKILL`, `9`, `RTMIN+1`; undefined when there is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= SIGRTMAX ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const real = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (real !== null) {
    const base = real[1] === 'MIN' ? SIGRTMIN : SIGRTMAX;
    return base + (real[2] === '-' ? -1 : 1) * Number(real[3] ?? 0);
  }
  const number = NAMES.indexOf(name);
  return number >= 0 ? number : ALIASES[name];
}

/** `KILL` of 9. */
export function signalName(number: number): string | undefined {
  if (number < NAMES.length) return NAMES[number];
  if (number === SIGRTMIN) return 'RTMIN';
  if (number === SIGRTMAX) return 'RTMAX';
  if (number < SIGRTMIN || number > SIGRTMAX) return undefined;
  return number <= 49 ? `RTMIN+${number - SIGRTMIN}` : `RTMAX-${SIGRTMAX - number}`;
}
