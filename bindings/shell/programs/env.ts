/** env(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { execvp, notRun } from './execute.ts';
import { quote, quoteName } from './quote.ts';

const LONG = {
  ...{ 'ignore-environment': 'i', null: '0', 'unset=': 'u', 'chdir=': 'C', 'split-string=': 'S', debug: 'v' },
  ...{ 'block-signal=?': 'block', 'default-signal=?': 'default', 'ignore-signal=?': 'ignore' },
};

export const env: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('+C:iS:u:v0', LONG);
    let variables = new Map(c.process.env);
    let end = '\n';
    let directory: string | undefined;
    for (const { key, value } of options) {
      if (key === 'i') variables = new Map();
      else if (key === '0') end = '\0';
      else if (key === 'u') {
        if (value === '' || value.includes('=')) c.fail(`cannot unset ${quote(value)}: Invalid argument`);
        variables.delete(value);
      } else if (key === 'C') directory = value;
      else c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
    }
    let words = [...operands];
    if (words[0] === '-') {
      variables = new Map();
      words.shift();
    }
    while (words[0]?.includes('=')) {
      const equals = words[0].indexOf('=');
      variables.set(words[0].slice(0, equals), words[0].slice(equals + 1));
      words = words.slice(1);
    }
    if (words.length === 0) {
      if (directory !== undefined) c.usage('must specify command with --chdir (-C)');
      for (const [name, value] of variables) await c.out.write(`${name}=${value}${end}`);
      return 0;
    }
    if (end === '\0') c.usage('cannot specify --null (-0) with command');
    if (directory !== undefined) {
      const failure = await errorOf(() => c.process.chdir(directory));
      if (failure !== undefined) c.fail(`cannot change directory to ${quoteName(directory)}: ${failure.message}`);
    }
    try {
      return await execvp(c.process, words, variables);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      const hint =
        notRun(error) === 127 && words[0]!.includes(' ')
          ? `\n${c.name}: use -[v]S to pass options in shebang lines`
          : '';
      c.fail(`${quoteName(words[0]!)}: ${error.message}${hint}`, notRun(error));
    }
  },
  { trouble: 125 },
);
