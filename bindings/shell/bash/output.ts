/** What a builtin prints: standard output as the C library has it in bash, buffered by lines. */
import { SyscallError } from '../kernel/error.ts';
import type { Shell } from './shell.ts';

export class BuiltinOutput {
  private readonly shell: Shell;
  private ready: string[] = [];
  private buffer = '';
  /** what the last write that failed said */
  error: string | undefined;

  constructor(shell: Shell) {
    this.shell = shell;
  }

  /** Text that bash puts out a character at a time: every newline is the end of a write(2). */
  characters(text: string): void {
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.ready.push(this.buffer + text.slice(from, at + 1));
      this.buffer = '';
      from = at + 1;
    }
    this.buffer += text.slice(from);
  }

  /** Text that is put out whole: one write(2) up to its last newline. */
  chunk(text: string): void {
    const at = text.lastIndexOf('\n');
    if (at >= 0) {
      this.ready.push(this.buffer + text.slice(0, at + 1));
      this.buffer = '';
    }
    this.buffer += text.slice(at + 1);
  }

  /** Writes the lines that are complete. */
  async lines(): Promise<void> {
    const { ready } = this;
    this.ready = [];
    for (const text of ready) {
      try {
        await this.shell.write(1, text);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        this.error = error.message;
      }
    }
  }

  /** Writes all. */
  async flush(): Promise<void> {
    if (this.buffer !== '') {
      this.ready.push(this.buffer);
      this.buffer = '';
    }
    if (this.ready.length > 0) await this.lines();
  }
}
