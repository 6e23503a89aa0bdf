/** The values written to control files, as the kernel reads them. */
import { KNOB_IDS, PAGE_COUNTER_MAX, PAGE_SIZE } from './schema.ts';

export interface KnobWrite {
  path: string;
  /** one of KNOB_IDS */
  knob: number;
  /** pages; 0 or 1 for memory.oom.group */
  value: number;
}

const SUFFIX: Record<string, number> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
  e: 2 ** 60,
};
const MAX = Number(PAGE_COUNTER_MAX);

/** Parses `PATH/FILE VALUE`; null where the file is none of KNOB_IDS or the value is none that the kernel would take. */
export function parseKnobWrite(text: string): KnobWrite | null {
  const space = text.indexOf(' ');
  if (space === -1) return null;
  const slash = text.lastIndexOf('/', space);
  if (slash === -1) return null;
  const knob = KNOB_IDS.get(text.slice(slash + 1, space));
  if (knob === undefined) return null;
  const word = text.slice(space + 1).trim();
  const value = text.slice(slash + 1, space) === 'memory.oom.group' ? parseSwitch(word) : parsePages(word);
  return value === null ? null : { path: slash === 0 ? '/' : text.slice(0, slash), knob, value };
}

function parseSwitch(word: string): number | null {
  return word === '0' || word === '1' ? Number(word) : null;
}

/** `page_counter_memparse`: "max", or bytes with a suffix, rounded down to pages and bounded by PAGE_COUNTER_MAX. */
export function parsePages(word: string): number | null {
  if (word === 'max') return MAX;
  const match = /^(0x[0-9a-f]+|\d+)([kmgtpe]?)$/i.exec(word);
  if (match === null) return null;
  return Math.min(Math.floor((Number(match[1]) * SUFFIX[match[2]!.toLowerCase()]!) / PAGE_SIZE), MAX);
}
