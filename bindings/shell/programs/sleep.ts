/** sleep(1), over virtual time */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { parseDuration } from './numbers.ts';
import { quote } from './quote.ts';

export const sleep: Program = command(async (c: Command) => {
  const { operands } = c.parse('');
  if (operands.length === 0) c.usage('missing operand');
  let total = 0n;
  let good = true;
  for (const text of operands) {
    const duration = parseDuration(text);
    if (duration === undefined) {
      await c.error(`invalid time interval ${quote(text)}`);
      good = false;
    } else total += duration;
  }
  if (!good) c.usage('');
  // xnanosleep starts again after a signal that did not kill.
  const end = c.process.now + total;
  while (c.process.now < end) await c.process.sleep(end - c.process.now);
  return 0;
});
