/** Text of the page: names come from traces and scripts and may be anything, so every one of them is escaped; values have their units. */
import { printable } from '../printable.ts';

/** Text, or the value of an attribute in double quotes. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** `10.67 MiB`. */
export function bytes(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1024) return `${round(value)} B`;
  if (size < 2 ** 20) return `${round(value / 1024)} KiB`;
  if (size < 2 ** 30) return `${round(value / 2 ** 20)} MiB`;
  return `${round(value / 2 ** 30)} GiB`;
}

/** `10.7M`, where there is little room: three digits, as memory.max is written. */
export function shortBytes(value: number): string {
  const [unit, letter] =
    value < 1024 ? [1, ''] : value < 2 ** 20 ? [1024, 'K'] : value < 2 ** 30 ? [2 ** 20, 'M'] : [2 ** 30, 'G'];
  return `${Number((value / unit).toPrecision(3)).toLocaleString('en')}${letter}`;
}

/** `1.5 MiB·s`. */
export function byteSeconds(value: number): string {
  return value === 0 ? '0' : `${bytes(value)}·s`;
}

/** `12 ms`. */
export function nanoseconds(value: number): string {
  if (value === 0) return '0';
  if (value < 1e3) return `${round(value)} ns`;
  if (value < 1e6) return `${round(value / 1e3)} µs`;
  if (value < 1e9) return `${round(value / 1e6)} ms`;
  return `${round(value / 1e9)} s`;
}

/** `1,024`. */
export function count(value: number): string {
  return round(value);
}

/** `1 event`, `2 events`. */
export function numbered(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

function round(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 2 });
}

/** The end of a path that is too long for a label. */
export function shortened(path: string, most = 32): string {
  const text = printable(path);
  return text.length <= most ? text : `…${text.slice(text.length - most + 1)}`;
}
