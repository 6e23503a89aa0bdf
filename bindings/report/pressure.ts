/** memory.pressure: what the model's work costs in time, and the file as the kernel prints it. docs/pressure.md says how it comes about. */
import * as L from '../../assembly/layout.ts';

/** What the model's work takes on the machine that is modelled, ns. 0 is allowed: such work makes nobody wait. */
export interface Costs {
  /** each page that reclaim looks at */
  scan: number;
  /** each page that it takes, on top */
  reclaimed: number;
  /** each page read from swap */
  swapIn: number;
  /** each page of a file read from the disk */
  fileRead: number;
  /** not a cost: how long after its last row, or stall, a task is taken to be at work */
  slice: number;
}

/** Docs/pressure.md says what they were taken from. */
export const DEFAULT_COSTS: Readonly<Costs> = {
  scan: 1400,
  reclaimed: 0,
  swapIn: 50_000,
  fileRead: 50_000,
  slice: 4_000_000,
};

/** A second a page: more than any device takes, and little enough that no sum of a row overflows. */
export const MAX_COST = 1_000_000_000;

/** Names in the order of COST_*. */
export const COST_NAMES: readonly (keyof Costs)[] = ['scan', 'reclaimed', 'swapIn', 'fileRead', 'slice'];

/** One line of the file: percent over 10, 60 and 300 s with two decimals, and µs in all. */
export interface PressureLine {
  avg10: number;
  avg60: number;
  avg300: number;
  total: number;
}

/** `some`: somebody waited. `full`: nobody got on. */
export interface Pressure {
  some: PressureLine;
  full: PressureLine;
}

/** The costs that are not as they can be: one line, or null. */
export function wrongCost(costs: Costs): string | null {
  for (const name of COST_NAMES) {
    const ns = costs[name];
    if (!Number.isInteger(ns) || ns < 0 || ns > MAX_COST)
      return `cost ${name}: ${ns} is not a whole number of nanoseconds from 0 to ${MAX_COST}`;
  }
  return null;
}

/** Writes costs into a header that is being set up, or of a machine that stands. */
export function writeCosts(header: Uint32Array, costs: Costs): void {
  for (const [which, name] of COST_NAMES.entries()) header[(L.H_COSTS + 4 * which) / 4] = costs[name];
}

/** LOAD_INT and LOAD_FRAC: a fixed-point percentage, cut after two decimals. */
function percent(fixed: number): number {
  return Math.floor((fixed * 100) / 2048) / 100;
}

/** What the engine's readPressure() left in the header. */
export function pressureOf(memory: WebAssembly.Memory): Pressure {
  const header = new DataView(memory.buffer, L.HEADER, L.HEADER_END - L.HEADER);
  const line = (which: number): PressureLine => {
    const average = (window: number) => percent(header.getUint32(L.H_PSI_AVERAGE + 12 * which + 4 * window, true));
    return {
      avg10: average(0),
      avg60: average(1),
      avg300: average(2),
      total: Number(header.getBigUint64(L.H_PSI_TOTAL + 8 * which, true) / 1000n),
    };
  };
  return { some: line(0), full: line(1) };
}
