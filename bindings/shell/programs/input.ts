/** Reading: a stdio stream by lines, and whole files. */
import { textOf } from '../kernel/bytes.ts';
import type { Process } from '../kernel/syscalls.ts';

/** A stdio stream for reading. `chunk` is what one read(2) asks for. */
export class Input {
  readonly process: Process;
  readonly fd: number;
  readonly chunk: number;
  #buffer = '';
  #at = 0;
  #ended = false;

  constructor(process: Process, fd: number, chunk = 4096) {
    this.process = process;
    this.fd = fd;
    this.chunk = chunk;
  }

  async #fill(): Promise<boolean> {
    if (this.#ended) return false;
    const bytes = await this.process.read(this.fd, this.chunk);
    if (bytes.length === 0) {
      this.#ended = true;
      return false;
    }
    this.#buffer = this.#at < this.#buffer.length ? this.#buffer.slice(this.#at) + textOf(bytes) : textOf(bytes);
    this.#at = 0;
    return true;
  }

  /** A line without its delimiter, or null at the end. @throws SyscallError */
  async line(delimiter = '\n'): Promise<{ text: string; terminated: boolean } | null> {
    let from = this.#at;
    for (;;) {
      const end = this.#buffer.indexOf(delimiter, from);
      if (end >= 0) {
        const text = this.#buffer.slice(this.#at, end);
        this.#at = end + delimiter.length;
        return { text, terminated: true };
      }
      const kept = Math.max(0, this.#buffer.length - this.#at - (delimiter.length - 1));
      if (await this.#fill()) {
        from = kept;
        continue;
      }
      if (this.#at >= this.#buffer.length) return null;
      const text = this.#buffer.slice(this.#at);
      this.#at = this.#buffer.length;
      return { text, terminated: false };
    }
  }

  /** Whether nothing more comes. @throws SyscallError */
  async ended(): Promise<boolean> {
    return this.#at >= this.#buffer.length && !(await this.#fill());
  }

  /** At most `count` characters that were read ahead or come with the next read; '' at the end. */
  async some(count: number): Promise<string> {
    if (this.#at >= this.#buffer.length && !(await this.#fill())) return '';
    const text = this.#buffer.slice(this.#at, this.#at + count);
    this.#at += text.length;
    return text;
  }

  /** Puts text back before what comes next. */
  unread(text: string): void {
    this.#buffer = text + this.#buffer.slice(this.#at);
    this.#at = 0;
  }

  /** How many bytes were read ahead of what was asked for. */
  get ahead(): number {
    return this.#buffer.length - this.#at;
  }
}

/** The rest of a descriptor. @throws SyscallError */
export async function readAll(process: Process, fd: number, chunk = 4096): Promise<string> {
  const parts: string[] = [];
  for (;;) {
    const bytes = await process.read(fd, chunk);
    if (bytes.length === 0) return parts.join('');
    parts.push(textOf(bytes));
  }
}

/** A whole file. @throws SyscallError */
export async function readFile(process: Process, path: string): Promise<string> {
  const fd = await process.open(path, { read: true });
  try {
    return await readAll(process, fd);
  } finally {
    process.close(fd);
  }
}
