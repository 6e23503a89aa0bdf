/** ln(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf, statOrUndefined } from './command.ts';
import { baseName, joinPath } from './paths.ts';
import { quoteIfNeeded, quoteName } from './quote.ts';

const LONG = {
  ...{ force: 'f', symbolic: 's', 'no-dereference': 'n', 'no-target-directory': 'T', 'target-directory=': 't' },
  ...{ verbose: 'v', logical: 'L', physical: 'P', relative: 'r', interactive: 'i', 'backup=?': 'b', 'suffix=': 'S' },
};

export const ln: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('bdfinrst:vFLPS:T', LONG);
  const p = c.process;
  const keys = new Set(options.map(({ key }) => key));
  const into = options.findLast(({ key }) => key === 't')?.value;
  for (const key of 'birS') if (keys.has(key)) c.fail(`option -${key} is not supported`);
  if (operands.length === 0) c.usage('missing file operand');
  let directory = into;
  let sources = [...operands];
  if (keys.has('T')) {
    if (operands.length < 2) c.usage(`missing destination file operand after ${quoteName(operands[0]!)}`);
    if (operands.length > 2) c.usage(`extra operand ${quoteName(operands[2]!)}`);
  } else if (directory === undefined) {
    const last = operands.at(-1)!;
    const isDirectory = operands.length > 1 && statOrUndefined(p, last, !keys.has('n'))?.type === 'directory';
    if (operands.length === 1) directory = '.';
    else if (isDirectory) {
      directory = last;
      sources = operands.slice(0, -1);
    } else if (operands.length > 2) {
      const there = statOrUndefined(p, last) !== undefined;
      c.fail(`target ${quoteName(last)}: ${there ? 'Not a directory' : 'No such file or directory'}`);
    }
  }
  const pairs =
    directory === undefined
      ? [[sources[0]!, sources[1]!] as const]
      : sources.map((source) => [source, joinPath(directory, baseName(source))] as const);
  for (const [source, at] of pairs) {
    // In the current directory a link has no `./` before its name.
    const name = directory === '.' && operands.length === 1 ? `./${baseName(source)}` : at;
    const symbolic = keys.has('s');
    if (!symbolic) {
      const stat = statOrUndefined(p, source, keys.has('L'));
      if (stat === undefined) {
        await c.error(`failed to access ${quoteName(source)}: No such file or directory`);
        continue;
      }
      if (stat.type === 'directory') {
        await c.error(`${quoteIfNeeded(source)}: hard link not allowed for directory`);
        continue;
      }
    }
    const make = () => (symbolic ? p.symlink(source, name) : p.link(source, name));
    let failure = await errorOf(make);
    if (failure?.errno === 'EEXIST' && keys.has('f')) {
      const there = statOrUndefined(p, name, false);
      const same = statOrUndefined(p, source, false);
      if (there?.type === 'directory') {
        await c.error(`${quoteName(name)}: cannot overwrite directory`);
        continue;
      }
      if (there !== undefined && same !== undefined && there.dev === same.dev && there.ino === same.ino && !symbolic) {
        await c.error(`${quoteName(source)} and ${quoteName(name)} are the same file`);
        continue;
      }
      failure = (await errorOf(() => p.unlink(name))) ?? (await errorOf(make));
    }
    if (failure !== undefined) {
      const plain = symbolic || ['EEXIST', 'ENOSPC', 'EROFS', 'EDQUOT'].includes(failure.errno);
      const from = plain ? '' : ` => ${quoteName(source)}`;
      await c.error(
        `failed to create ${symbolic ? 'symbolic' : 'hard'} link ${quoteName(name)}${from}: ${failure.message}`,
      );
    } else if (keys.has('v')) await c.out.write(`${quoteName(name)} ${symbolic ? '->' : '=>'} ${quoteName(source)}\n`);
  }
  return undefined;
});
