/**
 * CSV by RFC 4180: a header, fields that may stand in quotes (with commas, line breaks and doubled quotes inside), LF or CRLF; also
 * with `;`, tab or `|` between the fields. Scanned byte by byte: no string is made for a field unless it is a name seen for the first
 * time. What the columns mean is table.ts's.
 */
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { type Cells, textOf } from './cells.ts';
import { type Mapping, mappingOf } from './columns.ts';
import type { ImportOptions, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { RecordBuffer } from './record-buffer.ts';
import { readTable, Table, type TableFormat } from './table.ts';

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const MAX_COLUMNS = 4096;
const DELIMITERS = [',', ';', '\t', '|'];

/** A first line that looks like a header: names, with a delimiter between them. */
export function looksLikeCsv(head: string): boolean {
  return /^(\u00ef\u00bb\u00bf)?("[^"\n]*"|[A-Za-z_][\w .()%/#@-]*)([,;\t|] *("[^"\n]*"|[A-Za-z_][\w .()%/#@-]*))+\r?\n/.test(
    head,
  );
}

const FORMAT: TableFormat = {
  name: 'csv',
  sortHint: (path, column) =>
    `(head -n 1 ${path}; tail -n +2 ${path} | sort -s -t, -k${column},${column}g) > sorted.csv (fields without line breaks or commas)`,
};

/** See {@link Importer}. */
export function importCsv(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
): Promise<ImportResult> {
  return importTable(sources, sink, options, mappingOf(options.columns), FORMAT);
}

/** Imports CSV files, one after the other in time, with a mapping. Throws InputError. */
export async function importTable(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
  mapping: Mapping,
  format: TableFormat,
): Promise<ImportResult> {
  const table = new Table(mapping, format, sink, options);
  return readTable(sources, table, options, (source) => new CsvReader(source, mapping, table));
}

class CsvReader {
  readonly #buffer: RecordBuffer;
  readonly #mapping: Mapping;
  readonly #table: Table;
  readonly #cells: Cells = {
    bytes: new Uint8Array(0),
    start: new Int32Array(MAX_COLUMNS),
    end: new Int32Array(MAX_COLUMNS),
  };
  #delimiter = 44;
  /** columns of the header; 0: it is still to come */
  #columns = 0;
  /** line number at which the next record begins */
  line = 1;
  /** Set by {@link CsvReader.#record}: fields of the record, and the line breaks inside of it. */
  #fields = 0;
  #breaks = 0;

  constructor(source: ByteSource, mapping: Mapping, table: Table) {
    this.#buffer = new RecordBuffer(source);
    this.#mapping = mapping;
    this.#table = table;
  }

  /** Reads the file to its end; answers its lines. Throws InputError. */
  async run(progress: () => void): Promise<number> {
    const buffer = this.#buffer;
    const { path } = buffer.source;
    while (await this.#fill(0)) {
      // The header is read only once it is whole.
      if (buffer.bytes.includes(NEWLINE)) break;
    }
    let at = this.#head();
    for (;;) {
      this.#cells.bytes = buffer.bytes;
      const next = this.#records(at);
      progress();
      if (!(await this.#fill(next))) {
        if (buffer.bytes.length > 0) throw new InputError(this.#cutMessage(path));
        break;
      }
      at = 0;
    }
    if (this.#columns === 0) throw new InputError(`${path}: no header line`);
    return this.line - 1;
  }

  async #fill(at: number): Promise<boolean> {
    const buffer = this.#buffer;
    const seen = buffer.bytes.length - at;
    const more = await buffer.more(at);
    if (seen > 0) buffer.checkLength(`${buffer.source.path}:${this.line}`, 'this row (a quote that is never closed?)');
    const nul = buffer.bytes.indexOf(0, seen);
    if (nul !== -1)
      throw new InputError(
        `${buffer.source.path}:${this.line + breaks(buffer.bytes, nul)}: a NUL byte: not a text file`,
      );
    return more;
  }

  #cutMessage(path: string): string {
    const open = this.#buffer.bytes.includes(NEWLINE);
    return open
      ? `${path}:${this.line}: a quote is never closed`
      : `${path}:${this.line}: the last line is cut (no newline at the end of the file)`;
  }

  /** Skips a byte order mark and finds the delimiter; answers where the first record begins. */
  #head(): number {
    const { bytes } = this.#buffer;
    const begin = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    if (this.#mapping.delimiter !== null) {
      this.#delimiter = this.#mapping.delimiter.charCodeAt(0);
      return begin;
    }
    // The one that stands most often in the first line, outside of quotes.
    const counts = DELIMITERS.map(() => 0);
    let open = false;
    for (let at = begin; at < bytes.length && (open || bytes[at] !== NEWLINE); at++) {
      if (bytes[at] === QUOTE) open = !open;
      const which = open ? -1 : DELIMITERS.indexOf(String.fromCharCode(bytes[at]!));
      if (which !== -1) counts[which]!++;
    }
    this.#delimiter = DELIMITERS[counts.indexOf(Math.max(...counts))]!.charCodeAt(0);
    return begin;
  }

  /** Takes all whole records from `at` on; answers where the first one begins that is not whole. */
  #records(from: number): number {
    const { bytes } = this.#buffer;
    const table = this.#table;
    let at = from;
    for (;;) {
      const next = this.#record(bytes, at);
      if (next === -1) return at;
      const blank = this.#fields === 1 && this.#cells.end[0]! <= this.#cells.start[0]! && this.#columns !== 1;
      if (!blank) {
        if (this.#columns === 0) {
          if (this.#header(bytes)) this.#row(table);
        } else this.#row(table);
      }
      this.line += 1 + this.#breaks;
      at = next;
    }
  }

  #row(table: Table): void {
    if (this.#fields !== this.#columns)
      throw new InputError(
        `${this.#buffer.source.path}:${this.line}: ${this.#fields} fields, where the first line has ${this.#columns}`,
      );
    table.line = this.line;
    table.row();
  }

  /** Reads the header; true: the line is a row already, because there is none. */
  #header(bytes: Uint8Array): boolean {
    const names: string[] = [];
    const { header } = this.#mapping;
    for (let i = 0; i < this.#fields; i++)
      names.push(header ? textOf(bytes, this.#cells.start[i]!, this.#cells.end[i]!) : `#${i + 1}`);
    const { path } = this.#buffer.source;
    const twice = names.find((name, i) => names.indexOf(name) !== i && this.#table.wanted.includes(name));
    if (twice !== undefined)
      throw new InputError(`${path}:${this.line}: two columns are called ${JSON.stringify(twice)}`);
    this.#columns = names.length;
    this.#table.open(path, names, this.#cells, this.line);
    return !header;
  }

  /** Finds the fields of the record at `from`; answers where the next one begins, −1 where this one is not whole. */
  #record(bytes: Uint8Array, from: number): number {
    const { start, end } = this.#cells;
    const delimiter = this.#delimiter;
    const { length } = bytes;
    let at = from;
    let field = 0;
    this.#breaks = 0;
    for (;;) {
      if (field === MAX_COLUMNS) throw this.#error(`more than ${MAX_COLUMNS} fields`);
      while (at < length && bytes[at] === SPACE && delimiter !== SPACE) at++;
      let c = bytes[at]!;
      if (c === QUOTE) {
        at = this.#quoted(bytes, at, field);
        if (at === -1) return -1;
        while (at < length && bytes[at] === SPACE && delimiter !== SPACE) at++;
        if (at < length && bytes[at] === RETURN) at++;
        if (at >= length) return -1;
        c = bytes[at]!;
        if (c !== delimiter && c !== NEWLINE) throw this.#error(`text after the closing quote of field ${field + 1}`);
      } else {
        const first = at;
        while (at < length) {
          c = bytes[at]!;
          if (c === delimiter || c === NEWLINE) break;
          at++;
        }
        if (at >= length) return -1;
        let last = at;
        if (c === NEWLINE && last > first && bytes[last - 1] === RETURN) last--;
        while (last > first && bytes[last - 1] === SPACE) last--;
        start[field] = first;
        end[field] = last;
      }
      field++;
      at++;
      if (c === NEWLINE) {
        this.#fields = field;
        return at;
      }
    }
  }

  /**
   * A field in quotes at `open`; doubled quotes are undone in place, which a record that is not whole must not see twice: so first
   * its end is looked for. Answers the position after the closing quote, −1 where there is none.
   */
  #quoted(bytes: Uint8Array, open: number, field: number): number {
    const { length } = bytes;
    let at = open + 1;
    let doubled = 0;
    let lines = 0;
    for (; at < length; at++) {
      const c = bytes[at];
      if (c === NEWLINE) lines++;
      else if (c === QUOTE) {
        if (at + 1 >= length) return -1;
        if (bytes[at + 1] !== QUOTE) break;
        doubled++;
        at++;
      }
    }
    if (at >= length) return -1;
    this.#breaks += lines;
    this.#cells.start[field] = open + 1;
    this.#cells.end[field] = at - doubled;
    if (doubled > 0 && this.#whole(bytes, at)) {
      let to = open + 1;
      for (let i = open + 1; i < at; i++) {
        bytes[to++] = bytes[i]!;
        if (bytes[i] === QUOTE) i++;
      }
    }
    return at + 1;
  }

  /** Whether the record that goes on after the closing quote at `quote` is whole. */
  #whole(bytes: Uint8Array, quote: number): boolean {
    let open = true;
    for (let at = quote; at < bytes.length; at++) {
      if (bytes[at] === QUOTE) open = !open;
      else if (bytes[at] === NEWLINE && !open) return true;
    }
    return false;
  }

  #error(what: string): InputError {
    return new InputError(`${this.#buffer.source.path}:${this.line}: ${what}`);
  }
}

function breaks(bytes: Uint8Array, end: number): number {
  let count = 0;
  for (let at = 0; at < end; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}
