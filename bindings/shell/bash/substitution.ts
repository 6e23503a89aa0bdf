/** Command substitution and process substitution. */

import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import { expandString } from './expand.ts';
import { CommandFailure } from './flow.ts';
import { knownJobs } from './jobs.ts';
import { printScript } from './printer.ts';
import { runSource } from './reader.ts';
import { openRedirect } from './redirect.ts';
import type { Shell } from './shell.ts';
import { Source } from './source.ts';
import { exitStatus, forkShell, waitFor } from './subshell.ts';

const CHUNK = 65536;

async function readAll(shell: Shell, fd: number): Promise<string> {
  let text = '';
  for (;;) {
    try {
      const bytes = await shell.process.read(fd, CHUNK);
      if (bytes.length === 0) return text;
      text += textOf(bytes);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errno !== 'EINTR') throw error;
    }
  }
}

/** The output without NULs and without newlines at its end. */
async function trimmed(shell: Shell, text: string): Promise<string> {
  let out = text;
  if (out.includes('\0')) {
    await shell.error('warning: command substitution: ignored null byte in input');
    out = out.replaceAll('\0', '');
  }
  return out.replace(/\n+$/, '');
}

const printedSources = new WeakMap<Source, Source>();

/**
 * The commands as bash prints them, which is what a `$(…)` that was read is run from: its lines are counted there. As they stand if
 * that is the same, or between backticks.
 */
function printed(source: Source): Source {
  const known = printedSources.get(source);
  if (known) return known;
  const { tree, text } = source;
  let result = source;
  if (!source.raw && !tree.errors && (text.includes('\n') || /\b(do|then|case|select)\b/.test(text))) {
    const other = new Source(printScript(tree, source), source.firstLine);
    if (!other.tree.errors && other.tree.commands.length > 0) result = other;
  }
  printedSources.set(source, result);
  return result;
}

/** What the commands print. `$?` of an assignment alone is their status. */
export async function substitute(shell: Shell, source: Source): Promise<string> {
  const { tree } = source;
  const only = tree.commands.length === 1 && !tree.errors?.length ? tree.commands[0]! : undefined;
  const command = only?.command;
  if (command?.type === 'Command' && !only?.background && command.name === undefined && command.prefix.length === 1) {
    const redirect = command.prefix[0]!;
    const plain = redirect.type === 'Redirect' && redirect.operator === '<' && redirect.descriptor === undefined;
    if (plain && redirect.target !== undefined) {
      const outer = shell.source;
      shell.source = source;
      let fd: number;
      try {
        fd = await openRedirect(shell, await expandString(shell, redirect.target), { read: true });
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        shell.substitutionStatus = 1;
        shell.status = 1;
        shell.source = outer;
        return '';
      }
      shell.source = outer;
      const text = await readAll(shell, fd);
      shell.process.close(fd);
      shell.substitutionStatus = 0;
      shell.status = 0;
      return trimmed(shell, text);
    }
  }
  const [from, to] = shell.process.pipe();
  const line = shell.line;
  const known = knownJobs(shell);
  const child = await forkShell(shell, async (inner) => {
    inner.inheritedJobs = known;
    inner.process.close(from);
    inner.process.dup2(to, 1);
    if (to !== 1) inner.process.close(to);
    if (!inner.shopt('inherit_errexit')) inner.options.delete('e');
    inner.oneShot = true;
    inner.substituting = true;
    inner.traceLevel++;
    inner.loops = 0;
    return runSource(inner, printed(source).from(line));
  });
  shell.process.close(to);
  const text = await readAll(shell, from);
  shell.process.close(from);
  shell.substitutionStatus = exitStatus(await waitFor(shell, child.pid));
  shell.status = shell.substitutionStatus;
  return trimmed(shell, text);
}

/** The path that stands for the other end of a pipe to the commands. */
export async function processSubstitution(shell: Shell, operator: '<' | '>', source: Source): Promise<string> {
  const [from, to] = shell.process.pipe();
  const line = shell.line;
  const [mine, theirs] = operator === '<' ? [from, to] : [to, from];
  const high = highest(shell, mine);
  const child = await forkShell(shell, async (inner) => {
    inner.process.close(high);
    for (const { fd } of inner.processSubstitutions) if (inner.process.isOpen(fd)) inner.process.close(fd);
    const standard = operator === '<' ? 1 : 0;
    inner.process.dup2(theirs, standard);
    if (theirs !== standard) inner.process.close(theirs);
    if (!inner.shopt('inherit_errexit')) inner.options.delete('e');
    inner.oneShot = true;
    inner.oneShotRedirects = true;
    inner.traceLevel++;
    inner.loops = 0;
    return runSource(inner, source.from(line));
  });
  shell.process.close(theirs);
  shell.processSubstitutions.push({ fd: high, pid: child.pid });
  shell.substituted.set(child.pid, true);
  shell.backgroundPid = child.pid;
  return `/dev/fd/${high}`;
}

/** Moves a descriptor to the highest free one below 64, as bash does with the ends that it keeps. */
function highest(shell: Shell, fd: number): number {
  for (let to = 63; to > 10; to--) {
    if (shell.process.isOpen(to)) continue;
    shell.process.dup2(fd, to);
    shell.process.close(fd);
    return to;
  }
  return fd;
}

/** Closes the pipes of process substitutions that a command has used. */
export function closeSubstitutions(shell: Shell, from: number): void {
  for (const { fd } of shell.processSubstitutions.splice(from)) {
    if (shell.process.isOpen(fd)) shell.process.close(fd);
  }
}
