/** umount(8) of util-linux */
import type { Program } from '../kernel/syscalls.ts';
import { canonical } from './canonical.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { mountTable } from './mount-table.ts';

const FAILED = 32;
const LONG = {
  ...{ all: 'a', 'all-targets': 'A', 'no-canonicalize': 'c', 'detach-loop': 'd', fake: 'fake', force: 'f' },
  ...{ 'internal-only': 'i', lazy: 'l', 'no-mtab': 'n', 'test-opts=': 'O', recursive: 'R', 'read-only': 'r' },
  ...{ 'types=': 't', verbose: 'v', quiet: 'q' },
};

export const umount: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('aAcdfilnO:qRrt:v', LONG);
    const p = c.process;
    const keys = new Set(options.map(({ key }) => key));
    for (const key of ['A', 'O', 'r', 'fake']) if (keys.has(key)) c.fail(`option -${key} is not supported`);
    const types = options.findLast(({ key }) => key === 't')?.value.split(',');
    const table = await mountTable(p);
    const lazy = keys.has('l');
    const one = async (target: string, shown: string): Promise<boolean> => {
      const failure = await errorOf(() => p.umount(target, { lazy }));
      if (failure === undefined) {
        if (keys.has('v')) await c.out.write(`${c.name}: ${target} unmounted\n`);
        return true;
      }
      const text =
        { EBUSY: 'target is busy.', EINVAL: 'not mounted.', ENOENT: 'no mount point specified.' }[failure.errno] ??
        (failure.errno === 'EPERM' && p.uid !== 0 ? 'must be superuser to unmount.' : undefined) ??
        `umount failed: ${failure.message}.`;
      if (!(keys.has('q') && failure.errno === 'EINVAL')) await c.error(`${shown}: ${text}`, FAILED);
      c.status = FAILED;
      return false;
    };
    if (keys.has('a')) {
      for (const entry of table.reverse())
        if (
          types === undefined
            ? !['proc', 'sysfs', 'devtmpfs', 'devpts'].includes(entry.type) && entry.target !== '/'
            : types.includes(entry.type)
        )
          await one(entry.target, entry.target);
      return undefined;
    }
    if (operands.length === 0) c.usage('bad usage');
    for (const name of operands) {
      const found = await attempt(() => canonical(p, name, 'all'));
      if ('error' in found) {
        await c.error(
          `${name}: ${found.error.errno === 'ENOENT' ? 'no mount point specified.' : found.error.message}`,
          FAILED,
        );
        continue;
      }
      const path = found.value;
      const entry = table.findLast(({ target }) => target === path) ?? table.findLast(({ source }) => source === path);
      if (entry === undefined) {
        c.status = FAILED;
        if (!keys.has('q')) await c.warn(`${name}: ${p.uid === 0 ? 'not mounted.' : 'must be superuser to unmount.'}`);
        continue;
      }
      if (keys.has('R'))
        for (const below of table
          .filter(({ target }) => target.startsWith(`${entry.target.replace(/\/$/, '')}/`))
          .reverse())
          if (!(await one(below.target, below.target))) break;
      if (await one(entry.target, name)) table.splice(table.lastIndexOf(entry), 1);
    }
    return undefined;
  },
  { utilLinux: true },
);
