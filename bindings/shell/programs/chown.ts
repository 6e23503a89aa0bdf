/** chown(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { entryOf, groups, idOf, users } from './names.ts';
import { joinPath } from './paths.ts';
import { quote, quoteName } from './quote.ts';

interface Job {
  uid: number | undefined;
  gid: number | undefined;
  recursive: boolean;
  quiet: boolean;
  follow: boolean;
}

async function apply(c: Command, job: Job, path: string): Promise<void> {
  const p = c.process;
  const found = await attempt(() => (job.follow ? p.stat(path) : p.lstat(path)));
  if ('error' in found) {
    if (job.quiet) c.status = 1;
    else await c.error(`cannot ${job.follow ? 'dereference' : 'access'} ${quoteName(path)}: ${found.error.message}`);
    return;
  }
  const { uid, gid, type } = found.value;
  const failure = await errorOf(() => p.chown(path, job.uid ?? uid, job.gid ?? gid));
  if (failure !== undefined) {
    if (job.quiet) c.status = 1;
    else
      await c.error(
        `changing ${job.uid === undefined ? 'group' : 'ownership'} of ${quoteName(path)}: ${failure.message}`,
      );
  }
  if (!job.recursive || type !== 'directory') return;
  const names = await attempt(() => p.readdir(path));
  if ('error' in names) await c.error(`cannot read directory ${quoteName(path)}: ${names.error.message}`);
  else for (const name of names.value) await apply(c, job, joinPath(path, name));
}

const LONG = {
  ...{ changes: 'c', dereference: 'dereference', 'no-dereference': 'h', 'from=': 'from', silent: 'f', quiet: 'f' },
  ...{ recursive: 'R', 'reference=': 'reference', verbose: 'v', 'no-preserve-root': 'n', 'preserve-root': 'p' },
};

export const chown: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('HLPRcfhv', LONG);
  const keys = new Set(options.map(({ key }) => key));
  for (const key of ['from', 'v', 'c', 'H', 'L']) if (keys.has(key)) c.fail(`option ${key} is not supported`);
  const job: Job = {
    uid: undefined,
    gid: undefined,
    recursive: keys.has('R'),
    quiet: keys.has('f'),
    follow: !keys.has('h'),
  };
  const reference = options.findLast(({ key }) => key === 'reference')?.value;
  let files = operands;
  if (reference !== undefined) {
    const stat = await attempt(() => c.process.stat(reference));
    if ('error' in stat) c.fail(`failed to get attributes of ${quoteName(reference)}: ${stat.error.message}`);
    job.uid = stat.value.uid;
    job.gid = stat.value.gid;
  } else {
    const [owner] = operands;
    if (owner === undefined) c.usage('missing operand');
    if (operands.length === 1) c.usage(`missing operand after ${quote(owner)}`);
    files = operands.slice(1);
    const match = /^([^:.]*)(?:([:.])(.*))?$/.exec(owner)!;
    const [, user, separator, group] = match;
    const known = await users(c.process);
    if (user !== '') {
      job.uid = idOf(known, user!);
      if (job.uid === undefined) c.fail(`invalid user: ${quote(owner)}`);
    }
    if (group !== undefined && group !== '') {
      job.gid = idOf(await groups(c.process), group);
      if (job.gid === undefined) c.fail(`invalid group: ${quote(owner)}`);
    } else if (separator !== undefined && job.uid !== undefined) job.gid = entryOf(known, job.uid)?.group;
  }
  if (files.length === 0) c.usage('missing operand');
  for (const file of files) await apply(c, job, file);
  return undefined;
});
