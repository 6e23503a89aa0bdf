/** rmdir(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { stripSlashes } from './paths.ts';
import { quoteName } from './quote.ts';

export const rmdir: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('pv', {
    'ignore-fail-on-non-empty': 'ignore',
    parents: 'p',
    verbose: 'v',
  });
  const keys = new Set(options.map(({ key }) => key));
  if (operands.length === 0) c.usage('missing operand');
  for (const operand of operands) {
    let path = operand;
    for (let first = true; ; first = false) {
      if (keys.has('v')) await c.out.write(`${c.name}: removing directory, ${quoteName(path)}\n`);
      const failure = await errorOf(() => c.process.rmdir(path));
      if (failure !== undefined) {
        if (!(keys.has('ignore') && failure.errno === 'ENOTEMPTY'))
          await c.error(`failed to remove ${first ? '' : 'directory '}${quoteName(path)}: ${failure.message}`);
        break;
      }
      path = stripSlashes(path);
      const slash = path.lastIndexOf('/');
      if (!keys.has('p') || slash < 0) break;
      path = stripSlashes(path.slice(0, slash + 1));
      if (path === '/') break;
    }
  }
  return undefined;
});
