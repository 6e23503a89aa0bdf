/** free(1) of procps, out of /proc/meminfo */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { readFile } from './input.ts';

const LONG = {
  ...{ bytes: 'b', kibi: 'k', mebi: 'm', gibi: 'g', tebi: 'tebi', human: 'h', si: 'si', lohi: 'l', total: 't' },
  ...{ wide: 'w', 'seconds=': 's', 'count=': 'c', kilo: 'kilo', mega: 'mega', giga: 'giga' },
};

/** -h: four characters at most */
function human(kib: number, base: number): string {
  const units = base === 1024 ? ['B', 'Ki', 'Mi', 'Gi', 'Ti'] : ['B', 'K', 'M', 'G', 'T'];
  const bytes = kib * 1024;
  for (const [i, unit] of units.entries()) {
    const value = bytes / base ** i;
    if (i === 0) {
      if (bytes <= 999) return `${bytes}B`;
      continue;
    }
    const fine = `${value.toFixed(1)}${unit}`;
    if (fine.length <= 3 + unit.length) return fine;
    const whole = `${Math.trunc(value)}${unit}`;
    if (whole.length <= 3 + unit.length) return whole;
  }
  return `${Math.trunc(bytes / base ** 4)}${units[4]}`;
}

export const free: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('bkmghltc:ws:', LONG);
  if (operands.length > 0) c.usage(`unexpected argument ${operands[0]}`);
  let unit = 1024;
  let base = 1024;
  let readable = false;
  let total = false;
  let wide = false;
  for (const { key } of options) {
    if (key === 'b') unit = 1;
    else if (key === 'k') unit = 1024;
    else if (key === 'm') unit = 1024 ** 2;
    else if (key === 'g') unit = 1024 ** 3;
    else if (key === 'tebi') unit = 1024 ** 4;
    else if (key === 'kilo') unit = 1000;
    else if (key === 'mega') unit = 1000 ** 2;
    else if (key === 'giga') unit = 1000 ** 3;
    else if (key === 'h') readable = true;
    else if (key === 'si') base = 1000;
    else if (key === 't') total = true;
    else if (key === 'w') wide = true;
    else c.fail(`option -${key} is not supported`);
  }
  const text = await attempt(() => readFile(c.process, '/proc/meminfo'));
  if ('error' in text) c.fail(`Unable to create meminfo structure`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text.value)?.[1] ?? 0);
  const [memory, unused, available] = [field('MemTotal'), field('MemFree'), field('MemAvailable')];
  const buffers = field('Buffers');
  const cache = field('Cached') + field('SReclaimable');
  const used = memory - (available <= memory ? available : unused);
  const [swap, swapFree] = [field('SwapTotal'), field('SwapFree')];
  const show = (kib: number) => (readable ? human(kib, base) : String(Math.trunc((kib * 1024) / unit)));
  const row = (name: string, values: readonly string[]) =>
    `${name.padEnd(8)} ${values.map((value) => value.padStart(11)).join(' ')}\n`;
  const heads = ['total', 'used', 'free', 'shared', ...(wide ? ['buffers', 'cache'] : ['buff/cache']), 'available'];
  const values = [memory, used, unused, field('Shmem'), ...(wide ? [buffers, cache] : [buffers + cache]), available];
  let out = row('', heads) + row('Mem:', values.map(show)) + row('Swap:', [swap, swap - swapFree, swapFree].map(show));
  if (total) out += row('Total:', [memory + swap, used + swap - swapFree, unused + swapFree].map(show));
  await c.out.write(out);
  return 0;
});
