/**
 * What is written to the control files of a memory cgroup, read as the kernel reads it: lib/cmdline.c: memparse(); lib/vsprintf.c:
 * simple_strtoull(); lib/kstrtox.c; mm/page_counter.c: page_counter_memparse(); mm/vmscan.c: user_proactive_reclaim() (6.18);
 * mm/memcontrol.c: memory_reclaim() (6.1).
 */
import { RECLAIM_SWAPPINESS_MAX } from '../../assembly/replay/ops.ts';
import { EngineError } from '../engine/error.ts';
import { PAGE_COUNTER_MAX, PAGE_SIZE } from '../trace/schema.ts';

const U64 = 64;
const SUFFIXES = 'kmgtpe';

/** isspace(): the kernel's table has the no-break space of Latin-1 as well. */
const SPACE = '[ \\t\\n\\v\\f\\r\\xa0]';
const STRIP = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

/** strstrip() */
export function strip(text: string): string {
  return text.replace(STRIP, '');
}

function invalid(text: string): EngineError {
  return new EngineError('EINVAL', `${JSON.stringify(text)}: EINVAL`);
}

/** The digits at the start, in the base that they announce (0x…, 0…): simple_strtoull(…, 0). Too large a number wraps. */
function digits(text: string): { value: bigint; length: number; overflow: boolean } {
  const hexadecimal = /^0x[0-9a-f]/i.test(text);
  const match = (hexadecimal ? /^0x[0-9a-f]+/i : text.startsWith('0') ? /^[0-7]+/ : /^[0-9]+/).exec(text);
  if (match === null) return { value: 0n, length: 0, overflow: false };
  const octal = !hexadecimal && text.startsWith('0');
  const value = BigInt(octal ? `0o${match[0]}` : match[0]);
  return { value: BigInt.asUintN(U64, value), length: match[0].length, overflow: value >> BigInt(U64) !== 0n };
}

/**
 * memparse(): a number and at most one of K M G T P E, and what is left of the text. No number is 0; what does not fit in 64 bits
 * wraps, as it does in the kernel.
 */
export function memparse(text: string): { bytes: bigint; rest: string } {
  const { value, length } = digits(text);
  const suffix = SUFFIXES.indexOf((text[length] ?? '?').toLowerCase());
  if (suffix < 0) return { bytes: value, rest: text.slice(length) };
  return { bytes: BigInt.asUintN(U64, value << BigInt(10 * (suffix + 1))), rest: text.slice(length + 1) };
}

/**
 * The pages of a limit (memory.max, .high, .low, .min, .swap.max, …): `most` is the word for no limit. A text of white space alone
 * is 0. Throws EngineError EINVAL.
 */
export function pageCounterMemparse(text: string, most = 'max'): bigint {
  const word = strip(text);
  if (word === most) return PAGE_COUNTER_MAX;
  const { bytes, rest } = memparse(word);
  if (rest !== '') throw invalid(text);
  const pages = bytes / BigInt(PAGE_SIZE);
  return pages < PAGE_COUNTER_MAX ? pages : PAGE_COUNTER_MAX;
}

/** How a limit of `pages` reads: seq_puts_memcg_tunable(). */
export function printPages(pages: bigint): string {
  return pages === PAGE_COUNTER_MAX ? 'max' : String(pages * BigInt(PAGE_SIZE));
}

const INT_MAX = 2n ** 31n - 1n;
const LONG_MAX = 2n ** 63n - 1n;

/** kstrtoint(…, 0): the whole text is a number, with a sign if need be. Throws EngineError EINVAL, or ERANGE for one beyond an int. */
export function parseInteger(text: string): number {
  const word = strip(text);
  const sign = /^[+-]?/.exec(word)![0];
  const { value, length, overflow } = digits(word.slice(sign.length));
  if (length === 0) throw invalid(text);
  if (overflow) throw new EngineError('ERANGE', `${JSON.stringify(text)}: ERANGE`);
  if (sign.length + length !== word.length) throw invalid(text);
  if (value > INT_MAX + (sign === '-' ? 1n : 0n)) throw new EngineError('ERANGE', `${JSON.stringify(text)}: ERANGE`);
  return Number(sign === '-' ? -value : value);
}

/**
 * kstrtoull(…, 0) and kstrtoll(…, 0): the whole text, and a newline, is a number; a blank is none. Throws EngineError EINVAL, or ERANGE
 * for one beyond 64 bits.
 */
export function parseLong(text: string, signed: boolean): bigint {
  const sign = (signed ? /^[+-]?/ : /^\+?/).exec(text)![0];
  const { value, length, overflow } = digits(text.slice(sign.length));
  if (overflow) throw new EngineError('ERANGE', `${JSON.stringify(text)}: ERANGE`);
  if (length === 0 || !/^\n?$/.test(text.slice(sign.length + length))) throw invalid(text);
  if (signed && value > LONG_MAX + (sign === '-' ? 1n : 0n))
    throw new EngineError('ERANGE', `${JSON.stringify(text)}: ERANGE`);
  return sign === '-' ? -value : value;
}

/** memory.oom.group and memory.zswap.writeback: 0 or 1. Throws EngineError EINVAL, ERANGE. */
export function parseSwitch(text: string): boolean {
  const value = parseInteger(text);
  if (value !== 0 && value !== 1) throw invalid(text);
  return value === 1;
}

/** What was written to memory.reclaim. */
export interface ReclaimRequest {
  pages: bigint;
  /** 0 to 200, or `max`: anonymous memory only; null: vm.swappiness */
  swappiness: number | 'max' | null;
}

/** match_token() with "swappiness=%d" and "swappiness=max". */
function parseSwappiness(token: string, text: string): number | 'max' {
  if (token === 'swappiness=max') return 'max';
  const match = /^swappiness=(-?)(.+)$/.exec(token);
  if (match === null) throw invalid(text);
  const { value, length } = digits(match[2]!);
  if (length !== match[2]!.length || (match[1] !== '' && value !== 0n) || value >= BigInt(RECLAIM_SWAPPINESS_MAX))
    throw invalid(text);
  return Number(value);
}

/**
 * The text of a write to memory.reclaim. 6.18: a size, then `swappiness=`; of several the last counts. 6.1: a size alone, and an empty
 * text asks for everything, since "" is its word for no limit. Throws EngineError EINVAL.
 */
export function parseReclaim(text: string, kernel: '6.18' | '6.1' = '6.18'): ReclaimRequest {
  if (kernel === '6.1') return { pages: pageCounterMemparse(text, ''), swappiness: null };
  const word = strip(text);
  const { bytes, rest } = memparse(word);
  if (rest === word) throw invalid(text);
  let swappiness: number | 'max' | null = null;
  for (const token of strip(rest).split(' ')) if (token !== '') swappiness = parseSwappiness(token, text);
  return { pages: bytes / BigInt(PAGE_SIZE), swappiness };
}
