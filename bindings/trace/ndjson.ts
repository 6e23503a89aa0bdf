/**
 * NDJSON: one flat JSON object a line. The wanted keys are picked out of the bytes by hand: numbers stay digits, so that none goes
 * through a double, and no object is made. What the keys mean is table.ts's.
 */
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { type Cells, textOf } from './cells.ts';
import { type Mapping, mappingOf, SCHEMA_TARGETS } from './columns.ts';
import { quoted } from './flag-names.ts';
import type { ImportOptions, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { Intern } from './intern.ts';
import { RecordBuffer } from './record-buffer.ts';
import { readTable, Table, type TableFormat } from './table.ts';

const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
/** nesting of values that are passed over */
const MAX_DEPTH = 64;
/** distinct keys in one file, wanted or not */
const MAX_KEYS = 4096;

/** A first line that is a JSON object. */
export function looksLikeNdjson(head: string): boolean {
  return /^(\u00ef\u00bb\u00bf)?\s*\{\s*"/.test(head);
}

const FORMAT: TableFormat = {
  name: 'ndjson',
  sortHint: (path, _, name) => `jq -c -s 'sort_by(.[${JSON.stringify(name)}])[]' ${path} > sorted.ndjson`,
};

/** See {@link Importer}. */
export async function importNdjson(
  sources: readonly ByteSource[],
  sink: TraceSink,
  options: ImportOptions,
): Promise<ImportResult> {
  const mapping = mappingOf(options.columns);
  const table = new Table(mapping, FORMAT, sink, options);
  return readTable(sources, table, options, (source) => new NdjsonReader(source, mapping, table));
}

class NdjsonReader {
  readonly #buffer: RecordBuffer;
  readonly #table: Table;
  readonly #mapping: Mapping;
  readonly #keys = new Intern();
  /** by number of the key: its column, −1 where it is passed over, −2 where the schema knows no such column */
  readonly #columnOf: number[] = [-1];
  readonly #columns: readonly string[];
  readonly #cells: Cells;
  line = 1;
  #at = 0;

  constructor(source: ByteSource, mapping: Mapping, table: Table) {
    this.#buffer = new RecordBuffer(source);
    this.#mapping = mapping;
    this.#table = table;
    this.#columns = mapping.explicit ? table.wanted : SCHEMA_TARGETS;
    const position = this.#columns.find((name) => /^#\d+$/.test(name));
    if (position !== undefined) throw new InputError(`--columns: ${position}: the values of NDJSON go by name`);
    this.#cells = {
      bytes: new Uint8Array(0),
      start: new Int32Array(this.#columns.length),
      end: new Int32Array(this.#columns.length),
    };
    table.open(source.path, this.#columns, this.#cells, 1);
  }

  /** Reads the file to its end; answers its lines. Throws InputError. */
  async run(progress: () => void): Promise<number> {
    const buffer = this.#buffer;
    const { path } = buffer.source;
    let at = 0;
    let first = true;
    for (;;) {
      const seen = buffer.bytes.length - at;
      const more = await buffer.more(at);
      if (seen > 0) buffer.checkLength(`${path}:${this.line}`, 'line');
      if (!more) break;
      const { bytes } = buffer;
      at = 0;
      if (first && bytes.length >= 3) {
        first = false;
        if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) at = 3;
      }
      this.#cells.bytes = bytes;
      for (let end = bytes.indexOf(NEWLINE, Math.max(at, seen)); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
        this.#row(bytes, at, end);
        this.line++;
        at = end + 1;
      }
      progress();
    }
    if (buffer.bytes.length > 0)
      throw new InputError(`${path}:${this.line}: the last line is cut (no newline at the end of the file)`);
    return this.line - 1;
  }

  #row(bytes: Uint8Array, start: number, lineEnd: number): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === RETURN ? lineEnd - 1 : lineEnd;
    this.#at = start;
    if (this.#space(bytes, end) === -1) return;
    this.#cells.start.fill(0);
    this.#cells.end.fill(0);
    this.#object(bytes, end);
    this.#table.line = this.line;
    this.#table.row();
  }

  /** The next byte that is no white space, −1 at the end of the line. */
  #space(bytes: Uint8Array, end: number): number {
    for (; this.#at < end; this.#at++) {
      const c = bytes[this.#at]!;
      if (c !== SPACE && c !== TAB) return c;
    }
    return -1;
  }

  #object(bytes: Uint8Array, end: number): void {
    if (this.#space(bytes, end) !== OPEN_BRACE) this.#fail('not a JSON object');
    this.#at++;
    if (this.#space(bytes, end) === CLOSE_BRACE) {
      this.#at++;
    } else {
      for (;;) {
        if (this.#space(bytes, end) !== QUOTE) this.#fail('a key in double quotes is missing');
        const from = this.#at + 1;
        const to = this.#string(bytes, end);
        const key = this.#keys.of(bytes, from, to);
        if (key === this.#columnOf.length) this.#newKey(key);
        const column = this.#columnOf[key]!;
        if (this.#space(bytes, end) !== COLON) this.#fail(`no colon after the key ${quoted(this.#keys.text(key))}`);
        this.#at++;
        this.#value(bytes, end, column, key);
        const c = this.#space(bytes, end);
        this.#at++;
        if (c === CLOSE_BRACE) break;
        if (c !== COMMA)
          this.#fail(
            c === -1 ? 'the object does not end' : `no comma after the value of ${quoted(this.#keys.text(key))}`,
          );
      }
    }
    if (this.#space(bytes, end) !== -1) this.#fail('text after the object');
  }

  #newKey(key: number): void {
    const name = this.#keys.text(key);
    const column = this.#columns.indexOf(name);
    // What the schema does not know would be lost in silence.
    if (column === -1 && !this.#mapping.explicit)
      this.#fail(`${quoted(name)} is no column of the schema, and no --columns says what it is`);
    if (key > MAX_KEYS) this.#fail(`more than ${MAX_KEYS} different keys in the file`);
    this.#columnOf.push(column);
  }

  #value(bytes: Uint8Array, end: number, column: number, key: number): void {
    const c = this.#space(bytes, end);
    let from = this.#at;
    let to: number;
    if (c === QUOTE) {
      from++;
      to = this.#string(bytes, end);
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (column >= 0) this.#fail(`column ${this.#columns[column]}: is no number and no text`);
      this.#nested(bytes, end);
      return;
    } else {
      let at = from;
      for (; at < end; at++) {
        const b = bytes[at]!;
        if (b === COMMA || b === CLOSE_BRACE || b === CLOSE_BRACKET || b === SPACE || b === TAB) break;
      }
      this.#at = at;
      to = at;
      if (to === from) this.#fail(`no value for ${quoted(this.#keys.text(key))}`);
      // A number begins with a digit or a sign; what is left are null, true and false.
      const first = bytes[from]!;
      if ((first < 48 || first > 57) && first !== 45) {
        const word = textOf(bytes, from, Math.min(to, from + 32));
        if (word !== 'null' && word !== 'true' && word !== 'false') this.#fail(`${quoted(word)} is no JSON value`);
        if (column >= 0 && word !== 'null')
          this.#fail(`column ${this.#columns[column]}: ${word} is no number and no text`);
        to = from;
      }
    }
    if (column < 0) return;
    this.#cells.start[column] = from;
    this.#cells.end[column] = to;
  }

  /** Passes over a string; answers where it ends. Escapes are undone in place: the text never gets longer. */
  #string(bytes: Uint8Array, end: number): number {
    const from = this.#at + 1;
    let at = from;
    for (; at < end; at++) {
      const c = bytes[at]!;
      if (c === QUOTE) {
        this.#at = at + 1;
        return at;
      }
      if (c === BACKSLASH) break;
      if (c < SPACE) this.#fail('a control character in a string');
    }
    for (; at < end; at++) {
      const c = bytes[at]!;
      if (c < SPACE) this.#fail('a control character in a string');
      if (c === BACKSLASH) at++;
      else if (c === QUOTE) break;
    }
    if (at >= end) this.#fail('a string that does not end');
    this.#at = at + 1;
    let text: string;
    try {
      text = JSON.parse(`"${textOf(bytes, from, at)}"`) as string;
    } catch {
      return this.#fail('an escape that JSON does not know');
    }
    if (text.includes('\0')) this.#fail('a NUL character in a string');
    const plain = Buffer.from(text, 'utf8');
    bytes.set(plain, from);
    return from + plain.length;
  }

  /** Passes over an object or an array. */
  #nested(bytes: Uint8Array, end: number): void {
    let depth = 0;
    for (; this.#at < end; ) {
      const c = bytes[this.#at]!;
      if (c === QUOTE) {
        this.#string(bytes, end);
        continue;
      }
      this.#at++;
      if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        if (++depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} deep`);
      } else if ((c === CLOSE_BRACE || c === CLOSE_BRACKET) && --depth === 0) return;
    }
    this.#fail('an object or array that does not end');
  }

  #fail(what: string): never {
    throw new InputError(`${this.#buffer.source.path}:${this.line}: ${what}`);
  }
}
