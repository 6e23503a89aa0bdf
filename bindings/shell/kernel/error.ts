/** A syscall that failed, with the text that strerror(3) has for it. */
import { EngineError } from '../../engine/error.ts';
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

/** A refusal of the machine, or of its control files, as a syscall's. `errnos`: only these are; others are the caller's fault, or a full table. */
export function asSyscall<T>(call: () => T, errnos?: readonly string[]): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof EngineError && errnos?.includes(error.errno) !== false) throw new SyscallError(error.errno);
    throw error;
  }
}

/** What a policy may refuse a payer with. */
export const PAYER_ERRNOS: readonly string[] = ['EPERM', 'EACCES', 'ENOENT'];
