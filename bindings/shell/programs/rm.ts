/** rm(1) */
import type { Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { Input } from './input.ts';
import { baseName, joinPath, stripSlashes } from './paths.ts';
import { quote, quoteName } from './quote.ts';

interface Job {
  recursive: boolean;
  force: boolean;
  directories: boolean;
  verbose: boolean;
  ask: 'never' | 'once' | 'always';
  preserveRoot: boolean;
  answers: Input;
}

async function confirm(c: Command, job: Job, text: string): Promise<boolean> {
  await c.print(`${c.name}: ${text} `);
  return /^[yY]/.test((await job.answers.line())?.text ?? '');
}

const typeName = (stat: Stat): string =>
  stat.type === 'file'
    ? stat.size === 0
      ? 'regular empty file'
      : 'regular file'
    : {
        directory: 'directory',
        symlink: 'symbolic link',
        fifo: 'fifo',
        char: 'character special file',
        block: 'block special file',
      }[stat.type];

/** Removes one name; false when that failed. */
async function remove(c: Command, job: Job, path: string, top: boolean): Promise<boolean> {
  const p = c.process;
  const failed = async (text: string) => {
    await c.error(`cannot remove ${quoteName(path)}: ${text}`);
    return false;
  };
  const found = await attempt(() => p.lstat(path));
  if ('error' in found) {
    if (job.force && (found.error.errno === 'ENOENT' || found.error.errno === 'ENOTDIR')) return true;
    return failed(found.error.message);
  }
  const stat = found.value;
  if (stat.type !== 'directory') {
    if (job.ask === 'always' && !(await confirm(c, job, `remove ${typeName(stat)} ${quoteName(path)}?`))) return true;
    const failure = await errorOf(() => p.unlink(path));
    if (failure !== undefined) return failed(failure.message);
    if (job.verbose) await c.out.write(`removed ${quoteName(path)}\n`);
    return true;
  }
  if (top && (baseName(path) === '.' || baseName(path) === '..') && (job.recursive || job.directories)) {
    await c.error(`refusing to remove '.' or '..' directory: skipping ${quoteName(path)}`);
    return false;
  }
  if (!job.recursive && !job.directories) return failed('Is a directory');
  let whole = true;
  if (job.recursive) {
    const names = await attempt(() => p.readdir(path));
    if ('error' in names) return failed(names.error.message);
    if (
      job.ask === 'always' &&
      names.value.length > 0 &&
      !(await confirm(c, job, `descend into directory ${quoteName(path)}?`))
    )
      return true;
    for (const name of names.value) whole = (await remove(c, job, joinPath(path, name), false)) && whole;
    if (!whole) return false;
  }
  if (job.ask === 'always' && !(await confirm(c, job, `remove directory ${quoteName(path)}?`))) return true;
  const failure = await errorOf(() => p.rmdir(path));
  if (failure !== undefined) return failed(failure.message);
  if (job.verbose) await c.out.write(`removed directory ${quoteName(path)}\n`);
  return true;
}

const LONG = {
  ...{ force: 'f', 'interactive=?': 'interactive', 'one-file-system': 'x', 'no-preserve-root': 'no-preserve-root' },
  ...{ 'preserve-root=?': 'preserve-root', recursive: 'r', dir: 'd', verbose: 'v' },
};

export const rm: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('dfirvIR', LONG);
  const job: Job = {
    ...{ recursive: false, force: false, directories: false, verbose: false, preserveRoot: true },
    ask: 'never',
    answers: new Input(c.process, 0),
  };
  for (const { key, value } of options) {
    if (key === 'r' || key === 'R') job.recursive = true;
    else if (key === 'f') {
      job.force = true;
      job.ask = 'never';
    } else if (key === 'd') job.directories = true;
    else if (key === 'v') job.verbose = true;
    else if (key === 'i') job.ask = 'always';
    else if (key === 'I') job.ask = 'once';
    else if (key === 'interactive') {
      if (!['', 'never', 'no', 'none', 'once', 'always', 'yes'].includes(value))
        c.usage(`invalid argument ${quote(value)} for ${quote('--interactive')}`);
      job.ask = ['never', 'no', 'none'].includes(value) ? 'never' : value === 'once' ? 'once' : 'always';
    } else if (key === 'no-preserve-root') job.preserveRoot = false;
  }
  if (operands.length === 0) {
    if (job.force) return 0;
    c.usage('missing operand');
  }
  if (job.ask === 'once' && (job.recursive || operands.length > 3)) {
    const what = `remove ${operands.length} argument${operands.length === 1 ? '' : 's'}${job.recursive ? ' recursively' : ''}?`;
    if (!(await confirm(c, job, what))) return 0;
  }
  for (const name of operands) {
    if (job.recursive && job.preserveRoot && stripSlashes(name) === '/') {
      await c.error(`it is dangerous to operate recursively on ${quoteName('/')}`);
      await c.warn('use --no-preserve-root to override this failsafe');
      continue;
    }
    await remove(c, job, name, true);
  }
  return undefined;
});
