/** File modes: as chmod reads them and as `ls -l` shows them. */
import type { FileType } from '../kernel/syscalls.ts';

const TYPE_LETTERS: Readonly<Record<FileType, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  char: 'c',
  block: 'b',
};

/** `drwxr-xr-x` */
export function modeText(type: FileType, mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  if (mode & 0o4000) bits[2] = bits[2] === 'x' ? 's' : 'S';
  if (mode & 0o2000) bits[5] = bits[5] === 'x' ? 's' : 'S';
  if (mode & 0o1000) bits[8] = bits[8] === 'x' ? 't' : 'T';
  return TYPE_LETTERS[type] + bits.join('');
}

/** S_IFMT of a type. */
export const TYPE_BITS: Readonly<Record<FileType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  fifo: 0o010000,
  char: 0o020000,
  block: 0o060000,
};

/** A change of a mode: from the old one, and whether it is a directory's. */
export type ModeChange = (old: number, directory: boolean) => number;

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };

/** `755`, `u+x,go=r`: the change that it means, or undefined when it means none. The umask matters where nobody is named. */
export function parseMode(text: string, umask: number): ModeChange | undefined {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode > 0o7777) return undefined;
    // A short octal mode leaves a directory's set-id bits alone.
    const keep = text.length < 5 ? 0o6000 : 0;
    return (old, directory) => (directory ? mode | (old & keep) : mode);
  }
  const steps: ModeChange[] = [];
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]|[0-7]+))+)$/.exec(clause);
    if (match === null) return undefined;
    const who = [...match[1]!].reduce((bits, letter) => bits | WHO[letter]!, 0);
    for (const [, operator, what] of match[2]!.matchAll(/([-+=])([rwxXst]*[ugo]?[0-7]*)/g))
      steps.push(stepOf(who, operator!, what!, umask));
  }
  return (old, directory) => steps.reduce((mode, step) => step(mode, directory), old);
}

function stepOf(who: number, operator: string, what: string, umask: number): ModeChange {
  const affected = who === 0 ? 0o7777 : who;
  return (mode, directory) => {
    let value = 0;
    if (/^[0-7]+$/.test(what)) value = Number.parseInt(what, 8);
    else if (/^[ugo]$/.test(what)) {
      const bits = (mode >> { u: 6, g: 3, o: 0 }[what as 'u' | 'g' | 'o']) & 7;
      value = bits * 0o111;
    } else
      for (const letter of what) {
        if (letter === 'r') value |= 0o444;
        else if (letter === 'w') value |= 0o222;
        else if (letter === 'x') value |= 0o111;
        else if (letter === 'X') value |= directory || mode & 0o111 ? 0o111 : 0;
        else if (letter === 's') value |= 0o6000;
        else if (letter === 't') value |= 0o1000;
      }
    value &= affected;
    if (who === 0) value &= ~umask;
    if (operator === '+') return mode | value;
    if (operator === '-') return mode & ~value;
    const keep = directory ? 0o6000 & ~value & (who === 0 ? 0o7777 : who) : 0;
    return (mode & ~(affected & ~keep)) | value;
  };
}
