/** Copying of files and trees: what cp does, and mv between file systems. */

import { SyscallError } from '../kernel/error.ts';
import type { Process, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, errorOf, statOrUndefined, writeAll } from './command.ts';
import { IoBuffer } from './io-buffer.ts';
import { joinPath } from './paths.ts';
import { quoteName } from './quote.ts';

/** io_blksize of coreutils */
const BLOCK = 128 * 1024;

export interface CopyOptions {
  recursive: boolean;
  /** follow links: of the command line, everywhere, nowhere */
  follow: 'arguments' | 'always' | 'never';
  preserve: { mode: boolean; ownership: boolean; timestamps: boolean; links: boolean };
  force: boolean;
  verbose: boolean;
  noClobber: boolean;
  update: boolean;
  removeDestination: boolean;
  /** make links instead of copies */
  link: '' | 'hard' | 'symbolic';
  sparse: 'auto' | 'always' | 'never';
}

/** A copy under way: hard links that were seen, and directories that it made itself. */
export class Copier {
  readonly #c: Command;
  readonly #p: Process;
  readonly #options: CopyOptions;
  readonly #links = new Map<string, string>();
  readonly #made = new Set<string>();
  #top = { from: '', to: '' };

  constructor(c: Command, options: CopyOptions) {
    this.#c = c;
    this.#p = c.process;
    this.#options = options;
  }

  /** Copies `from` to `to` (not into it); false when something failed. */
  async copy(from: string, to: string, top = true): Promise<boolean> {
    const c = this.#c;
    const p = this.#p;
    const options = this.#options;
    const follow = options.follow === 'always' || (options.follow === 'arguments' && top);
    if (top) this.#top = { from, to };
    const found = await attempt(() => (follow ? p.stat(from) : p.lstat(from)));
    if ('error' in found) return this.#fail(`cannot stat ${quoteName(from)}: ${found.error.message}`);
    const source = found.value;
    if (source.type === 'directory' && !options.recursive)
      return this.#fail(`-r not specified; omitting directory ${quoteName(from)}`);
    const there = await attempt(() => (source.type !== 'symlink' || follow ? p.stat(to) : p.lstat(to)));
    if ('error' in there && there.error.errno !== 'ENOENT' && there.error.errno !== 'ELOOP')
      return this.#fail(`cannot stat ${quoteName(to)}: ${there.error.message}`);
    let existing = 'value' in there ? there.value : undefined;
    const dangling = existing === undefined && statOrUndefined(p, to, false)?.type === 'symlink';
    if (existing !== undefined) {
      if (existing.dev === source.dev && existing.ino === source.ino && !(options.link === 'hard' && !options.force))
        if (!(options.removeDestination && from !== to))
          return this.#fail(`${quoteName(from)} and ${quoteName(to)} are the same file`);
      if (options.noClobber && existing.type !== 'directory') return true;
      if (source.type === 'directory' && existing.type !== 'directory')
        return this.#fail(`cannot overwrite non-directory ${quoteName(to)} with directory ${quoteName(from)}`);
      if (source.type !== 'directory' && existing.type === 'directory')
        return this.#fail(
          `cannot overwrite directory ${quoteName(to)} with non-directory${top ? '' : ` ${quoteName(from)}`}`,
        );
      if (options.update && existing.type !== 'directory' && existing.mtime >= source.mtime) return true;
    } else if (dangling && source.type === 'file' && !options.removeDestination)
      return this.#fail(`not writing through dangling symlink ${quoteName(to)}`);
    if (source.type === 'directory') return this.#directory(from, to, source, existing);
    const known = this.#links.get(`${source.dev}:${source.ino}`);
    if (options.preserve.links && known !== undefined) {
      if (existing !== undefined) await p.unlink(to);
      return this.#step(() => p.link(known, to), `cannot create hard link ${quoteName(to)} to ${quoteName(known)}`);
    }
    if (source.nlink > 1) this.#links.set(`${source.dev}:${source.ino}`, to);
    if ((options.removeDestination || (existing !== undefined && source.type !== 'file')) && (existing ?? dangling)) {
      const failure = await errorOf(() => p.unlink(to));
      if (failure !== undefined) return this.#fail(`cannot remove ${quoteName(to)}: ${failure.message}`);
      if (options.verbose && options.removeDestination) await c.out.write(`removed ${quoteName(to)}\n`);
      existing = undefined;
    }
    if (options.verbose) await c.out.write(`${quoteName(from)} -> ${quoteName(to)}\n`);
    if (options.link === 'hard') {
      if (existing !== undefined && options.force) await p.unlink(to);
      return this.#step(() => p.link(from, to), `cannot create hard link ${quoteName(to)} to ${quoteName(from)}`);
    }
    if (options.link === 'symbolic')
      return this.#step(
        () => p.symlink(from, to),
        `cannot create symbolic link ${quoteName(to)} to ${quoteName(from)}`,
      );
    const done = await this.#content(from, to, source, existing);
    return done && (await this.#attributes(to, source));
  }

  async #fail(text: string): Promise<false> {
    await this.#c.error(text);
    return false;
  }

  async #step(call: () => unknown, what: string): Promise<boolean> {
    const failure = await errorOf(call);
    return failure === undefined || this.#fail(`${what}: ${failure.message}`);
  }

  async #directory(from: string, to: string, source: Stat, existing: Stat | undefined): Promise<boolean> {
    const p = this.#p;
    if (existing === undefined) {
      const failure = await errorOf(() => p.mkdir(to, source.mode | 0o700));
      if (failure !== undefined) return this.#fail(`cannot create directory ${quoteName(to)}: ${failure.message}`);
      if (this.#options.verbose) await this.#c.out.write(`${quoteName(from)} -> ${quoteName(to)}\n`);
    }
    const made = p.lstat(to);
    this.#made.add(`${made.dev}:${made.ino}`);
    const names = await attempt(() => p.readdir(from));
    if ('error' in names) return this.#fail(`cannot access ${quoteName(from)}: ${names.error.message}`);
    let whole = true;
    for (const name of names.value) {
      const child = statOrUndefined(p, joinPath(from, name), false);
      if (child !== undefined && this.#made.has(`${child.dev}:${child.ino}`)) {
        await this.#c.error(
          `cannot copy a directory, ${quoteName(this.#top.from)}, into itself, ${quoteName(this.#top.to)}`,
        );
        whole = false;
        continue;
      }
      whole = (await this.copy(joinPath(from, name), joinPath(to, name), false)) && whole;
    }
    if (existing === undefined && !this.#options.preserve.mode) p.chmod(to, source.mode & ~p.umask & 0o777);
    return (await this.#attributes(to, source)) && whole;
  }

  async #content(from: string, to: string, source: Stat, existing: Stat | undefined): Promise<boolean> {
    const p = this.#p;
    // A device or a fifo is read like a file unless trees are copied.
    if (source.type === 'symlink')
      return this.#step(() => p.symlink(p.readlink(from), to), `cannot create symbolic link ${quoteName(to)}`);
    if (source.type !== 'file' && this.#options.recursive)
      return this.#step(
        () => p.mknod(to, source.type, source.mode & ~p.umask, source.rdev),
        `cannot create special file ${quoteName(to)}`,
      );
    const input = await attempt(() => p.open(from, { read: true }));
    if ('error' in input) return this.#fail(`cannot open ${quoteName(from)} for reading: ${input.error.message}`);
    try {
      const mode = source.mode & 0o777;
      let output =
        existing === undefined
          ? await attempt(() => p.open(to, { write: true, create: true, exclusive: true }, mode))
          : await attempt(() => p.open(to, { write: true, truncate: true }));
      if ('error' in output && existing !== undefined && this.#options.force) {
        const failure = await errorOf(() => p.unlink(to));
        if (failure !== undefined) return this.#fail(`cannot remove ${quoteName(to)}: ${failure.message}`);
        output = await attempt(() => p.open(to, { write: true, create: true, exclusive: true }, mode));
      }
      if ('error' in output)
        return this.#fail(
          `cannot create regular file ${quoteName(to)}: ${
            output.error.errno === 'EISDIR' && to.endsWith('/') ? 'Not a directory' : output.error.message
          }`,
        );
      try {
        return await this.#bytes(from, to, input.value, output.value, source);
      } finally {
        p.close(output.value);
      }
    } finally {
      p.close(input.value);
    }
  }

  /** The data, extent by extent where the source has holes. */
  async #bytes(from: string, to: string, input: number, output: number, source: Stat): Promise<boolean> {
    const p = this.#p;
    const holes = source.type === 'file' && this.#options.sparse !== 'never' && source.blocks * 512 < source.size;
    // Within one file system copy_file_range(2) moves the data, without a buffer of the program's.
    const within = p.fstat(output).dev === source.dev;
    const buffer = new IoBuffer(p, BLOCK);
    const range = async (end: number): Promise<boolean> => {
      for (let left = end; left > 0; ) {
        const bytes = await attempt(() => p.read(input, Math.min(BLOCK, left)));
        if ('error' in bytes) return this.#fail(`error reading ${quoteName(from)}: ${bytes.error.message}`);
        if (bytes.value.length === 0) return true;
        if (!within) await buffer.filled(bytes.value.length);
        left -= bytes.value.length;
        const zero = this.#options.sparse === 'always' && bytes.value.every((byte) => byte === 0);
        const failure = await errorOf(() =>
          zero ? p.lseek(output, bytes.value.length, 'cur') : writeAll(p, output, bytes.value),
        );
        if (failure !== undefined) return this.#fail(`error writing ${quoteName(to)}: ${failure.message}`);
      }
      return true;
    };
    if (!holes) {
      if (!(await range(Number.POSITIVE_INFINITY))) return false;
    } else {
      for (let at = 0; at < source.size; ) {
        const data = await attempt(() => p.lseek(input, at, 'data'));
        if ('error' in data) {
          if (data.error.errno === 'ENXIO') break;
          throw new SyscallError(data.error.errno);
        }
        const end = p.lseek(input, data.value, 'hole');
        p.lseek(input, data.value, 'set');
        p.lseek(output, data.value, 'set');
        if (!(await range(end - data.value))) return false;
        at = end;
      }
    }
    const size = p.lseek(output, 0, 'cur');
    const wanted = holes ? source.size : size;
    if (p.fstat(output).type === 'file' && p.fstat(output).size < wanted) {
      const failure = await errorOf(() => p.ftruncate(output, wanted));
      if (failure !== undefined) return this.#fail(`failed to extend ${quoteName(to)}: ${failure.message}`);
    }
    return true;
  }

  async #attributes(to: string, source: Stat): Promise<boolean> {
    const p = this.#p;
    const { mode, ownership, timestamps } = this.#options.preserve;
    if (source.type === 'symlink') return true;
    if (timestamps) p.utimes(to, source.atime, source.mtime);
    if (ownership) {
      const failure = await errorOf(() => p.chown(to, source.uid, source.gid));
      if (failure !== undefined && failure.errno !== 'EPERM')
        return this.#fail(`failed to preserve ownership for ${quoteName(to)}: ${failure.message}`);
    }
    if (mode) return this.#step(() => p.chmod(to, source.mode), `preserving permissions for ${quoteName(to)}`);
    return true;
  }
}

/** Where the operands go: `target` is a directory, or the one name. */
interface Targets {
  sources: string[];
  directory: boolean;
  target: string;
}

/** The last operand or -t: shared by cp, mv and ln. */
export function targetsOf(
  c: Command,
  operands: readonly string[],
  into: string | undefined,
  noDirectory: boolean,
): Targets {
  const p = c.process;
  if (operands.length === 0) c.usage('missing file operand');
  if (into !== undefined) {
    if (noDirectory) c.fail('cannot combine --target-directory (-t) and --no-target-directory (-T)');
    const target = statOrUndefined(p, into);
    if (target?.type !== 'directory') c.fail(`target directory ${quoteName(into)}: ${whyNoDirectory(p, into)}`);
    return { sources: [...operands], directory: true, target: into };
  }
  if (operands.length === 1) c.usage(`missing destination file operand after ${quoteName(operands[0]!)}`);
  const target = operands.at(-1)!;
  const sources = operands.slice(0, -1);
  if (noDirectory) {
    if (operands.length > 2) c.usage(`extra operand ${quoteName(operands[2]!)}`);
    return { sources, directory: false, target };
  }
  const directory = statOrUndefined(p, target)?.type === 'directory';
  if (!directory && sources.length > 1) c.fail(`target ${quoteName(target)}: ${whyNoDirectory(p, target)}`);
  return { sources, directory, target };
}

function whyNoDirectory(p: Process, path: string): string {
  try {
    p.stat(path);
    return 'Not a directory';
  } catch (error) {
    if (error instanceof SyscallError) return error.message;
    throw error;
  }
}
