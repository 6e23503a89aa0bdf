/** fallocate(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { shortSize } from './human.ts';
import { parseSize } from './numbers.ts';

const LONG = {
  ...{ 'collapse-range': 'c', 'dig-holes': 'd', 'insert-range': 'i', 'keep-size': 'n', 'length=': 'l' },
  ...{ 'offset=': 'o', 'punch-hole': 'p', posix: 'x', verbose: 'v', 'zero-range': 'z' },
};

export const fallocate: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('nl:o:pcdizxv', LONG);
    const keys = new Set(options.map(({ key }) => key));
    for (const key of 'cdiz') if (keys.has(key)) c.fail(`option -${key} is not supported`);
    const sizeOf = (letter: string, what: string): number | undefined => {
      const option = options.findLast(({ key }) => key === letter);
      if (option === undefined) return undefined;
      const size = parseSize(option.value);
      if (size === undefined) c.fail(`invalid ${what} value specified`);
      return size;
    };
    const length = sizeOf('l', 'length');
    const offset = sizeOf('o', 'offset') ?? 0;
    const [name, extra] = operands;
    if (name === undefined) c.fail('no filename specified');
    if (extra !== undefined) c.fail(`unexpected number of arguments`);
    if (length === undefined) c.fail('no length argument specified');
    if (length === 0) c.fail('invalid length value specified');
    const p = c.process;
    const punch = keys.has('p');
    const opened = await attempt(() => p.open(name, { read: true, write: true, create: !punch }, 0o666));
    if ('error' in opened) c.fail(`cannot open ${name}: ${opened.error.message}`);
    const failure = await errorOf(() =>
      p.fallocate(opened.value, offset, length, { keepSize: punch || keys.has('n'), punchHole: punch }),
    );
    if (failure !== undefined) c.fail(`fallocate failed: ${failure.message}`);
    if (keys.has('v'))
      await c.out.write(
        `${name}: ${shortSize(length, true)} (${length} bytes) ${punch ? 'punched' : 'allocated'}${keys.has('x') ? ' using fallocate' : ''}.\n`,
      );
    return 0;
  },
  { utilLinux: true },
);
