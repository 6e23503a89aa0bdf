/**
 * Cache traces of libCacheSim. `oracle-general`: binary records of 24 bytes, little-endian: time (u32, seconds), object (u64), size in
 * bytes (u32), next access (i64, not used). `cache-csv`: text, its columns told in libCacheSim's own words. An access of an object is
 * an access of the pages that the object has in one file; see object-ranges.ts.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { mappingOf } from './columns.ts';
import { importTable } from './csv.ts';
import { quoted } from './flag-names.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { ObjectRanges } from './object-ranges.ts';
import { RecordBuffer } from './record-buffer.ts';
import { RowWriter } from './row-writer.ts';
import { accessRange } from './table.ts';

const RECORD = 24;
/** where a cache is if no rule of --cgroups says */
const CACHE_CGROUP = '/cache';
/** how the one task of a cache trace is called, for the rules of --cgroups */
const CACHE_COMM = 'cache';
const UNKNOWABLE = [
  'which task it was: one task does everything',
  'writes: every access is a read that brings in what is missing',
  'which file an object lies in: all of them are page ranges of one file, each rounded up to whole pages',
];

/** A file with the beginning of such records: whole ones, times that go on, the object's next access after this one. */
export function looksLikeOracleGeneral(head: string): boolean {
  const bytes = Buffer.from(head, 'latin1');
  const records = Math.floor(bytes.length / RECORD);
  // A few records prove nothing; a short file must be told by --format.
  if (records < 64) return false;
  let time = 0;
  for (let i = 0; i < records; i++) {
    const at = i * RECORD;
    const now = bytes.readUInt32LE(at);
    const next = bytes.readBigInt64LE(at + 16);
    if (now < time || now - time > 86400 || bytes.readUInt32LE(at + 12) > 2 ** 30) return false;
    if (next !== -1n && (next <= BigInt(i) || next > 2n ** 40n) && next !== 0x7fffffffffffffffn) return false;
    time = now;
  }
  return true;
}

/** See {@link Importer}. */
export async function importOracleGeneral(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
): Promise<ImportResult> {
  const rows = new RowWriter(sink, options.cgroups);
  const ranges = new ObjectRanges();
  const bytesTotal = sources.some((s) => s.bytesTotal === 0) ? 0 : sources.reduce((sum, s) => sum + s.bytesTotal, 0);
  const files: ImportReport['files'] = [];
  let records = 0;
  let empty = 0;
  let last = 0;
  let task = 0;
  let file = 0;
  for (const source of sources) {
    const buffer = new RecordBuffer(source);
    const before = records;
    let at = 0;
    while (await buffer.more(at)) {
      const { bytes } = buffer;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (at = 0; at + RECORD <= bytes.length; at += RECORD) {
        const time = view.getUint32(at, true);
        const size = view.getUint32(at + 12, true);
        if (time < last)
          throw new InputError(
            `${source.path}: record ${records - before + 1}: time goes backwards: ${time} s after ${last} s (is it an oracleGeneral trace?)`,
          );
        last = time;
        rows.at(time, 0, 0);
        if (task === 0) {
          task = rows.spawn(0, CACHE_COMM, rows.cgroupByRule(0, CACHE_COMM) || rows.cgroupAt(CACHE_CGROUP));
          file = rows.newObject(ops.OBJECT_FILE, 0, CACHE_COMM);
        }
        if (size === 0) empty++;
        accessRange(rows, ranges, task, file, view.getUint32(at + 4, true), view.getUint32(at + 8, true), size, 0);
        records++;
      }
      options.onProgress?.({ bytes: sources.reduce((sum, s) => sum + s.bytesRead, 0), bytesTotal, lines: records });
    }
    const left = buffer.bytes.length;
    if (left > 0)
      throw new InputError(`${source.path}: record ${records - before + 1}: is cut: ${left} of ${RECORD} bytes`);
    if (records === before) throw new InputError(`${source.path}: no record in it`);
    files.push({ path: source.path, lines: records - before, events: records - before });
  }
  const report: ImportReport = {
    format: 'oracle-general',
    files,
    lines: records,
    understood: { accesses: records },
    ignored: {},
    ...rows.report,
    lost: {},
    ambiguous: {
      objects: ranges.size,
      'objects that came back larger': ranges.grown,
      'objects that came back smaller': ranges.shrunk,
      'accesses of size 0, taken as one page': empty,
    },
    unknowable: UNKNOWABLE,
    missing: [],
  };
  return { report, highWater: report.high_water };
}

/** libCacheSim's names of columns. */
const PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['time-col', 'ts'],
  ['obj-id-col', 'object'],
  ['obj-size-col', 'size'],
]);

/** See {@link Importer}: CSV whose columns are given as `time-col=2,obj-id-col=5,obj-size-col=4,delimiter=;,has-header=true`. */
export function importCacheCsv(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
): Promise<ImportResult> {
  const columns = new Map<string, string>([
    ['header', 'no'],
    ['comm', `=${CACHE_COMM}`],
  ]);
  const given = options.columns ?? new Map<string, string>();
  for (const [key, value] of given) {
    const target = PARAMETERS.get(key);
    if (target !== undefined) {
      if (!/^[1-9]\d{0,3}$/.test(value)) throw new InputError(`--columns: ${key}=${value}: not the number of a column`);
      columns.set(target, `#${value}${target === 'ts' ? ':s' : ''}`);
    } else if (key === 'has-header') {
      if (value !== 'true' && value !== 'false') throw new InputError(`--columns: ${key}=${value}: true or false`);
      columns.set('header', value === 'true' ? 'yes' : 'no');
    } else if (key === 'delimiter') columns.set(key, value);
    else if (key !== 'obj-id-is-num')
      throw new InputError(
        `--columns: ${quoted(key)} is no parameter of a cache trace; known: ${[...PARAMETERS.keys()].join(', ')}, delimiter, has-header, obj-id-is-num`,
      );
  }
  for (const [key, target] of PARAMETERS)
    if (!columns.has(target)) throw new InputError(`--columns: ${key}=N is needed for a cache trace`);
  if (options.cgroups === undefined || options.cgroups.of(0, CACHE_COMM) === null)
    columns.set('cgroup', `=${CACHE_CGROUP}`);
  return importTable(sources, sink, options, mappingOf(columns), {
    name: 'cache-csv',
    sortHint: (path, column) => `sort -s -k${column},${column}g ${path}, with -t and the delimiter`,
  });
}
