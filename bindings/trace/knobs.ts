/** The values written to control files, as the kernel reads them. */
import { KNOB_RECLAIM, RECLAIM_SWAPPINESS_MAX } from '../../assembly/replay/ops.ts';
import { pageCounterMemparse, parseReclaim } from '../cgroupfs/parse.ts';
import { EngineError } from '../engine/error.ts';
import { KNOB_IDS } from './schema.ts';

/** Its write asks for something, once: no setting, so that KNOB_IDS does not have it. */
export const RECLAIM_FILE = 'memory.reclaim';

export interface KnobWrite {
  path: string;
  /** one of KNOB_IDS, or KNOB_RECLAIM */
  knob: number;
  /** pages; 0 or 1 for memory.oom.group */
  value: number;
  /** memory.reclaim: swappiness + 1, 0 where none was written */
  swappiness: number;
}

/** Parses `PATH/FILE VALUE`; null where the file is none of these or the value is none that the kernel would take. */
export function parseKnobWrite(text: string): KnobWrite | null {
  const space = text.indexOf(' ');
  if (space === -1) return null;
  const slash = text.lastIndexOf('/', space);
  if (slash === -1) return null;
  const file = text.slice(slash + 1, space);
  const path = slash === 0 ? '/' : text.slice(0, slash);
  const word = text.slice(space + 1).trim();
  if (file === RECLAIM_FILE) return parseReclaimWrite(path, word);
  const knob = KNOB_IDS.get(file);
  if (knob === undefined) return null;
  const value = file === 'memory.oom.group' ? parseSwitch(word) : parsePages(word);
  return value === null ? null : { path, knob, value, swappiness: 0 };
}

/** The recorded kernel took the text, whichever it was: 6.18's grammar has 6.1's, save for the empty text. */
function parseReclaimWrite(path: string, word: string): KnobWrite | null {
  try {
    const { pages, swappiness } = parseReclaim(word, word === '' ? '6.1' : '6.18');
    const preference = swappiness === 'max' ? RECLAIM_SWAPPINESS_MAX : swappiness;
    return { path, knob: KNOB_RECLAIM, value: Number(pages), swappiness: preference === null ? 0 : preference + 1 };
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
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
