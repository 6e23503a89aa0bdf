/** A syscall that failed, with the text that strerror(3) has for it. */
import { strerror } from './strerror.ts';

export class SyscallError extends Error {
  override name = 'SyscallError';
  /** the kernel's name: `ENOENT` */
  readonly errno: string;
  constructor(errno: string) {
    super(strerror(errno));
    this.errno = errno;
  }
}
