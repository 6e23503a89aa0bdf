/** sync(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { quoteName } from './quote.ts';

export const sync: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('df', { data: 'd', 'file-system': 'f' });
  const keys = new Set(options.map(({ key }) => key));
  if (keys.has('d') && keys.has('f')) c.fail('cannot specify both --data and --file-system');
  if (operands.length === 0) {
    if (keys.has('d')) c.fail('--data needs at least one argument');
    await c.process.sync();
    return 0;
  }
  for (const name of operands) {
    let opened = await attempt(() => c.process.open(name, { read: true, nonblock: true }));
    if ('error' in opened) {
      const first = opened.error;
      opened = await attempt(() => c.process.open(name, { write: true, nonblock: true }));
      if ('error' in opened) {
        await c.error(`error opening ${quoteName(name)}: ${first.message}`);
        continue;
      }
    }
    const fd = opened.value;
    // syncfs(2) of the one disk is sync(2).
    const failure = await errorOf(() => (keys.has('f') ? c.process.sync() : c.process.fsync(fd)));
    if (failure !== undefined) await c.error(`error syncing ${quoteName(name)}: ${failure.message}`);
    c.process.close(fd);
  }
  return undefined;
});
