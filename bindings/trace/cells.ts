/**
 * Numbers and times out of the bytes of a table's cells, without a string in between. What is wrong is thrown as a CellProblem; the
 * caller knows file, line and column.
 */
import { quoted } from './flag-names.ts';

/** What is wrong with a cell, such as `"x" is not a number`. */
export class CellProblem extends Error {}

/** The cells of the current row by column, as positions in `bytes`. An empty cell, or one that is missing, has end = start. */
export interface Cells {
  bytes: Uint8Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
}

const ZERO = 48;
const NINE = 57;
const DOT = 46;
/** so many decimal digits always fit a double exactly */
const SAFE_DIGITS = 15;
const U64_MAX = (1n << 64n) - 1n;
const POW10 = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** A whole number from 0 to `max` (at most 2^53 − 1), decimal or 0x…. Throws CellProblem. */
export function numberAt(bytes: Uint8Array, start: number, end: number, max: number): number {
  if (end - start <= SAFE_DIGITS) {
    let value = 0;
    let at = start;
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === end && end > start) {
      if (value > max) throw new CellProblem(`${value} is beyond ${max}`);
      return value;
    }
  }
  const value = bigAt(bytes, start, end);
  if (value > BigInt(max)) throw new CellProblem(`${value} is beyond ${max}`);
  return Number(value);
}

/** A hexadecimal number, with or without 0x, below 2^64. Throws CellProblem. */
export function hexAt(bytes: Uint8Array, start: number, end: number): bigint | number {
  let at = start;
  if (bytes[at] === ZERO && (bytes[at + 1]! | 32) === 120 && end - at > 2) at += 2;
  if (at === end || end - at > 16) return bad(bytes, start, end, 'is not a hexadecimal number below 2^64');
  let high = 0;
  let low = 0;
  for (; at < end; at++) {
    const c = bytes[at]!;
    let digit = c - ZERO;
    if (digit < 0 || digit > 9) {
      digit = (c | 32) - 87;
      if (digit < 10 || digit > 15) return bad(bytes, start, end, 'is not a hexadecimal number');
    }
    if (end - at > 8) high = high * 16 + digit;
    else low = low * 16 + digit;
  }
  return high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** A whole number below 2^64 as a BigInt: the slow way, which also takes 0x…, 12.0 and 1e9. Throws CellProblem. */
export function bigAt(bytes: Uint8Array, start: number, end: number): bigint {
  if (end - start > 64) return bad(bytes, start, end, 'is not a number');
  const text = textOf(bytes, start, end);
  let value: bigint;
  if (/^(\d+|0x[0-9a-f]+)$/i.test(text)) value = BigInt(text);
  else if (/^\d+\.0*$/.test(text)) value = BigInt(text.slice(0, text.indexOf('.')));
  else if (/^\d+(\.\d*)?(e\+?\d{1,2})?$/i.test(text)) {
    const number = Number(text);
    if (!Number.isInteger(number)) throw new CellProblem(`${text} is not a whole number`);
    // Digits that a double cannot hold are lost already.
    if (!Number.isSafeInteger(number))
      throw new CellProblem(`${text}: write it in digits, its last ones would be lost`);
    value = BigInt(number);
  } else if (/^-\d/.test(text)) throw new CellProblem(`${text} is negative`);
  else throw new CellProblem(`${quoted(text)} is not a number`);
  if (value > U64_MAX) throw new CellProblem(`${text} is beyond 2^64 - 1`);
  return value;
}

/** A point in time: whole seconds and nanoseconds. One object is used again and again. */
export interface Instant {
  seconds: number;
  nanos: number;
}

/**
 * A time in units of 10^(−9 + exponent) s (9: seconds, 0: nanoseconds), decimals allowed; what is finer than a nanosecond is cut
 * off. All digits count, however many: none goes through a double. Throws CellProblem.
 */
export function timeAt(bytes: Uint8Array, start: number, end: number, exponent: number, time: Instant): void {
  let dot = start;
  while (dot < end) {
    const c = bytes[dot]!;
    if (c < ZERO || c > NINE) break;
    dot++;
  }
  if (dot === start || (dot < end && bytes[dot] !== DOT)) bigTime(bytes, start, end, exponent, time);
  else {
    // So many of the leading digits are whole seconds; negative: so many zeros are missing before the first nanosecond digit.
    const whole = dot - start - (9 - exponent);
    let seconds = 0;
    let nanos = 0;
    let digits = whole < 0 ? -whole : 0;
    let index = 0;
    for (let at = start; at < end; at++) {
      if (at === dot) continue;
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) bad(bytes, start, end, 'is not a time');
      if (index++ < whole) seconds = seconds * 10 + digit;
      else if (digits < 9) {
        nanos = nanos * 10 + digit;
        digits++;
      }
    }
    // Whole units with fewer digits than the seconds need: 12 s is 12 and no fraction.
    for (; index < whole; index++) seconds *= 10;
    time.seconds = seconds;
    time.nanos = nanos * POW10[9 - digits]!;
  }
  if (time.seconds >= 2 ** 34) bad(bytes, start, end, 'is beyond any clock (2^34 s): is the unit right?');
}

/** A time that is not plain digits: 1.7e9 and the like. */
function bigTime(bytes: Uint8Array, start: number, end: number, exponent: number, time: Instant): void {
  const ns = bigAt(bytes, start, end) * 10n ** BigInt(exponent);
  time.seconds = Number(ns / 1_000_000_000n);
  time.nanos = Number(ns % 1_000_000_000n);
}

function bad(bytes: Uint8Array, start: number, end: number, what: string): never {
  const text = textOf(bytes, start, Math.min(end, start + 64));
  if (/^-\d/.test(text)) throw new CellProblem(`${text} is negative`);
  throw new CellProblem(`${quoted(text)} ${what}`);
}
