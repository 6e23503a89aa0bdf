/** Input of `read` and `mapfile`: a byte at a time from a pipe, ahead with an lseek(2) back from a file, so that others find the rest. */

import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Shell } from './shell.ts';

const AHEAD = 4096;

export interface Input {
  /** The next byte; undefined at the end. SyscallError. */
  next(): Promise<string | undefined>;
  /** What was read ahead goes back. */
  done(): void;
}

/** The input of a descriptor. */
export function addressOfInput(shell: Shell, fd: number): Input {
  const { process } = shell;
  let seekable = false;
  try {
    seekable = process.isOpen(fd) && process.fstat(fd).type === 'file';
    if (seekable) process.lseek(fd, 0, 'cur');
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    seekable = false;
  }
  let buffer = '';
  let at = 0;
  return {
    async next() {
      if (at >= buffer.length) {
        const bytes = await process.read(fd, seekable ? AHEAD : 1);
        if (bytes.length === 0) return undefined;
        buffer = textOf(bytes);
        at = 0;
      }
      return buffer[at++];
    },
    done() {
      if (at < buffer.length) process.lseek(fd, at - buffer.length, 'cur');
    },
  };
}
