/** awk(1), as mawk is: the language of POSIX without intervals in regular expressions */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { AwkError, Interpreter } from './awk-interpreter.ts';
import { AwkSyntaxError, parseAwk } from './awk-parser.ts';
import { attempt, type Command, command, Failure } from './command.ts';
import { readAll } from './input.ts';

const TROUBLE = 2;

export const awk: Program = command(
  async (c: Command) => {
    const args = [...c.args];
    const assignments: string[] = [];
    const sources: string[] = [];
    let separator: string | undefined;
    while (args.length > 0 && args[0]!.startsWith('-') && args[0] !== '-') {
      const word = args.shift()!;
      if (word === '--') break;
      const letter = word[1]!;
      if (letter !== 'F' && letter !== 'v' && letter !== 'f') c.fail(`option ${word} is not supported`, TROUBLE);
      const value = word.length > 2 ? word.slice(2) : args.shift();
      if (value === undefined) c.fail(`option requires an argument -- ${letter}`, TROUBLE);
      if (letter === 'F') separator = value;
      else if (letter === 'v') assignments.push(value);
      else {
        const text = await attempt(async () =>
          readAll(c.process, value === '-' ? 0 : await c.process.open(value, { read: true })),
        );
        if ('error' in text) c.fail(`cannot open ${value} (${text.error.message})`, TROUBLE);
        sources.push(text.value);
      }
    }
    if (sources.length === 0) {
      const source = args.shift();
      if (source === undefined)
        throw new Failure(`usage: ${c.name} [-F value] [-v var=value] [--] 'program text' [file ...]\n`, TROUBLE);
      sources.push(source);
    }
    let interpreter: Interpreter | undefined;
    try {
      interpreter = new Interpreter(c, parseAwk(sources.join('\n')), [c.name, ...args]);
      if (separator !== undefined) interpreter.setSeparator(separator);
      for (const assignment of assignments)
        if (!interpreter.assign(assignment)) c.fail(`improper assignment: -v ${assignment}`, TROUBLE);
      return await interpreter.run();
    } catch (error) {
      if (error instanceof AwkSyntaxError)
        throw new Failure(`${c.name}: line ${error.line}: ${error.message}\n`, TROUBLE);
      if (error instanceof AwkError)
        throw new Failure(`${c.name}: run time error: ${error.message}\n\t${interpreter?.position ?? ''}\n`, TROUBLE);
      if (error instanceof SyscallError) c.fail(error.message, TROUBLE);
      throw error;
    }
  },
  { trouble: TROUBLE },
);
