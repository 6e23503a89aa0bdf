/** `set -x`. */
import { expandText } from './expand.ts';
import type { Shell } from './shell.ts';

/** A line of the trace: PS4, its first character once more for each level of nesting, and what is done. */
export async function traceLine(shell: Shell, text: string): Promise<void> {
  const { status } = shell;
  shell.options.delete('x');
  const prompt = await expandText(shell, shell.get('PS4') ?? '', 'double');
  shell.options.add('x');
  shell.status = status;
  const lead = prompt === '' ? '' : prompt[0]!.repeat(shell.traceLevel) + prompt;
  const fd = Number(shell.get('BASH_XTRACEFD') ?? '2');
  if (fd === 2) await shell.complain(lead + text);
  else await shell.write(fd, `${lead}${text}\n`);
}
