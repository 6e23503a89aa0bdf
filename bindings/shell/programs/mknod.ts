/** mknod(1) and mkfifo(1) */
import type { FileType, Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { parseMode } from './modes.ts';
import { quote, quoteIfNeeded, quoteName } from './quote.ts';

const LONG = { 'context=?': 'Z', 'mode=': 'm' };

function modeOf(c: Command, text: string | undefined): number {
  if (text === undefined) return 0o666 & ~c.process.umask;
  const change = parseMode(text, c.process.umask);
  if (change === undefined) c.fail('invalid mode');
  const mode = change(0o666, false);
  if (mode & ~0o777) c.fail('mode must specify only file permission bits');
  return mode;
}

export const mknod: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('m:Z', LONG);
  const mode = modeOf(c, options.findLast(({ key }) => key === 'm')?.value);
  const [name, kind, major, minor] = operands;
  const expected = kind?.[0] === 'p' ? 2 : 4;
  if (name === undefined) c.usage('missing operand');
  if (operands.length < expected) {
    const note =
      expected === 4 && operands.length === 2 ? `Special files require major and minor device numbers.\n` : '';
    await c.warn(`missing operand after ${quote(operands.at(-1)!)}`);
    if (note !== '') await c.print(note);
    c.usage('');
  }
  if (operands.length > expected) {
    await c.warn(`extra operand ${quote(operands[expected]!)}`);
    if (expected === 2 && operands.length === 4) await c.print('Fifos do not have major and minor device numbers.\n');
    c.usage('');
  }
  const type = ({ b: 'block', c: 'char', u: 'char', p: 'fifo' } as Record<string, FileType>)[kind![0]!];
  if (type === undefined) c.usage(`invalid device type ${quote(kind!)}`);
  let device = 0;
  if (type !== 'fifo') {
    const number = (text: string, what: string): number => {
      if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) c.fail(`invalid ${what} device number ${quote(text)}`);
      return Number(text);
    };
    device = (number(major!, 'major') << 8) | number(minor!, 'minor');
  }
  const failure = await errorOf(() => {
    c.process.mknod(name, type, mode, device);
    if (options.some(({ key }) => key === 'm')) c.process.chmod(name, mode);
  });
  if (failure !== undefined) c.fail(`${quoteIfNeeded(name)}: ${failure.message}`);
  return 0;
});

export const mkfifo: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('m:Z', LONG);
  const mode = modeOf(c, options.findLast(({ key }) => key === 'm')?.value);
  if (operands.length === 0) c.usage('missing operand');
  for (const name of operands) {
    const failure = await errorOf(() => {
      c.process.mknod(name, 'fifo', mode);
      if (options.some(({ key }) => key === 'm')) c.process.chmod(name, mode);
    });
    if (failure !== undefined) await c.error(`cannot create fifo ${quoteName(name)}: ${failure.message}`);
  }
  return undefined;
});
