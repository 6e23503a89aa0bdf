/** Signals of Linux: numbers, names without SIG, and what strsignal(3) says of them. */

const TABLE: readonly (readonly [number, string, string])[] = [
  [1, 'HUP', 'Hangup'],
  [2, 'INT', 'Interrupt'],
  [3, 'QUIT', 'Quit'],
  [4, 'ILL', 'Illegal instruction'],
  [5, 'TRAP', 'Trace/breakpoint trap'],
  [6, 'ABRT', 'Aborted'],
  [7, 'BUS', 'Bus error'],
  [8, 'FPE', 'Floating point exception'],
  [9, 'KILL', 'Killed'],
  [10, 'USR1', 'User defined signal 1'],
  [11, 'SEGV', 'Segmentation fault'],
  [12, 'USR2', 'User defined signal 2'],
  [13, 'PIPE', 'Broken pipe'],
  [14, 'ALRM', 'Alarm clock'],
  [15, 'TERM', 'Terminated'],
  [16, 'STKFLT', 'Stack fault'],
  [17, 'CHLD', 'Child exited'],
  [18, 'CONT', 'Continued'],
  [19, 'STOP', 'Stopped (signal)'],
  [20, 'TSTP', 'Stopped'],
  [21, 'TTIN', 'Stopped (tty input)'],
  [22, 'TTOU', 'Stopped (tty output)'],
  [23, 'URG', 'Urgent I/O condition'],
  [24, 'XCPU', 'CPU time limit exceeded'],
  [25, 'XFSZ', 'File size limit exceeded'],
  [26, 'VTALRM', 'Virtual timer expired'],
  [27, 'PROF', 'Profiling timer expired'],
  [28, 'WINCH', 'Window changed'],
  [29, 'IO', 'I/O possible'],
  [30, 'PWR', 'Power failure'],
  [31, 'SYS', 'Bad system call'],
];

/** The name of a signal without SIG; undefined if there is none of the number. */
export function signalName(number: number): string | undefined {
  const known = TABLE.find((row) => row[0] === number);
  if (known) return known[1];
  if (number === 34) return 'RTMIN';
  if (number === 64) return 'RTMAX';
  if (number > 34 && number <= 49) return `RTMIN+${number - 34}`;
  if (number > 49 && number < 64) return `RTMAX-${64 - number}`;
  return undefined;
}

/** The number of a signal by name (with or without SIG, any case) or number; undefined if there is none. */
export function signalNumber(text: string): number | undefined {
  if (/^[0-9]+$/.test(text)) {
    const number = Number(text);
    return number === 0 || signalName(number) !== undefined ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  for (let number = 1; number <= 64; number++) if (signalName(number) === name) return number;
  return undefined;
}

/** `Killed` */
export function signalText(number: number): string {
  return TABLE.find((row) => row[0] === number)?.[2] ?? `Unknown signal ${number}`;
}
