/** realpath(1) */
import type { Program } from '../kernel/syscalls.ts';
import { canonical, type Existence } from './canonical.ts';
import { attempt, type Command, command } from './command.ts';
import { quoteIfNeeded } from './quote.ts';

const LONG = {
  ...{ 'canonicalize-existing': 'e', 'canonicalize-missing': 'm', logical: 'L', physical: 'P', quiet: 'q' },
  ...{ strip: 's', 'no-symlinks': 's', zero: 'z', 'relative-to=': 'relative-to', 'relative-base=': 'relative-base' },
};

function relative(from: string, to: string): string {
  const base = from.split('/').filter(Boolean);
  const path = to.split('/').filter(Boolean);
  let same = 0;
  while (same < base.length && same < path.length && base[same] === path[same]) same++;
  return [...base.slice(same).map(() => '..'), ...path.slice(same)].join('/') || '.';
}

export const realpath: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('eLmPqsz', LONG);
  let existence: Existence = 'directory';
  let links = true;
  let quiet = false;
  let end = '\n';
  let base: string | undefined;
  for (const { key, value } of options) {
    if (key === 'e') existence = 'all';
    else if (key === 'm') existence = 'none';
    else if (key === 's') links = false;
    else if (key === 'P') links = true;
    else if (key === 'q') quiet = true;
    else if (key === 'z') end = '\0';
    else if (key === 'relative-to') base = value;
    else c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
  }
  if (operands.length === 0) c.usage('missing operand');
  let root: string | undefined;
  if (base !== undefined) {
    const found = await attempt(() => canonical(c.process, base, existence, links));
    if ('error' in found) c.fail(`${quoteIfNeeded(base)}: ${found.error.message}`);
    root = found.value;
  }
  for (const name of operands) {
    const found = await attempt(() => canonical(c.process, name, existence, links));
    if ('error' in found) {
      c.status = 1;
      if (!quiet) await c.warn(`${quoteIfNeeded(name)}: ${found.error.message}`);
    } else await c.out.write((root === undefined ? found.value : relative(root, found.value)) + end);
  }
  return undefined;
});
