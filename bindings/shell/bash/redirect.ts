/** Redirections. */
import type { Redirection, Word } from 'unbash';
import { bytesOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { OpenFlags } from '../kernel/syscalls.ts';
import { expandString, expandText, expandWord } from './expand.ts';
import { CommandFailure } from './flow.ts';
import type { Shell } from './shell.ts';

/** A here-document up to this goes through a pipe, a longer one through a file. */
const PIPE_DOCUMENT = 4096;
/** Descriptors that the shell keeps for itself are not below this. */
const SHELL_FD_BASE = 10;

/** What a descriptor was before a redirection: a copy of it, or that it was closed. */
export interface Saved {
  fd: number;
  copy: number | undefined;
}

async function fails(shell: Shell, what: string, text: string): Promise<never> {
  await shell.error(`${what}: ${text}`);
  throw new CommandFailure(1);
}

/** Opens what a redirection names; its error is printed. */
export async function openRedirect(shell: Shell, path: string, flags: OpenFlags): Promise<number> {
  const { process } = shell;
  try {
    const device = /^\/dev\/(?:fd\/([0-9]+)|(stdin|stdout|stderr))$/.exec(path);
    if (device) {
      const fd = device[1] !== undefined ? Number(device[1]) : ['stdin', 'stdout', 'stderr'].indexOf(device[2]!);
      return process.dupAbove(fd, 0);
    }
    return await process.open(path, flags, 0o666);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return fails(shell, path, error.message);
  }
}

async function openOutput(shell: Shell, path: string, clobber: boolean): Promise<number> {
  if (clobber || !shell.option('C')) return openRedirect(shell, path, { write: true, create: true, truncate: true });
  try {
    if (shell.process.stat(path).type === 'file') await fails(shell, path, 'cannot overwrite existing file');
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return openRedirect(shell, path, { write: true, create: true, exclusive: true });
  }
  return openRedirect(shell, path, { write: true, create: true, truncate: true });
}

/** The one field that a target is. */
async function targetOf(shell: Shell, word: Word | undefined): Promise<string> {
  if (word === undefined) return '';
  const fields: string[] = [];
  await expandWord(shell, word, fields);
  if (fields.length !== 1) {
    await fails(shell, shell.source.text.slice(word.pos, word.end), 'ambiguous redirect');
  }
  return fields[0]!;
}

async function document(shell: Shell, text: string): Promise<number> {
  const bytes = bytesOf(text);
  const { process } = shell;
  if (bytes.length <= PIPE_DOCUMENT) {
    const [from, to] = process.pipe();
    if (bytes.length > 0) await process.write(to, bytes);
    process.close(to);
    return from;
  }
  const directory = shell.get('TMPDIR') || '/tmp';
  for (let n = 0; ; n++) {
    const path = `${directory}/sh-thd.${(process.pid * 1000 + n).toString(36)}`;
    try {
      const to = await process.open(path, { write: true, read: true, create: true, exclusive: true }, 0o600);
      for (let done = 0; done < bytes.length; ) done += await process.write(to, bytes.subarray(done));
      const from = await process.open(path, { read: true });
      process.close(to);
      await process.unlink(path);
      return from;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno !== 'EEXIST') return fails(shell, 'cannot create temp file for here-document', error.message);
    }
  }
}

/** Puts `from` where it belongs: at `to`, what was there saved if `saved` is given. */
function place(shell: Shell, from: number, to: number, saved: Saved[] | null): void {
  const { process } = shell;
  if (from === to) {
    // the descriptor was free: it is closed again afterwards
    saved?.push({ fd: to, copy: undefined });
    return;
  }
  keep(shell, to, saved);
  process.dup2(from, to);
  process.close(from);
}

function keep(shell: Shell, fd: number, saved: Saved[] | null): void {
  if (saved === null) return;
  const { process } = shell;
  if (!process.isOpen(fd)) {
    saved.push({ fd, copy: undefined });
    return;
  }
  const copy = process.dupAbove(fd, SHELL_FD_BASE);
  process.setCloseOnExec(copy, true);
  saved.push({ fd, copy });
}

/**
 * Makes redirections, in order. `saved` takes what they replaced, for restore(); null: they stay. An error is printed and thrown as
 * CommandFailure (what was made is in `saved`).
 */
export async function redirect(shell: Shell, list: readonly Redirection[], saved: Saved[] | null): Promise<void> {
  const { process } = shell;
  for (const item of list) {
    const variableName = item.descriptor?.type === 'FileDescriptorVariable' ? item.descriptor.name : undefined;
    const given = item.descriptor?.type === 'FileDescriptor' ? item.descriptor.value : undefined;
    const put = async (from: number, standard: number) => {
      if (variableName === undefined) {
        try {
          place(shell, from, given ?? standard, saved);
        } catch (error) {
          if (!(error instanceof SyscallError)) throw error;
          await fails(shell, String(given ?? standard), error.message);
        }
        return;
      }
      const fd = process.dupAbove(from, SHELL_FD_BASE);
      process.close(from);
      shell.set(variableName, String(fd));
    };
    if (item.type === 'HereDoc') {
      const { body, delimiter } = item;
      const written = item.operator === '<<-' ? body.text.replace(/^\t+/gm, '') : body.text;
      if (item.closing === undefined) {
        const last = shell.source.line(Math.max(0, shell.source.text.length - 1));
        await shell.complain(
          `${shell.errorName}: line ${last}: warning: here-document at line ${shell.source.line(item.pos)} delimited by end-of-file (wanted \`${delimiter?.value ?? ''}')`,
        );
      }
      const text = delimiter?.quoted
        ? written
        : await expandText(shell, written, 'document', shell.source.line(body.pos));
      await put(await document(shell, text), 0);
      continue;
    }
    if (item.type === 'HereString') {
      const text = item.target === undefined ? '' : await expandString(shell, item.target);
      await put(await document(shell, `${text}\n`), 0);
      continue;
    }
    const { operator } = item;
    if (operator === '<&' || operator === '>&') {
      const target = await targetOf(shell, item.target);
      const standard = operator === '<&' ? 0 : 1;
      const fd = given ?? standard;
      const move = /^([0-9]+)(-?)$/.exec(target);
      if (target === '-') {
        const close = variableName === undefined ? fd : Number(shell.get(variableName) ?? '-1');
        if (process.isOpen(close)) {
          if (variableName === undefined) keep(shell, close, saved);
          process.close(close);
        } else if (variableName !== undefined && !(close >= 0)) {
          await fails(shell, variableName, 'Bad file descriptor');
        }
      } else if (move) {
        const from = Number(move[1]);
        if (!process.isOpen(from)) await fails(shell, move[1]!, 'Bad file descriptor');
        if (variableName !== undefined) {
          shell.set(variableName, String(process.dupAbove(from, SHELL_FD_BASE)));
        } else if (from !== fd) {
          keep(shell, fd, saved);
          process.dup2(from, fd);
        }
        if (move[2] === '-' && from !== fd) {
          keep(shell, from, saved);
          process.close(from);
        }
      } else if (operator === '>&' && given === undefined) {
        const opened = await openOutput(shell, target, false);
        place(shell, opened, 1, saved);
        keep(shell, 2, saved);
        process.dup2(1, 2);
      } else {
        const shown = item.target === undefined ? '' : shell.source.text.slice(item.target.pos, item.target.end);
        await fails(shell, shown, 'ambiguous redirect');
      }
      continue;
    }
    const path = await targetOf(shell, item.target);
    if (operator === '&>' || operator === '&>>') {
      const opened =
        operator === '&>'
          ? await openOutput(shell, path, false)
          : await openRedirect(shell, path, { write: true, create: true, append: true });
      place(shell, opened, 1, saved);
      keep(shell, 2, saved);
      process.dup2(1, 2);
    } else if (operator === '<') await put(await openRedirect(shell, path, { read: true }), 0);
    else if (operator === '<>')
      await put(await openRedirect(shell, path, { read: true, write: true, create: true }), 0);
    else if (operator === '>>') {
      await put(await openRedirect(shell, path, { write: true, create: true, append: true }), 1);
    } else await put(await openOutput(shell, path, operator === '>|'), 1);
  }
}

/** Takes redirections back, the last first. */
export function restore(shell: Shell, saved: readonly Saved[]): void {
  const { process } = shell;
  for (const { fd, copy } of saved.toReversed()) {
    if (copy === undefined) {
      if (process.isOpen(fd)) process.close(fd);
    } else {
      process.dup2(copy, fd);
      process.close(copy);
    }
  }
}
