/** truncate(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { parseNumber } from './numbers.ts';
import { quote, quoteName } from './quote.ts';

const LONG = { 'no-create': 'c', 'io-blocks': 'o', 'reference=': 'r', 'size=': 's' };
type Relation = '' | '+' | '-' | '<' | '>' | '/' | '%';

function sizeFrom(old: number, relation: Relation, size: number): number {
  switch (relation) {
    case '+':
      return old + size;
    case '-':
      return Math.max(0, old - size);
    case '<':
      return Math.min(old, size);
    case '>':
      return Math.max(old, size);
    case '/':
      return old - (old % size);
    case '%':
      return Math.ceil(old / size) * size;
    default:
      return size;
  }
}

export const truncate: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('cor:s:', LONG);
  const p = c.process;
  let create = true;
  let blocks = false;
  let reference: string | undefined;
  let size: number | undefined;
  let relation: Relation = '';
  for (const { key, value } of options) {
    if (key === 'c') create = false;
    else if (key === 'o') blocks = true;
    else if (key === 'r') reference = value;
    else {
      let text = value.trimStart();
      relation = '';
      if (/^[<>/%]/.test(text)) {
        relation = text[0] as Relation;
        text = text.slice(1).trimStart();
      }
      if (/^[+-]/.test(text)) {
        if (relation !== '') c.usage('multiple relative modifiers specified');
        relation = text[0] as Relation;
        text = text.slice(1);
      }
      const parsed = parseNumber(text, 'EgGkKmMPtTYZ0');
      if (typeof parsed !== 'number')
        c.fail(
          `Invalid number: ${quote(text)}${parsed === 'overflow' ? ': Value too large for defined data type' : ''}`,
        );
      if ((relation === '/' || relation === '%') && parsed === 0) c.fail('division by zero');
      size = parsed;
    }
  }
  if (reference === undefined && size === undefined)
    c.usage(`you must specify either ${quote('--size')} or ${quote('--reference')}`);
  if (reference !== undefined && size !== undefined && relation === '')
    c.usage(`you must specify a relative ${quote('--size')} with ${quote('--reference')}`);
  if (blocks && size === undefined) c.usage(`${quote('--io-blocks')} was specified but ${quote('--size')} was not`);
  if (operands.length === 0) c.usage('missing file operand');
  let base: number | undefined;
  if (reference !== undefined) {
    const stat = await attempt(() => p.stat(reference));
    if ('error' in stat) c.fail(`cannot stat ${quoteName(reference)}: ${stat.error.message}`);
    base = stat.value.size;
    if (size === undefined) {
      size = base;
      base = undefined;
    }
  }
  for (const name of operands) {
    const opened = await attempt(() => p.open(name, { write: true, create, nonblock: true }, 0o666));
    if ('error' in opened) {
      if (create || opened.error.errno !== 'ENOENT')
        await c.error(`cannot open ${quoteName(name)} for writing: ${opened.error.message}`);
      continue;
    }
    const fd = opened.value;
    const stat = p.fstat(fd);
    const wanted = sizeFrom(base ?? stat.size, relation, size! * (blocks ? stat.blksize : 1));
    const failure = await errorOf(() => p.ftruncate(fd, wanted));
    if (failure !== undefined)
      await c.error(`failed to truncate ${quoteName(name)} at ${wanted} bytes: ${failure.message}`);
    p.close(fd);
  }
  return undefined;
});
