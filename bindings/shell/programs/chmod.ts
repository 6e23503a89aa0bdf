/** chmod(1) */
import type { Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { type ModeChange, modeText, parseMode } from './modes.ts';
import { joinPath } from './paths.ts';
import { quote, quoteName } from './quote.ts';

interface Job {
  change: ModeChange;
  recursive: boolean;
  verbose: boolean;
  changes: boolean;
  quiet: boolean;
}

const show = (stat: Stat, mode: number) =>
  `${mode.toString(8).padStart(4, '0')} (${modeText(stat.type, mode).slice(1)})`;

async function apply(c: Command, job: Job, path: string, top: boolean): Promise<void> {
  const p = c.process;
  const found = await attempt(() => (top ? p.stat(path) : p.lstat(path)));
  if ('error' in found) {
    if (job.quiet) c.status = 1;
    else await c.error(`cannot access ${quoteName(path)}: ${found.error.message}`);
    return;
  }
  const stat = found.value;
  if (stat.type === 'symlink') return;
  const mode = job.change(stat.mode, stat.type === 'directory');
  const failure = await errorOf(() => p.chmod(path, mode));
  if (failure !== undefined) {
    if (job.quiet) c.status = 1;
    else await c.error(`changing permissions of ${quoteName(path)}: ${failure.message}`);
  } else if (mode !== stat.mode && (job.verbose || job.changes))
    await c.out.write(`mode of ${quoteName(path)} changed from ${show(stat, stat.mode)} to ${show(stat, mode)}\n`);
  else if (job.verbose) await c.out.write(`mode of ${quoteName(path)} retained as ${show(stat, mode)}\n`);
  if (!job.recursive || stat.type !== 'directory') return;
  const names = await attempt(() => p.readdir(path));
  if ('error' in names) await c.error(`cannot read directory ${quoteName(path)}: ${names.error.message}`);
  else for (const name of names.value) await apply(c, job, joinPath(path, name), false);
}

const LONG = {
  ...{ changes: 'c', silent: 'f', quiet: 'f', verbose: 'v', recursive: 'R', 'reference=': 'reference' },
  ...{ 'no-preserve-root': 'n', 'preserve-root': 'p' },
};

export const chmod: Program = command(async (c: Command) => {
  // `-x`, `-rw` and their like are modes, not options.
  const modes: string[] = [];
  const args = c.args.filter((arg, i) => {
    const isMode = /^-[rwxXstugoa0-7,=+]+/.test(arg) && !/^-R/.test(arg) && !c.args.slice(0, i).includes('--');
    if (isMode) modes.push(arg);
    return !isMode;
  });
  const { options, operands } = c.parse('Rcfv', LONG, args);
  const keys = new Set(options.map(({ key }) => key));
  const reference = options.findLast(({ key }) => key === 'reference')?.value;
  let change: ModeChange | undefined;
  let files = operands;
  if (reference !== undefined) {
    const stat = await attempt(() => c.process.stat(reference));
    if ('error' in stat) c.fail(`failed to get attributes of ${quoteName(reference)}: ${stat.error.message}`);
    change = () => stat.value.mode;
  } else {
    const text = modes.length > 0 ? modes.join(',') : operands[0];
    if (text === undefined) c.usage('missing operand');
    if (modes.length === 0) files = operands.slice(1);
    change = parseMode(text, c.process.umask);
    if (files.length === 0) c.usage(`missing operand after ${quote(text)}`);
    if (change === undefined) c.usage(`invalid mode: ${quote(text)}`);
  }
  if (files.length === 0) c.usage('missing operand');
  const job: Job = {
    ...{ change, recursive: keys.has('R'), verbose: keys.has('v'), changes: keys.has('c'), quiet: keys.has('f') },
  };
  for (const file of files) await apply(c, job, file, true);
  return undefined;
});
