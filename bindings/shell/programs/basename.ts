/** basename(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { baseName } from './paths.ts';
import { quote } from './quote.ts';

export const basename: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('+as:z', { multiple: 'a', 'suffix=': 's', zero: 'z' });
  let multiple = false;
  let suffix = '';
  let end = '\n';
  for (const { key, value } of options) {
    if (key === 'z') end = '\0';
    else multiple = true;
    if (key === 's') suffix = value;
  }
  if (operands.length === 0) c.usage('missing operand');
  if (!multiple && operands.length > 2) c.usage(`extra operand ${quote(operands[2]!)}`);
  if (!multiple) suffix = operands[1] ?? '';
  for (const name of multiple ? operands : operands.slice(0, 1)) {
    const base = name === '' ? '' : baseName(name);
    const cut = suffix !== '' && base.endsWith(suffix) && base !== suffix;
    await c.out.write((cut ? base.slice(0, -suffix.length) : base) + end);
  }
  return undefined;
});
