/** seq(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { formatDouble, type Spec } from './format.ts';
import { quote } from './quote.ts';

function numberOf(c: Command, text: string): number {
  if (/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  if (/^\s*[-+]?0x[0-9a-f]+$/i.test(text))
    return text.trim().startsWith('-') ? -Number(text.trim().slice(1)) : Number(text);
  const infinite = /^\s*([-+]?)inf(inity)?$/i.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  if (/^\s*[-+]?nan$/i.test(text)) c.usage(`invalid ${quote('not-a-number')} argument: ${quote(text)}`);
  c.usage(`invalid floating point argument: ${quote(text)}`);
}

/** Digits after the point of a number's text. */
function precisionOf(text: string): number {
  const match = /^[^.e]*(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(text);
  if (match === null) return 0;
  return Math.max(0, (match[1]?.length ?? 0) - Number(match[2] ?? 0));
}

/** A format of the user's: what stands before and after its one conversion. */
function formatOf(c: Command, text: string): { before: string; spec: Spec; after: string } {
  let before = '';
  let i = 0;
  for (; i < text.length; i++) {
    if (text[i] !== '%') before += text[i];
    else if (text[i + 1] === '%') {
      before += '%';
      i++;
    } else break;
  }
  if (i >= text.length) c.fail(`format ${quote(text)} has no % directive`);
  const match = /^%([-+#0 ']*)(\d*)(?:\.(\d*))?L?(.?)/.exec(text.slice(i))!;
  const [whole, flags, width, precision, conversion] = match;
  if (conversion === '') c.fail(`format ${quote(text)} ends in %`);
  if (!'efgaEFGA'.includes(conversion!)) c.fail(`format ${quote(text)} has unknown %${conversion} directive`);
  const after = text.slice(i + whole.length);
  if (/(^|[^%])(%%)*%([^%]|$)/.test(after)) c.fail(`format ${quote(text)} has too many % directives`);
  return {
    before,
    spec: {
      flags: flags!,
      width: Number(width),
      precision: precision === undefined ? -1 : Number(precision),
      conversion: conversion!,
    },
    after: after.replaceAll('%%', '%'),
  };
}

export const seq: Program = command(async (c: Command) => {
  // A negative number is an operand, not options.
  const args = [...c.args];
  let cut = 0;
  while (cut < args.length && /^-/.test(args[cut]!) && !/^-[\d.]/.test(args[cut]!) && args[cut] !== '--')
    cut += /^-[fs]$|^--(format|separator)$/.test(args[cut]!) ? 2 : 1;
  if (cut < args.length && args[cut] !== '--') args.splice(cut, 0, '--');
  const { options, operands } = c.parse('+f:s:w', { 'equal-width': 'w', 'format=': 'f', 'separator=': 's' }, args);
  let separator = '\n';
  let wide = false;
  let format: string | undefined;
  for (const { key, value } of options) {
    if (key === 's') separator = value;
    else if (key === 'w') wide = true;
    else format = value;
  }
  if (operands.length === 0) c.usage('missing operand');
  if (operands.length > 3) c.usage(`extra operand ${quote(operands[3]!)}`);
  const custom = format === undefined ? undefined : formatOf(c, format);
  if (custom !== undefined && wide) c.usage('format string may not be specified when printing equal width strings');
  const texts =
    operands.length === 1
      ? ['1', '1', operands[0]!]
      : operands.length === 2
        ? [operands[0]!, '1', operands[1]!]
        : operands;
  const [first, step, last] = texts.map((text) => numberOf(c, text)) as [number, number, number];
  if (step === 0) c.usage(`invalid Zero increment value: ${quote(texts[1]!)}`);
  const precision = Math.max(precisionOf(texts[0]!), precisionOf(texts[1]!));
  const plain = (value: number) => value.toFixed(precision);
  const lastShown = precisionOf(texts[2]!) > precision ? first + Math.floor((last - first) / step) * step : last;
  const width = wide ? Math.max(plain(first).length, Number.isFinite(last) ? plain(lastShown).length : 0) : 0;
  const show = (value: number): string => {
    if (custom !== undefined) return custom.before + formatDouble(custom.spec, value) + custom.after;
    const text = plain(value);
    if (!wide) return text;
    return text.startsWith('-') ? `-${text.slice(1).padStart(width - 1, '0')}` : text.padStart(width, '0');
  };
  // Values are first + i * step, so that errors do not add up; the last one counts when it prints as the last does.
  const beyond = (value: number) => (step > 0 ? value > last : value < last);
  let any = false;
  for (let i = 0; ; i++) {
    const value = first + i * step;
    if (beyond(value) && (i === 0 || !(beyond(value) && plain(value) === plain(last) && precision > 0))) break;
    await c.out.write((any ? separator : '') + show(value));
    any = true;
    if (c.out.failure !== undefined) break;
  }
  if (any) await c.out.write('\n');
  return undefined;
});
