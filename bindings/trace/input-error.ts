/**
 * Something is wrong with what the user gave: a file, an option, a line. The message is the one line that the user sees, without a
 * stack trace; the command exits with status 2.
 */
export class InputError extends Error {
  override name = 'InputError';
}

/** The message of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line for a failed system call on `path`: "PATH: no such file". */
export function fileError(path: string, error: unknown): InputError {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const known: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EISDIR: 'is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    ENOSPC: 'no space left on device',
    EROFS: 'read-only file system',
    EPIPE: 'closed by its reader',
  };
  return new InputError(`${path}: ${(code !== undefined && known[code]) || messageOf(error)}`);
}
