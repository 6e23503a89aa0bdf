/** Values of options: sizes, durations, counts. Every refusal is one line that names the option. */

import { type BodyCompression, COMPRESSIONS } from '../trace/arrow-writer.ts';
import { parsePages } from '../trace/knobs.ts';
import { PAGE_COUNTER_MAX, PAGE_SIZE } from '../trace/schema.ts';
import { InputError } from './errors.ts';

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** `50ms` in ns. */
export function parseDuration(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s)$/.exec(text);
  const ns = match ? Math.round(Number(match[1]) * UNITS_NS[match[2]!]!) : 0;
  if (ns <= 0) throw new InputError(`${option} ${text}: not a duration such as 50ms, 1s`);
  return ns;
}

/** A whole number in [least, most]. */
export function parseCount(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new InputError(`${option} ${text}: not a whole number from ${least} to ${most}`);
  return value;
}

/** How a trace is compressed. */
export function parseCompression(option: string, text: string): BodyCompression {
  const compression = COMPRESSIONS.find((name) => name === text);
  if (compression === undefined) throw new InputError(`${option} ${text}: known are ${COMPRESSIONS.join(', ')}`);
  return compression;
}

/** The value of a knob in pages, by the kernel's rules (`64M`, `max`, `0x1000`; 0 or 1 for memory.oom.group). */
export function parseKnobValue(option: string, knob: string, text: string): bigint {
  if (knob === 'memory.oom.group') {
    if (text !== '0' && text !== '1') throw new InputError(`${option}: ${knob} takes 0 or 1, not ${text}`);
    return BigInt(text);
  }
  const pages = parsePages(text);
  if (pages === null) throw new InputError(`${option}: ${text} is not a size such as 64M or max`);
  return BigInt(pages) > PAGE_COUNTER_MAX ? PAGE_COUNTER_MAX : BigInt(pages);
}

/** `12.3 MiB` for a person; JSON has bytes. */
export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < PAGE_SIZE) return `${bytes} B`;
  const kib = bytes / 1024;
  return Math.abs(kib) < 1024 ? `${kib} KiB` : `${(kib / 1024).toFixed(2)} MiB`;
}
