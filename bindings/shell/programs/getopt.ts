/** getopt_long(3): options and operands of a command line, abbreviations of long options, and glibc's own messages. */

/** An option as found: its key (the letter, or what the table of long options names), and its argument. */
interface Option {
  key: string;
  value: string;
  /** whether an argument was given at all (optional ones) */
  given: boolean;
}

export interface CommandLine {
  options: Option[];
  operands: string[];
}

/** A command line that getopt refuses; the message lacks the program's name. */
export class OptionError extends Error {
  override name = 'OptionError';
}

type LongEntry = { name: string; key: string; argument: '' | '=' | '=?' };

const entriesOf = (long: Readonly<Record<string, string>>): LongEntry[] =>
  Object.entries(long).map(([spelling, key]) => {
    const [, name, argument] = /^(.*?)(=\??)?$/s.exec(spelling)!;
    return { name: name!, key, argument: (argument ?? '') as LongEntry['argument'] };
  });

/**
 * Parses arguments (without argv[0]). `short` is getopt's string: `ab:c::`, with a leading `+` to stop at the first operand. `long` maps
 * spellings to keys: `lines=` requires an argument, `color=?` may have one.
 * @throws OptionError
 */
export function getopt(
  args: readonly string[],
  short: string,
  long: Readonly<Record<string, string>> = {},
): CommandLine {
  const inOrder = short.startsWith('+');
  const letters = inOrder ? short.slice(1) : short;
  const table = entriesOf(long);
  const options: Option[] = [];
  const operands: string[] = [];
  let i = 0;
  while (i < args.length) {
    const arg = args[i++]!;
    if (arg === '--') {
      operands.push(...args.slice(i));
      break;
    }
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=');
      const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
      const entry = find(table, name, arg);
      let value = equals < 0 ? '' : arg.slice(equals + 1);
      if (equals >= 0 && entry.argument === '')
        throw new OptionError(`option '--${entry.name}' doesn't allow an argument`);
      if (equals < 0 && entry.argument === '=') {
        if (i === args.length) throw new OptionError(`option '--${entry.name}' requires an argument`);
        value = args[i++]!;
      }
      options.push({ key: entry.key, value, given: equals >= 0 || entry.argument === '=' });
      continue;
    }
    if (arg.length > 1 && arg[0] === '-') {
      for (let at = 1; at < arg.length; at++) {
        const letter = arg[at]!;
        const where = letter === ':' ? -1 : letters.indexOf(letter);
        if (where < 0) throw new OptionError(`invalid option -- '${letter}'`);
        if (letters[where + 1] !== ':') {
          options.push({ key: letter, value: '', given: false });
          continue;
        }
        const rest = arg.slice(at + 1);
        if (rest !== '') options.push({ key: letter, value: rest, given: true });
        else if (letters[where + 2] === ':') options.push({ key: letter, value: '', given: false });
        else if (i < args.length) options.push({ key: letter, value: args[i++]!, given: true });
        else throw new OptionError(`option requires an argument -- '${letter}'`);
        break;
      }
      continue;
    }
    if (inOrder) {
      operands.push(...args.slice(i - 1));
      break;
    }
    operands.push(arg);
  }
  return { options, operands };
}

function find(table: LongEntry[], name: string, arg: string): LongEntry {
  const exact = table.find((entry) => entry.name === name);
  if (exact !== undefined) return exact;
  const matches = table.filter((entry) => entry.name.startsWith(name));
  const first = matches[0];
  if (first === undefined) throw new OptionError(`unrecognized option '${arg}'`);
  if (matches.some((entry) => entry.key !== first.key || entry.argument !== first.argument))
    throw new OptionError(
      `option '${arg}' is ambiguous; possibilities:${matches.map((entry) => ` '--${entry.name}'`).join('')}`,
    );
  return first;
}
