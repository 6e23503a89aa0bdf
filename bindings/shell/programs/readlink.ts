/** readlink(1) */
import type { Program } from '../kernel/syscalls.ts';
import { canonical, type Existence } from './canonical.ts';
import { attempt, type Command, command } from './command.ts';
import { quoteIfNeeded } from './quote.ts';

const LONG = {
  ...{ canonicalize: 'f', 'canonicalize-existing': 'e', 'canonicalize-missing': 'm', 'no-newline': 'n' },
  ...{ quiet: 'q', silent: 's', verbose: 'v', zero: 'z' },
};

export const readlink: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('efmnqsvz', LONG);
  let existence: Existence | undefined;
  let newline = true;
  let verbose = false;
  let end = '\n';
  for (const { key } of options) {
    if (key === 'f') existence = 'directory';
    else if (key === 'e') existence = 'all';
    else if (key === 'm') existence = 'none';
    else if (key === 'n') newline = false;
    else if (key === 'v') verbose = true;
    else if (key === 'z') end = '\0';
    else verbose = false;
  }
  if (operands.length === 0) c.usage('missing operand');
  if (operands.length > 1 && !newline) {
    await c.warn('ignoring --no-newline with multiple arguments');
    newline = true;
  }
  for (const name of operands) {
    const found = await attempt(() =>
      existence === undefined ? c.process.readlink(name) : canonical(c.process, name, existence),
    );
    if ('error' in found) {
      c.status = 1;
      if (verbose) await c.warn(`${quoteIfNeeded(name)}: ${found.error.message}`);
    } else await c.out.write(found.value + (newline ? end : ''));
  }
  return undefined;
});
