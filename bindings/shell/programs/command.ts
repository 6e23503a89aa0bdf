/** What every program has: its name, standard output as stdio buffers it, messages, and the end that reports failed writes. */
import { bytesOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { type CommandLine, getopt, OptionError } from './getopt.ts';

/** A program's end by a message of its own. `text` is printed as it is. */
export class Failure extends Error {
  override name = 'Failure';
  readonly status: number;
  constructor(text: string, status: number) {
    super(text);
    this.status = status;
  }
}

/** BUFSIZ of a pipe and of a file whose st_blksize is that. */
const BUFFER = 4096;

/** A stdio stream for writing: fully buffered, by lines on a terminal. */
export class Output {
  readonly process: Process;
  readonly fd: number;
  /** why a write failed, if one did */
  failure: SyscallError | undefined;
  #pending: string[] = [];
  #length = 0;
  #lines: boolean;

  constructor(process: Process, fd: number) {
    this.process = process;
    this.fd = fd;
    this.#lines = process.isOpen(fd) && process.isatty(fd);
  }

  /** fwrite(3) */
  async write(text: string): Promise<void> {
    if (text === '') return;
    this.#pending.push(text);
    this.#length += text.length;
    if (this.#lines) {
      if (text.includes('\n')) await this.flush();
    } else if (this.#length >= BUFFER) {
      const all = this.#take();
      const whole = all.length - (all.length % BUFFER);
      if (whole < all.length) this.#put(all.slice(whole));
      await this.#send(bytesOf(all.slice(0, whole)));
    }
  }

  /** Bytes past the buffer: what programs write(2) themselves. */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.flush();
    await this.#send(bytes);
  }

  /** fflush(3) */
  async flush(): Promise<void> {
    if (this.#length > 0) await this.#send(bytesOf(this.#take()));
  }

  #put(text: string): void {
    this.#pending.push(text);
    this.#length += text.length;
  }

  #take(): string {
    const all = this.#pending.length === 1 ? this.#pending[0]! : this.#pending.join('');
    this.#pending = [];
    this.#length = 0;
    return all;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.failure !== undefined) return;
    try {
      await writeAll(this.process, this.fd, bytes);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.failure = error;
    }
  }
}

/** full_write: all of the bytes, through short writes. @throws SyscallError */
export async function writeAll(process: Process, fd: number, bytes: Uint8Array): Promise<void> {
  let done = await process.write(fd, bytes);
  while (done < bytes.length) done += await process.write(fd, bytes.subarray(done));
}

/** How a family of programs speaks. */
interface Family {
  /** the status of a wrong command line and of other trouble (ls, sort, grep: 2; timeout: 125) */
  trouble?: number;
  /** error(3) of coreutils flushes stdout before it speaks; warn(3) of util-linux does not, and uses the short name */
  utilLinux?: boolean;
}

/** A running program. */
export class Command {
  readonly process: Process;
  readonly argv: readonly string[];
  /** the name in messages */
  readonly name: string;
  readonly trouble: number;
  readonly out: Output;
  /** the exit status so far */
  status = 0;
  readonly #flushes: boolean;

  constructor(process: Process, argv: readonly string[], family: Family) {
    this.process = process;
    this.argv = argv;
    const called = argv[0] ?? '';
    this.name = family.utilLinux ? called.slice(called.lastIndexOf('/') + 1) : called;
    this.trouble = family.trouble ?? 1;
    this.#flushes = !family.utilLinux;
    this.out = new Output(process, 1);
  }

  /** The arguments without argv[0]. */
  get args(): readonly string[] {
    return this.argv.slice(1);
  }

  /** getopt(3) over the arguments; a wrong one ends the program as there. `--help` and `--version` are not modelled, and say so. */
  parse(short: string, long: Readonly<Record<string, string>> = {}, args: readonly string[] = this.args): CommandLine {
    try {
      const line = getopt(args, short, { ...long, ...AUTHORS });
      for (const option of line.options)
        if (option.key === '--help' || option.key === '--version') this.fail(`${option.key} is not supported`);
      return line;
    } catch (error) {
      if (error instanceof OptionError) this.usage(error.message);
      throw error;
    }
  }

  /** A message on stderr, with the program's name. */
  async warn(text: string): Promise<void> {
    await this.print(`${this.name}: ${text}\n`);
  }

  /** A message, and a status that says so. */
  async error(text: string, status = this.trouble): Promise<void> {
    this.status = status;
    await this.warn(text);
  }

  /** Text on stderr as it is. */
  async print(text: string): Promise<void> {
    if (this.#flushes) await this.out.flush();
    try {
      await writeAll(this.process, 2, bytesOf(text));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  /** Ends the program by a message. */
  fail(text: string, status = this.trouble): never {
    throw new Failure(`${this.name}: ${text}\n`, status);
  }

  /** Ends the program as a wrong command line does. */
  usage(text: string, status = this.trouble): never {
    throw new Failure(
      `${text === '' ? '' : `${this.name}: ${text}\n`}Try '${this.name} --help' for more information.\n`,
      status,
    );
  }

  /** close_stdout(3) of gnulib, at exit: what could not be written is an error. */
  async close(status: number): Promise<number> {
    await this.out.flush();
    if (this.out.failure === undefined) return status;
    await this.warn(`write error: ${this.out.failure.message}`);
    return this.trouble;
  }
}

const AUTHORS = { help: '--help', version: '--version' };

/** A program out of its main function, which returns the status or leaves it in `status`. */
export function command(main: (command: Command) => Promise<number | undefined>, family: Family = {}): Program {
  return async (process, argv) => {
    const running = new Command(process, argv, family);
    let status: number;
    try {
      status = (await main(running)) ?? running.status;
    } catch (error) {
      if (error instanceof Failure) {
        await running.print(error.message);
        status = error.status;
      } else if (error instanceof SyscallError) {
        await running.warn(error.message);
        status = running.trouble;
      } else throw error;
    }
    return running.close(status);
  };
}

/** A message of a process on its stderr: of a child, before it runs something else. */
export async function complain(process: Process, text: string): Promise<void> {
  await errorOf(() => writeAll(process, 2, bytesOf(text)));
}

/** Runs a syscall; its error as a value. */
export async function attempt<T>(call: () => T | Promise<T>): Promise<{ value: T } | { error: SyscallError }> {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof SyscallError) return { error };
    throw error;
  }
}

/** The error of a syscall, or undefined when it went well. */
export async function errorOf(call: () => unknown): Promise<SyscallError | undefined> {
  const result = await attempt(call);
  return 'error' in result ? result.error : undefined;
}

/** stat(2) or lstat(2), undefined when there is no such file (or it cannot be reached). */
export function statOrUndefined(process: Process, path: string, follow = true) {
  try {
    return follow ? process.stat(path) : process.lstat(path);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}
