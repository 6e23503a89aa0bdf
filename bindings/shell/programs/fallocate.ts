/** fallocate(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
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
      if (size === undefined) c.fail(`failed to parse ${what}`);
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
        `${name}: ${bytesText(length)} (${length} bytes) ${punch ? 'punched' : 'allocated'}${keys.has('x') ? ' using fallocate' : ''}.\n`,
      );
    return 0;
  },
  { utilLinux: true },
);

/** size_to_human_string(SIZE_SUFFIX_3LETTER | SIZE_SUFFIX_SPACE) of util-linux */
function bytesText(size: number): string {
  const power = Math.min(6, Math.floor(Math.log2(size) / 10));
  const whole = Math.floor(size / 1024 ** power);
  const rest = size - whole * 1024 ** power;
  const tenth = power === 0 ? 0 : Math.round((rest / 1024 ** power) * 10);
  const unit = power === 0 ? 'B' : `${'KMGTPE'[power - 1]}iB`;
  return `${tenth === 0 ? whole : tenth === 10 ? whole + 1 : `${whole}.${tenth}`} ${unit}`;
}
