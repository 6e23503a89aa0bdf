/** sudo(8) for who is root anyway: it executes the program in its place */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { execvp } from './execute.ts';

export const sudo: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('+EHSnb', { 'preserve-env': 'E', 'set-home': 'H', 'non-interactive': 'n' });
  if (options.some(({ key }) => key === 'b')) c.fail('option -b is not supported');
  if (c.process.uid !== 0) c.fail('a password is required');
  const env = new Map(c.process.env);
  let words = operands;
  while (/^\w+=/.test(words[0] ?? '')) {
    const [name, ...value] = words[0]!.split('=');
    env.set(name!, value.join('='));
    words = words.slice(1);
  }
  if (words.length === 0) c.fail('no command given');
  try {
    return await execvp(c.process, words, env);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === 'ENOENT') c.fail(`${words[0]}: command not found`);
    c.fail(`unable to execute ${words[0]}: ${error.message}`);
  }
});
