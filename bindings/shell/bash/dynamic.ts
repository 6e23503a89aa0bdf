/** Variables whose value is made up when they are read. */
import type { Shell } from './shell.ts';
import { IndexedArray, type Value } from './variables.ts';

/** bash's own generator: Park and Miller's minimal standard, folded to 15 bits. */
function nextRandom(shell: Shell): number {
  const seed = shell.random === 0 ? 123459876 : shell.random;
  let next = 16807 * (seed % 127773) - 2836 * Math.floor(seed / 127773);
  if (next < 0) next += 0x7fffffff;
  shell.random = next;
  return ((next >>> 16) ^ (next & 0xffff)) & 0x7fff;
}

const TABLE: Readonly<Record<string, { get: (shell: Shell) => Value; set?: (shell: Shell, value: string) => void }>> = {
  RANDOM: {
    get: (shell) => String(nextRandom(shell)),
    set: (shell, value) => {
      shell.random = (Number.parseInt(value, 10) || 0) >>> 0;
    },
  },
  SRANDOM: { get: (shell) => String(nextRandom(shell) * 32768 + nextRandom(shell)) },
  SECONDS: {
    get: (shell) => String(Number((shell.process.now - shell.secondsBase) / 1_000_000_000n) + shell.secondsOffset),
    set: (shell, value) => {
      shell.secondsBase = shell.process.now;
      shell.secondsOffset = Number.parseInt(value, 10) || 0;
    },
  },
  LINENO: { get: (shell) => String(shell.line), set: () => {} },
  BASHPID: { get: (shell) => String(shell.process.pid), set: () => {} },
  BASH_SUBSHELL: { get: (shell) => String(shell.subshell), set: () => {} },
  BASH_COMMAND: { get: (shell) => shell.lastCommand(), set: () => {} },
  BASH_ARGV0: {
    get: (shell) => shell.arg0,
    set: (shell, value) => {
      shell.arg0 = value;
    },
  },
  EPOCHSECONDS: { get: (shell) => String(shell.process.realtime / 1_000_000_000n), set: () => {} },
  EPOCHREALTIME: {
    get: (shell) => {
      const micro = shell.process.realtime / 1000n;
      return `${micro / 1_000_000n}.${String(micro % 1_000_000n).padStart(6, '0')}`;
    },
    set: () => {},
  },
  PIPESTATUS: { get: (shell) => IndexedArray.from(shell.pipeStatus.map(String)) },
  FUNCNAME: {
    get: (shell) => {
      const names = shell.frames.map((frame) => frame.name).reverse();
      return shell.frames.some((frame) => frame.kind === 'function') ? IndexedArray.from(names) : undefined;
    },
  },
  BASH_SOURCE: { get: (shell) => IndexedArray.from(shell.frames.map((frame) => frame.file).reverse()) },
  BASH_LINENO: { get: (shell) => IndexedArray.from(shell.frames.map((frame) => String(frame.line)).reverse()) },
  GROUPS: { get: (shell) => IndexedArray.from([String(shell.process.gid)]) },
  DIRSTACK: { get: (shell) => IndexedArray.from([shell.get('PWD') ?? '', ...shell.directories]) },
};

export const DYNAMIC_NAMES: readonly string[] = Object.keys(TABLE);

/** The value now. */
export function computed(shell: Shell, name: string): Value {
  return TABLE[name]?.get(shell);
}

/** What an assignment does. */
export function dynamicAssigned(shell: Shell, name: string, value: string): void {
  TABLE[name]?.set?.(shell, value);
}
