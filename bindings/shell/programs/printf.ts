/** printf(1) of coreutils */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { printfEscape } from './escapes.ts';
import { formatDouble, formatInteger, formatString, type Spec } from './format.ts';
import { quote, quoteForTerminal } from './quote.ts';

class Printer {
  readonly #c: Command;
  readonly #args: readonly string[];
  #at = 0;

  constructor(c: Command, args: readonly string[]) {
    this.#c = c;
    this.#args = args;
  }

  #next(): string | undefined {
    return this.#args[this.#at++];
  }

  async run(format: string): Promise<number> {
    do {
      const before = this.#at;
      if (!(await this.#once(format))) return this.#c.status;
      if (this.#at === before) break;
    } while (this.#at < this.#args.length);
    if (this.#at < this.#args.length)
      await this.#c.warn(`warning: ignoring excess arguments, starting with ${quote(this.#args[this.#at]!)}`);
    return this.#c.status;
  }

  /** The format once over; false when `\c` ended it. */
  async #once(format: string): Promise<boolean> {
    const out = this.#c.out;
    for (let i = 0; i < format.length; ) {
      const char = format[i]!;
      if (char === '\\') {
        const escaped = printfEscape(format, i, false);
        if (escaped === 'stop') return false;
        await out.write(escaped.out);
        i += escaped.length;
        continue;
      }
      if (char !== '%') {
        await out.write(char);
        i++;
        continue;
      }
      if (format[i + 1] === '%') {
        await out.write('%');
        i += 2;
        continue;
      }
      const match = /^%([-+ 0#']*)(\*|\d*)(?:\.(\*|\d*))?([hlLjzt]*)(.?)/s.exec(format.slice(i))!;
      const [whole, flags, width, precision, , conversion] = match as unknown as string[];
      if (!'diouxXfFeEgGaAcsbq'.includes(conversion!) || conversion === '')
        this.#c.fail(`${whole}: invalid conversion specification`);
      const number = async (text: string): Promise<number> => Number(await this.#integer(text));
      const spec: Spec = {
        flags: flags!,
        width: width === '*' ? await number(this.#next() ?? '0') : Number(width),
        precision:
          precision === undefined ? -1 : precision === '*' ? await number(this.#next() ?? '0') : Number(precision),
        conversion: conversion!,
      };
      if (spec.width < 0) {
        spec.flags += '-';
        spec.width = -spec.width;
      }
      i += whole!.length;
      if (!(await this.#convert(spec))) return false;
    }
    return true;
  }

  async #convert(spec: Spec): Promise<boolean> {
    const out = this.#c.out;
    const arg = this.#next();
    if (spec.conversion === 's') await out.write(formatString(spec, arg ?? ''));
    else if (spec.conversion === 'c')
      await out.write(formatString({ ...spec, precision: -1 }, (arg ?? '').slice(0, 1)));
    else if (spec.conversion === 'q') await out.write(formatString(spec, quoteForTerminal(arg ?? '')));
    else if (spec.conversion === 'b') {
      let text = '';
      const source = arg ?? '';
      for (let i = 0; i < source.length; ) {
        if (source[i] !== '\\') {
          text += source[i++];
          continue;
        }
        const escaped = printfEscape(source, i, true);
        if (escaped === 'stop') {
          await out.write(text);
          return false;
        }
        text += escaped.out;
        i += escaped.length;
      }
      await out.write(formatString(spec, text));
    } else if ('diouxX'.includes(spec.conversion))
      await out.write(formatInteger(spec, await this.#integer(arg ?? '0', 'di'.includes(spec.conversion))));
    else await out.write(formatDouble(spec, await this.#double(arg ?? '0')));
    return true;
  }

  async #complain(text: string, rest: string): Promise<void> {
    await this.#c.error(
      `${quote(text)}: ${rest === text ? 'expected a numeric value' : 'value not completely converted'}`,
    );
  }

  async #integer(text: string, signed = false): Promise<bigint> {
    if (/^["']/.test(text)) return BigInt(text.charCodeAt(1) || 0);
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*|)/.exec(text)!;
    const digits = match[2]!;
    const rest = text.slice(match[0].length);
    if (digits === '') {
      await this.#complain(text, text);
      return 0n;
    }
    if (rest !== '') await this.#complain(text, rest);
    const value = /^0[0-7]+$/.test(digits) ? BigInt(`0o${digits}`) : BigInt(digits);
    const limit = signed ? 2n ** 63n : 2n ** 64n;
    if (value >= limit) {
      await this.#c.error(`${quote(text)}: Numerical result out of range`);
      return signed && match[1] === '-' ? -limit : limit - 1n;
    }
    return match[1] === '-' ? -value : value;
  }

  async #double(text: string): Promise<number> {
    if (/^["']/.test(text)) return text.charCodeAt(1) || 0;
    const match =
      /^\s*[-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i.exec(text);
    if (match === null) {
      await this.#complain(text, text);
      return 0;
    }
    const rest = text.slice(match[0].length);
    if (rest !== '') await this.#complain(text, rest);
    const word = match[0].trim().toLowerCase();
    if (/inf/.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
    if (/nan/.test(word)) return Number.NaN;
    return /^[-+]/.test(word) ? (word[0] === '-' ? -1 : 1) * Number(word.slice(1)) : Number(word);
  }
}

export const printf: Program = command(async (c: Command) => {
  const args = c.args[0] === '--' ? c.args.slice(1) : c.args;
  const [format, ...rest] = args;
  if (format === undefined) c.usage('missing operand');
  return new Printer(c, rest).run(format);
});
