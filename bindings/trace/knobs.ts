/** The values written to control files, as the kernel reads them. */
import { pageCounterMemparse } from '../cgroupfs/parse.ts';
import { EngineError } from '../engine/error.ts';
import { KNOB_IDS } from './schema.ts';

export interface KnobWrite {
  path: string;
  /** one of KNOB_IDS */
  knob: number;
  /** pages; 0 or 1 for memory.oom.group */
  value: number;
}

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

/** A limit in pages by the kernel's rules; null where it would refuse the text, and for an empty one. */
export function parsePages(word: string): number | null {
  if (word === '') return null;
  try {
    return Number(pageCounterMemparse(word));
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}
