/** The events of the access suites: one task in one cgroup, a page a row. */
import * as L from '../assembly/layout.ts';
import * as O from '../assembly/replay/ops.ts';
import { Columns } from './columns.ts';
import { Random } from './random.ts';

export interface AccessWorkload {
  title: string;
  columns: Columns;
  /** rows [0, prefill) are replayed before the clock starts */
  prefill: number;
  /** pages of the file or of the address space; the machine has a few more */
  pages: number;
  /** memory.max in pages, null for none */
  max: number | null;
}

const TASK = 1;
export const CGROUP = 2;
const OBJECT = 1;
/** What the peers must agree on, beside usage and watermark. */
export const STATISTICS: Readonly<Record<string, number>> = {
  anon: L.STAT_ANON,
  file: L.STAT_FILE,
  file_mapped: L.STAT_FILE_MAPPED,
  workingset_refault_file: L.STAT_WORKINGSET_REFAULT_FILE,
  workingset_activate_file: L.STAT_WORKINGSET_ACTIVATE_FILE,
  workingset_restore_file: L.STAT_WORKINGSET_RESTORE_FILE,
  pgscan_direct: L.STAT_PGSCAN_DIRECT,
  pgsteal_direct: L.STAT_PGSTEAL_DIRECT,
  pgfault: L.STAT_PGFAULT,
  pgmajfault: L.STAT_PGMAJFAULT,
  pgrefill: L.STAT_PGREFILL,
  pgactivate: L.STAT_PGACTIVATE,
  pgdeactivate: L.STAT_PGDEACTIVATE,
};
export const LISTS = ['inactive_anon', 'active_anon', 'inactive_file', 'active_file'];
export const FIGURES = [...Object.keys(STATISTICS), ...LISTS, 'usage', 'watermark', 'max events'];

function access(columns: Columns, page: number, flags: number): void {
  const row = columns.length;
  columns.append(O.OP_FILE_ACCESS, 0, TASK, 0, page, 1, flags);
  columns.object[row] = OBJECT;
}

/** All pages of the file are read twice, so that they are active: what is timed is the look-up and the reference bit. */
export function hits(pages: number, rows: number): AccessWorkload {
  const random = new Random(6);
  const columns = new Columns(2 * pages + rows);
  for (let i = 0; i < 2 * pages; i++) access(columns, i % pages, 0);
  for (let i = 0; i < rows; i++) access(columns, random.below(pages), 0);
  return { title: 'hits, random', columns, prefill: 2 * pages, pages, max: null };
}

/** The file is in the page cache: the first fault on a page maps it, later ones find it mapped. */
export function faults(pages: number, rows: number): AccessWorkload {
  const random = new Random(7);
  const columns = new Columns(pages + rows);
  for (let i = 0; i < pages; i++) access(columns, i, 0);
  for (let i = 0; i < rows; i++) access(columns, random.below(pages), O.FLAG_FAULT);
  return { title: 'faults, random', columns, prefill: pages, pages, max: null };
}

export function touches(pages: number): AccessWorkload {
  const columns = new Columns(pages);
  for (let i = 0; i < pages; i++) columns.append(O.OP_ANON_TOUCH, 0, TASK, 0, 0x55d000000 + i, 1, O.FLAG_WRITE);
  return { title: 'anon first touches', columns, prefill: 0, pages, max: null };
}

/** A limit of a sixteenth of the file; half of the reads go to a hot part that would fit, half anywhere. */
export function reclaims(pages: number, rows: number): AccessWorkload {
  const random = new Random(8);
  const max = pages / 16;
  const columns = new Columns(2 * max + rows);
  const read = () => access(columns, random.below(random.bits() & 1 ? max / 2 : pages), 0);
  while (columns.length < 2 * max) read();
  const prefill = columns.length;
  while (columns.room > 0) read();
  return { title: 'reads that reclaim', columns, prefill, pages, max };
}
