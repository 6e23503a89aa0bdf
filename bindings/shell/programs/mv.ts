/** mv(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, statOrUndefined } from './command.ts';
import { Copier, targetsOf } from './copy-file.ts';
import { baseName, joinPath, stripSlashes } from './paths.ts';
import { quoteName } from './quote.ts';

interface Job {
  noClobber: boolean;
  update: boolean;
  verbose: boolean;
}

async function removeTree(c: Command, path: string): Promise<void> {
  const p = c.process;
  if (p.lstat(path).type !== 'directory') {
    await p.unlink(path);
    return;
  }
  for (const name of p.readdir(path)) await removeTree(c, joinPath(path, name));
  await p.rmdir(path);
}

async function move(c: Command, job: Job, from: string, to: string): Promise<void> {
  const p = c.process;
  const found = await attempt(() => p.lstat(from));
  if ('error' in found) {
    await c.error(`cannot stat ${quoteName(from)}: ${found.error.message}`);
    return;
  }
  const source = found.value;
  const existing = statOrUndefined(p, to, false);
  if (existing !== undefined) {
    if (
      existing.dev === source.dev &&
      existing.ino === source.ino &&
      (source.nlink < 2 || source.type === 'directory' || stripSlashes(from) === stripSlashes(to))
    ) {
      await c.error(`${quoteName(from)} and ${quoteName(to)} are the same file`);
      return;
    }
    if (job.noClobber) return;
    if (job.update && existing.mtime >= source.mtime) return;
    if (source.type === 'directory' && existing.type !== 'directory') {
      await c.error(`cannot overwrite non-directory ${quoteName(to)} with directory ${quoteName(from)}`);
      return;
    }
    if (source.type !== 'directory' && existing.type === 'directory') {
      await c.error(`cannot overwrite directory ${quoteName(to)} with non-directory`);
      return;
    }
  }
  const failure = await errorOf(() => p.rename(from, to));
  if (failure === undefined) {
    if (job.verbose) await c.out.write(`renamed ${quoteName(from)} -> ${quoteName(to)}\n`);
    return;
  }
  if (failure.errno === 'EINVAL' && source.type === 'directory') {
    await c.error(`cannot move ${quoteName(from)} to a subdirectory of itself, ${quoteName(to)}`);
    return;
  }
  if (failure.errno !== 'EXDEV') {
    await c.error(`cannot move ${quoteName(from)} to ${quoteName(to)}: ${failure.message}`);
    return;
  }
  if (existing !== undefined) {
    const error = await errorOf(() => (existing.type === 'directory' ? p.rmdir(to) : p.unlink(to)));
    if (error !== undefined) {
      await c.error(
        `inter-device move failed: ${quoteName(from)} to ${quoteName(to)}; unable to remove target: ${error.message}`,
      );
      return;
    }
  }
  if (job.verbose)
    await c.out.write(
      source.type === 'directory'
        ? `created directory ${quoteName(to)}\n`
        : `copied ${quoteName(from)} -> ${quoteName(to)}\n`,
    );
  const copier = new Copier(c, {
    ...{ recursive: true, follow: 'never', force: false, verbose: false, noClobber: false, update: false },
    ...{ removeDestination: false, link: '', sparse: 'auto' },
    preserve: { mode: true, ownership: true, timestamps: true, links: true },
  });
  if (!(await copier.copy(from, to))) return;
  try {
    await removeTree(c, from);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    await c.error(`cannot remove ${quoteName(from)}: ${error.message}`);
    return;
  }
  if (job.verbose) await c.out.write(`removed ${source.type === 'directory' ? 'directory ' : ''}${quoteName(from)}\n`);
}

const LONG = {
  ...{ force: 'f', interactive: 'i', 'no-clobber': 'n', 'no-target-directory': 'T', 'strip-trailing-slashes': 'strip' },
  ...{ 'target-directory=': 't', update: 'u', verbose: 'v', 'backup=?': 'b', 'suffix=': 'S', context: 'Z' },
};

export const mv: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('bfint:uvS:TZ', LONG);
  const job: Job = { noClobber: false, update: false, verbose: false };
  let into: string | undefined;
  let noDirectory = false;
  for (const { key, value } of options) {
    if (key === 'f') job.noClobber = false;
    else if (key === 'n') job.noClobber = true;
    else if (key === 'u') job.update = true;
    else if (key === 'v') job.verbose = true;
    else if (key === 't') into = value;
    else if (key === 'T') noDirectory = true;
    else if (key !== 'strip') c.fail(`option -${key} is not supported`);
  }
  const { sources, directory, target } = targetsOf(c, operands, into, noDirectory);
  for (const source of sources) await move(c, job, source, directory ? joinPath(target, baseName(source)) : target);
  return undefined;
});
