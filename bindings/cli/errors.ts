/** The errors of the command line: what the user did wrong is an {@link InputError}, exit status 2; the rest is ours. */
import { InputError, messageOf } from '../trace/input-error.ts';

export { InputError };

/** Exit statuses of every command (0 is success). */
export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/**
 * Prints `error` as one line on stderr and returns the exit status. Never a stack trace, unless MEMCHARGE_DEBUG is set:
 * a trace tells a user nothing that the line does not.
 */
export function reportError(error: unknown): number {
  if (error instanceof InputError) {
    process.stderr.write(`memcharge: ${oneLine(error.message)}\n`);
    return EXIT_USAGE;
  }
  process.stderr.write(`memcharge: internal error: ${oneLine(messageOf(error))}\n`);
  if (process.env.MEMCHARGE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT_FAILURE;
}

/** Control characters come from damaged input; they must not reach the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
