/** tee(1) */
import type { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, writeAll } from './command.ts';
import { IoBuffer } from './io-buffer.ts';
import { quoteIfNeeded } from './quote.ts';

const SIGINT = 2;
const SIGPIPE = 13;
const CHUNK = 8192;

export const tee: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('aip', { append: 'a', 'ignore-interrupts': 'i', 'output-error=?': 'p' });
  const keys = new Set(options.map(({ key }) => key));
  const p = c.process;
  if (keys.has('i')) p.sigaction(SIGINT, 'ignore');
  if (keys.has('p')) p.sigaction(SIGPIPE, 'ignore');
  const outputs: { name: string; fd: number }[] = [{ name: 'standard output', fd: 1 }];
  for (const name of operands) {
    const append = keys.has('a');
    const opened = await attempt(() => p.open(name, { write: true, create: true, append, truncate: !append }, 0o666));
    if ('error' in opened) await c.error(`${quoteIfNeeded(name)}: ${opened.error.message}`);
    else outputs.push({ name, fd: opened.value });
  }
  const failed = async (name: string, error: SyscallError) => c.error(`${quoteIfNeeded(name)}: ${error.message}`);
  const buffer = new IoBuffer(p, CHUNK, 1);
  for (;;) {
    const got = await attempt(() => p.read(0, CHUNK));
    if ('error' in got) {
      await c.error(`read error: ${got.error.message}`);
      break;
    }
    const bytes = got.value;
    if (bytes.length === 0) break;
    await buffer.filled(bytes.length);
    for (const output of [...outputs]) {
      const error = await errorOf(() => writeAll(p, output.fd, bytes));
      if (error === undefined) continue;
      if (!(keys.has('p') && error.errno === 'EPIPE')) await failed(output.name, error);
      outputs.splice(outputs.indexOf(output), 1);
    }
    if (outputs.length === 0) break;
  }
  return undefined;
});
