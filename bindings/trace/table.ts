/**
 * The rows of a table (CSV, NDJSON) to the rows of a trace. Without a mapping the table's columns are the schema's and its ids are
 * taken as they are, checked. With one, tasks, cgroups and objects may be called anything: they are introduced here.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { TraceSink } from './arrow-writer.ts';
import type { ByteSource } from './byte-source.ts';
import { bigAt, CellProblem, type Cells, hexAt, type Instant, numberAt, textOf, timeAt } from './cells.ts';
import { type Mapping, meaningOf, OBJECT_TYPE_NAMES, type OpMeaning, type Source, TARGETS } from './columns.ts';
import { parseFlags, parseGfp, quoted } from './flag-names.ts';
import type { ImportOptions, ImportReport, ImportResult } from './import-report.ts';
import { InputError } from './input-error.ts';
import { Intern } from './intern.ts';
import { parseKnobWrite } from './knobs.ts';
import { ObjectRanges } from './object-ranges.ts';
import { RowWriter } from './row-writer.ts';
import { OP_NAMES, PAGE_SIZE, ROOT_CGROUP } from './schema.ts';

const U32_MAX = 0xffffffff;
const U16_MAX = 0xffff;
const SAFE = Number.MAX_SAFE_INTEGER;
const MAX_NAME_BYTES = 4096;

const [TS, CPU, OP, TASK, CGROUP, OBJECT, INDEX, COUNT, FLAGS, GFP, NAME, COMM, TYPE, SIZE] = TARGETS.map(
  (_, i) => i,
) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number];

/** Ops whose `count` is pages of memory, at least one. */
const NEEDS_PAGES = new Set([
  ops.OP_ANON_TOUCH,
  ops.OP_ANON_FREE,
  ops.OP_FILE_ACCESS,
  ops.OP_FILE_DIRTY,
  ops.OP_MLOCK,
  ops.OP_MUNLOCK,
]);
/** Ops whose `object` is an object. */
const NAMES_OBJECT = new Set([
  ops.OP_OBJECT_NEW,
  ops.OP_OBJECT_FREE,
  ops.OP_MAP,
  ops.OP_UNMAP,
  ops.OP_FILE_ACCESS,
  ops.OP_FILE_DIRTY,
  ops.OP_TRUNCATE,
  ops.OP_MLOCK,
  ops.OP_MUNLOCK,
  ops.OP_SYNC,
  ops.OP_CHARGE,
  ops.OP_RESIDENT,
]);
/** Ops that make no sense without an object. */
const NEEDS_OBJECT = new Set([
  ops.OP_OBJECT_NEW,
  ops.OP_OBJECT_FREE,
  ops.OP_UNMAP,
  ops.OP_FILE_ACCESS,
  ops.OP_FILE_DIRTY,
  ops.OP_TRUNCATE,
]);
const SWAP_OPS = new Set([ops.OP_SWAP_OUT, ops.OP_SWAP_FREE]);
/** Ops whose `index` is a frame. */
const BY_FRAME = new Set([
  ops.OP_PAGE_ALLOC,
  ops.OP_PAGE_FREE,
  ops.OP_CHARGE,
  ops.OP_UNCHARGE,
  ops.OP_SPLIT,
  ops.OP_MIGRATE,
  ops.OP_SWAP_OUT,
  ops.OP_RESIDENT,
]);
/** What a mapped table can say: the rest needs ids of its own kind (frames, swap entries, counts of bytes). */
const MAPPED_OPS = new Set([
  ops.OP_MKDIR,
  ops.OP_RMDIR,
  ops.OP_ATTACH,
  ops.OP_WRITE_KNOB,
  ops.OP_SPAWN,
  ops.OP_FORK,
  ops.OP_EXEC,
  ops.OP_EXIT,
  ops.OP_MARK,
  ops.OP_OBJECT_NEW,
  ops.OP_OBJECT_FREE,
  ops.OP_ANON_TOUCH,
  ops.OP_ANON_FREE,
  ops.OP_MAP,
  ops.OP_UNMAP,
  ops.OP_FILE_ACCESS,
  ops.OP_FILE_DIRTY,
  ops.OP_TRUNCATE,
  ops.OP_MLOCK,
  ops.OP_MUNLOCK,
  ops.OP_SYNC,
  ops.OP_DROP_CACHES,
  ops.OP_OOM_SCORE_ADJ,
]);

/** What a table's format knows of itself: for messages. */
export interface TableFormat {
  /** `csv` or `ndjson` */
  name: string;
  /** How a table of this kind is put in order of time with stock tools; `column` is the number of the time column, from 1. */
  sortHint(path: string, column: number, name: string): string;
}

export class Table {
  readonly #rows: RowWriter;
  readonly #mapping: Mapping;
  readonly #format: TableFormat;
  readonly #sources: (Source | null)[];
  /** column of the table by target, −1: none */
  readonly #column: Int32Array;
  #columnNames: readonly string[] = [];
  #cells!: Cells;
  #path = '';
  /** line number of the current row */
  line = 0;
  rows = 0;
  #time: Instant = { seconds: 0, nanos: 0 };
  #lastSeconds = -1;
  #lastNanos = 0;
  readonly #understood = new Map<string, number>();
  readonly #ignored = new Map<string, number>();

  readonly #opTexts = new Intern();
  readonly #ops: (OpMeaning & { rows: number })[] = [{ op: 0, flags: 0, rows: 0 }];
  readonly #flagTexts = new Intern();
  readonly #flags: number[] = [0];
  readonly #gfpTexts = new Intern();
  readonly #gfps: number[] = [0];
  readonly #constantOp: (OpMeaning & { rows: number }) | null;

  // With a mapping: by the number of the text.
  readonly #taskKeys = new Intern();
  /** dense id, 0: none lives under this name */
  readonly #taskId: number[] = [0];
  readonly #cgroupKeys = new Intern();
  readonly #cgroupId: number[] = [0];
  readonly #objectKeys = new Intern();
  readonly #objectId: number[] = [0];
  /** by dense task id: its cgroup */
  readonly #taskCgroup: number[] = [0];
  readonly #ranges = new ObjectRanges();
  #rangeFile = 0;
  #emptyObjects = 0;
  /** the task of tables that have no task column */
  #onlyTask = 0;

  // Without one: what the table's ids are; the cgroups get other numbers where --cgroups adds some.
  readonly #cgroupOf: number[] = [0, ROOT_CGROUP];
  /** those that the table itself has made */
  readonly #cgroupsMade = new Set<number>();
  #liveTasks = 0;

  constructor(mapping: Mapping, format: TableFormat, sink: TraceSink, options: ImportOptions) {
    this.#mapping = mapping;
    this.#format = format;
    this.#rows = new RowWriter(sink, options.cgroups);
    this.#sources = TARGETS.map((target) => mapping.sources.get(target) ?? null);
    this.#column = new Int32Array(TARGETS.length).fill(-1);
    const op = this.#sources[OP];
    this.#constantOp = null;
    if (mapping.explicit) {
      if (mapping.sources.get('ts') === undefined || mapping.sources.get('ts')?.column === null)
        throw new InputError('--columns: ts needs a column, such as ts=time:us');
      if (op === null && this.#sources[SIZE] === null)
        throw new InputError('--columns: op needs a column or a constant, such as op:=file_access');
      const text = op === null ? 'file_access' : op?.column === null ? op.constant : null;
      if (text !== null) {
        const meaning = meaningOf(text);
        if (meaning === null || !MAPPED_OPS.has(meaning.op))
          throw new InputError(`--columns: op:=${text} is no op that a table with a mapping can have`);
        this.#constantOp = { ...meaning, rows: 0 };
      }
      for (const [value, { op: code }] of mapping.meanings)
        if (code !== 0 && !MAPPED_OPS.has(code))
          throw new InputError(
            `--columns: op.${value}: ${OP_NAMES[code]} needs the schema's own ids, and those a table without --columns`,
          );
    }
  }

  /** The columns that the table must deliver, in the order of its cells; null: all, by their names. */
  get wanted(): string[] {
    const names = new Set<string>();
    for (const source of this.#sources) if (source?.column != null) names.add(source.column);
    return [...names];
  }

  /**
   * The next rows come from `path` and have these columns (CSV: the header). A table without a mapping must have at least ts and op.
   * Throws InputError where a column is missing.
   */
  open(path: string, columns: readonly string[], cells: Cells, line: number): void {
    this.#path = path;
    this.#cells = cells;
    this.#columnNames = columns;
    this.#column.fill(-1);
    const fail = (what: string): never => {
      throw new InputError(
        `${path}:${line}: ${what}; the columns are ${columns
          .map((c) => quoted(c))
          .join(', ')
          .slice(0, 500)}`,
      );
    };
    if (!this.#mapping.explicit) {
      TARGETS.forEach((target, slot) => {
        if (slot < COMM) this.#column[slot] = columns.indexOf(target);
      });
      for (const slot of [TS, OP])
        if (this.#column[slot] === -1) fail(`no column ${TARGETS[slot]}, and no --columns that says what it is`);
      // What the schema does not know would be lost in silence.
      const unknown = columns.find((name) => !(TARGETS as readonly string[]).slice(0, COMM).includes(name));
      if (unknown !== undefined)
        fail(`column ${quoted(unknown)} is none of the schema, and no --columns says what it is`);
      return;
    }
    this.#sources.forEach((source, slot) => {
      if (source === null || source.column === null) return;
      const position = /^#(\d{1,4})$/.exec(source.column);
      let column = columns.indexOf(source.column);
      if (column === -1 && position !== null) column = Number(position[1]) - 1;
      if (column < 0 || column >= columns.length) fail(`no column ${quoted(source.column)}`);
      this.#column[slot] = column;
    });
  }

  /** Takes the current row of the cells. Throws InputError that names file, line and column. */
  row(): void {
    this.rows++;
    this.#instant();
    if (this.#mapping.explicit) this.#mapped();
    else this.#plain();
  }

  /** The report; `files` as the importer knows them. Throws InputError where there was no row. */
  finish(files: ImportReport['files']): ImportReport {
    if (this.rows === 0) throw new InputError(`${files.map((f) => f.path).join(', ')}: no row in it`);
    for (let id = 1; id <= this.#opTexts.size; id++) {
      const meaning = this.#ops[id]!;
      (meaning.op === 0 ? this.#ignored : this.#understood).set(this.#opTexts.text(id), meaning.rows);
    }
    if (this.#constantOp !== null) this.#understood.set('rows', this.#constantOp.rows);
    const ambiguous: Record<string, number> = {};
    if (this.#mapping.explicit) {
      ambiguous['tasks that nothing puts into a cgroup: in the root'] = this.#rows.unplaced;
      if (this.#sources[SIZE] !== null) {
        ambiguous['objects that came back larger'] = this.#ranges.grown;
        ambiguous['objects that came back smaller'] = this.#ranges.shrunk;
        ambiguous['accesses of size 0, taken as one page'] = this.#emptyObjects;
      }
    }
    return {
      format: this.#format.name,
      files,
      lines: files.reduce((sum, file) => sum + file.lines, 0),
      understood: Object.fromEntries(this.#understood),
      ignored: Object.fromEntries(this.#ignored),
      ...this.#rows.report,
      lost: {},
      ambiguous,
      unknowable: this.#mapping.explicit ? this.#unknowable() : [],
      missing: [],
    };
  }

  #unknowable(): string[] {
    const sentences: string[] = [];
    const has = (slot: number) => this.#sources[slot] !== null;
    if (!has(TASK)) sentences.push('which task it was: no column tells, so one task does everything');
    if (!has(CGROUP)) sentences.push('in which cgroup a task is, but for the rules of --cgroups');
    if (has(SIZE))
      sentences.push(
        'which file an object lies in: all of them are page ranges of one file, each rounded up to whole pages',
      );
    return sentences;
  }

  // --- the cells

  #fail(slot: number, what: string): never {
    throw new InputError(`${this.#path}:${this.line}: column ${this.#name(slot)}: ${what}`);
  }

  #name(slot: number): string {
    return this.#columnNames[this.#column[slot]!] ?? TARGETS[slot]!;
  }

  #instant(): void {
    const column = this.#column[TS]!;
    const { bytes, start, end } = this.#cells;
    const time = this.#time;
    if (end[column]! <= start[column]!) this.#fail(TS, 'is empty, and a row needs its time');
    try {
      timeAt(bytes, start[column]!, end[column]!, this.#sources[TS]?.exponent ?? 0, time);
    } catch (error) {
      this.#rethrow(TS, error);
    }
    const step = time.seconds - this.#lastSeconds || time.nanos - this.#lastNanos;
    if (step < 0)
      this.#fail(
        TS,
        `time goes backwards: ${clock(time)} s after ${clock({ seconds: this.#lastSeconds, nanos: this.#lastNanos })} s; ` +
          `sort the rows first: ${this.#format.sortHint(this.#path, column + 1, this.#name(TS))}`,
      );
    this.#lastSeconds = time.seconds;
    this.#lastNanos = time.nanos;
  }

  #rethrow(slot: number, error: unknown): never {
    if (error instanceof CellProblem) this.#fail(slot, error.message);
    throw error;
  }

  /** A number of this column, 0 where it is empty. */
  #number(slot: number, max: number): number {
    const column = this.#column[slot]!;
    if (column === -1) {
      const source = this.#sources[slot];
      return source === null || source === undefined ? 0 : this.#constantNumber(slot, source, max);
    }
    const { bytes, start, end } = this.#cells;
    const from = start[column]!;
    const to = end[column]!;
    if (to <= from) return 0;
    try {
      if (this.#sources[slot]?.hex) {
        const value = hexAt(bytes, from, to);
        if (value > max) throw new CellProblem(`${value} is beyond ${max}`);
        return Number(value);
      }
      return numberAt(bytes, from, to, max);
    } catch (error) {
      this.#rethrow(slot, error);
    }
  }

  #constantNumber(slot: number, source: Source, max: number): number {
    const value = Buffer.from(source.constant);
    try {
      return numberAt(value, 0, value.length, max);
    } catch (error) {
      if (error instanceof CellProblem)
        throw new InputError(`--columns: ${TARGETS[slot]}:=${source.constant}: ${error.message}`);
      throw error;
    }
  }

  /** A number of bytes below 2^64, as a BigInt where a double would lose digits. */
  #bytes(slot: number): bigint | number {
    const column = this.#column[slot]!;
    const { bytes, start, end } = this.#cells;
    const from = start[column]!;
    const to = end[column]!;
    if (to <= from) return 0;
    try {
      if (this.#sources[slot]!.hex) return hexAt(bytes, from, to);
      return to - from <= 15 ? numberAt(bytes, from, to, SAFE) : bigAt(bytes, from, to);
    } catch (error) {
      this.#rethrow(slot, error);
    }
  }

  /** Text of this column (or the constant); null where there is none. */
  #text(slot: number): string | null {
    const column = this.#column[slot]!;
    if (column === -1) {
      const source = this.#sources[slot];
      return source?.column === null ? source.constant : null;
    }
    const { bytes, start, end } = this.#cells;
    if (end[column]! <= start[column]!) return null;
    if (end[column]! - start[column]! > MAX_NAME_BYTES) this.#fail(slot, `is longer than ${MAX_NAME_BYTES} bytes`);
    return textOf(bytes, start[column]!, end[column]!);
  }

  /** Number of this column's text in `texts`, 0 where it is empty. */
  #key(slot: number, texts: Intern): number {
    const column = this.#column[slot]!;
    if (column === -1) {
      const source = this.#sources[slot];
      if (source === null || source === undefined) return 0;
      const constant = Buffer.from(source.constant);
      return texts.of(constant, 0, constant.length);
    }
    const { bytes, start, end } = this.#cells;
    const from = start[column]!;
    const to = end[column]!;
    if (to <= from) return 0;
    if (to - from > MAX_NAME_BYTES) this.#fail(slot, `is longer than ${MAX_NAME_BYTES} bytes`);
    return texts.of(bytes, from, to);
  }

  #op(): OpMeaning & { rows: number } {
    if (this.#constantOp !== null) return this.#constantOp;
    const key = this.#key(OP, this.#opTexts);
    if (key === 0) this.#fail(OP, 'is empty, and a row needs its op');
    if (key === this.#ops.length) this.#ops.push(this.#newOp(this.#opTexts.text(key)));
    return this.#ops[key]!;
  }

  #newOp(text: string): OpMeaning & { rows: number } {
    const { meanings, explicit } = this.#mapping;
    const meaning = meanings.get(text) ?? meaningOf(text) ?? meanings.get('*');
    if (meaning === undefined)
      this.#fail(
        OP,
        `${quoted(text)} is no op${explicit ? `, and no op.${text.slice(0, 60)}=… says what it means` : ''}`,
      );
    if (explicit && meaning.op !== 0 && !MAPPED_OPS.has(meaning.op))
      this.#fail(OP, `${text} needs the schema's own ids, and those a table without --columns`);
    if (this.#ops.length > 4096) this.#fail(OP, 'has more than 4096 values');
    return { op: meaning.op, flags: meaning.flags, rows: 0 };
  }

  #bits(slot: number, texts: Intern, values: number[], parse: (text: string) => number | string): number {
    const key = this.#key(slot, texts);
    if (key === values.length) {
      const value = parse(texts.text(key));
      if (typeof value === 'string') this.#fail(slot, value);
      values.push(value);
    }
    return values[key]!;
  }

  // --- rows of a table with the schema's own columns

  #plain(): void {
    const meaning = this.#op();
    meaning.rows++;
    const { op } = meaning;
    const rows = this.#rows;
    const flags = meaning.flags | this.#bits(FLAGS, this.#flagTexts, this.#flags, parseFlags);
    const gfp = this.#bits(GFP, this.#gfpTexts, this.#gfps, parseGfp);
    const task = this.#number(TASK, U32_MAX);
    let cgroup = this.#number(CGROUP, U32_MAX);
    const object = this.#number(OBJECT, U32_MAX);
    const index = this.#number(INDEX, SAFE);
    const count = this.#number(COUNT, U32_MAX);
    const name = this.#column[NAME] === -1 ? null : this.#text(NAME);
    rows.at(this.#time.seconds, this.#time.nanos, this.#number(CPU, U16_MAX));
    const mkdirs = op === ops.OP_MKDIR;
    if (task > this.#liveTasks && op !== ops.OP_SPAWN)
      this.#fail(TASK, `${task} was never introduced by spawn or fork`);
    if (!mkdirs && cgroup !== 0) {
      const ours = this.#cgroupOf[cgroup];
      if (ours === undefined) this.#fail(CGROUP, `${cgroup} was never introduced by mkdir`);
      cgroup = ours;
    }
    if (count === 0 && NEEDS_PAGES.has(op)) this.#fail(COUNT, `${OP_NAMES[op]} needs a number of pages`);
    if (object === 0 && NEEDS_OBJECT.has(op)) this.#fail(OBJECT, `${OP_NAMES[op]} needs an object`);
    if (NAMES_OBJECT.has(op)) {
      if (object > rows.objects + 1)
        this.#fail(OBJECT, `${object} is not dense: the next new object is ${rows.objects + 1}`);
      if (object > rows.objects) rows.objects = object;
    }
    if (BY_FRAME.has(op) || (flags & ops.FLAG_BY_FRAME) !== 0) this.#frames(op, index, count, flags);
    if (SWAP_OPS.has(op)) {
      if (object + count > 2 ** 31) this.#fail(OBJECT, `${object} is beyond any swap`);
      if (object + count > rows.swap) rows.swap = object + count;
    }
    switch (op) {
      case ops.OP_MKDIR:
        this.#plainMkdir(task, cgroup, object, index, flags, name);
        return;
      case ops.OP_SPAWN:
        if (task !== this.#liveTasks + 1)
          this.#fail(TASK, `${task} is not dense: the next new task is ${this.#liveTasks + 1}`);
        this.#liveTasks = task;
        rows.spawn(index, name ?? '', cgroup, flags);
        return;
      case ops.OP_FORK:
        if (task === 0) this.#fail(TASK, 'fork needs the task that forks');
        if (object !== this.#liveTasks + 1)
          this.#fail(OBJECT, `${object} is not dense: the next new task is ${this.#liveTasks + 1}`);
        this.#liveTasks = object;
        rows.tasks = object;
        break;
      case ops.OP_ATTACH:
      case ops.OP_RMDIR:
      case ops.OP_OFFLINE:
      case ops.OP_WRITE_KNOB:
        if (cgroup === 0) this.#fail(CGROUP, `${OP_NAMES[op]} needs a cgroup`);
        if (op === ops.OP_RMDIR && cgroup === ROOT_CGROUP) this.#fail(CGROUP, 'the root cannot be removed');
        if (op === ops.OP_WRITE_KNOB && (count === 0 || count >= ops.NR_KNOBS))
          this.#fail(COUNT, `${count} is no knob`);
        break;
      case ops.OP_OBJECT_NEW:
        if (count === 0 || count >= ops.NR_OBJECT_TYPES) this.#fail(COUNT, `${count} is no type of object`);
        break;
      case ops.OP_MARK_VICTIM:
        if (object === 0 || object > this.#liveTasks) this.#fail(OBJECT, `${object} is no task`);
        break;
      default:
    }
    if (op === ops.OP_RMDIR && (flags & ops.FLAG_OFFLINE_FOLLOWS) === 0) rows.removeCgroup(cgroup);
    else {
      rows.row(op, task, cgroup, object, index, count, flags, gfp, name);
    }
  }

  #plainMkdir(task: number, cgroup: number, parent: number, index: number, flags: number, name: string | null): void {
    const rows = this.#rows;
    if (cgroup !== this.#cgroupOf.length)
      this.#fail(CGROUP, `${cgroup} is not dense: the next new cgroup is ${this.#cgroupOf.length}`);
    if (name === null) this.#fail(NAME, 'mkdir needs a path');
    if (!isPath(name) || name === '/') this.#fail(NAME, `${quoted(name)} is not a path of a cgroup`);
    const above = this.#cgroupOf[parent];
    if (above === undefined || above === 0) this.#fail(OBJECT, `the parent ${parent} was never introduced by mkdir`);
    // A rule of --cgroups may have made it already.
    const there = rows.findCgroup(name);
    const id = there !== 0 && !this.#cgroupsMade.has(there) ? there : rows.newCgroup(name, above, index, flags, task);
    this.#cgroupsMade.add(id);
    this.#cgroupOf.push(id);
  }

  #frames(op: number, index: number, count: number, flags: number): void {
    const end = Math.max(index + 2 ** (flags & ops.FLAG_ORDER_MASK), op === ops.OP_MIGRATE ? count + 1 : 0);
    if (op === ops.OP_SWAP_OUT) return;
    if (index === 0) this.#fail(INDEX, 'frame 0 means none');
    if (end > 2 ** 32) this.#fail(INDEX, `frame ${index} is not dense`);
    if (end > this.#rows.pages) this.#rows.pages = end;
  }

  // --- rows of a table with a mapping

  #mapped(): void {
    const meaning = this.#op();
    meaning.rows++;
    const { op } = meaning;
    if (op === 0) return;
    const rows = this.#rows;
    rows.at(this.#time.seconds, this.#time.nanos, this.#number(CPU, U16_MAX));
    const cgroup = this.#cgroup();
    if (op === ops.OP_MKDIR || op === ops.OP_RMDIR || op === ops.OP_WRITE_KNOB) {
      this.#mappedCgroupOp(op, cgroup);
      return;
    }
    if (op === ops.OP_MARK) {
      rows.row(op, 0, 0, 0, 0, 0, 0, 0, this.#text(NAME));
      return;
    }
    const task = this.#task(cgroup);
    if (op === ops.OP_SPAWN || op === ops.OP_ATTACH) return;
    const flags = meaning.flags | this.#bits(FLAGS, this.#flagTexts, this.#flags, parseFlags);
    if (op === ops.OP_FORK) this.#fork(task, flags);
    else if (op === ops.OP_EXEC) rows.row(op, task, 0, 0, 0, 0, flags, 0, this.#text(NAME));
    else if (op === ops.OP_EXIT) {
      rows.row(op, task, 0, 0, 0, 0, flags, 0, null);
      this.#taskId[this.#key(TASK, this.#taskKeys)] = 0;
      if (task === this.#onlyTask) this.#onlyTask = 0;
    } else if (this.#sources[SIZE] !== null) this.#ranged(op, task, flags);
    else this.#access(op, task, flags);
  }

  #mappedCgroupOp(op: number, cgroup: number): void {
    if (cgroup === 0) this.#fail(CGROUP, `${OP_NAMES[op]} needs a cgroup`);
    if (op === ops.OP_RMDIR) {
      if (cgroup === ROOT_CGROUP) this.#fail(CGROUP, 'the root cannot be removed');
      this.#rows.removeCgroup(cgroup);
      this.#cgroupId[this.#key(CGROUP, this.#cgroupKeys)] = 0;
    } else if (op === ops.OP_WRITE_KNOB) {
      // name: "memory.max 64M"
      const text = this.#text(NAME) ?? '';
      const write = parseKnobWrite(`/${text}`);
      if (write === null || write.path !== '/')
        this.#fail(NAME, `${quoted(text)} is not a control file and its value, such as "memory.max 64M"`);
      const path = this.#rows.pathOf(cgroup);
      this.#rows.row(
        op,
        0,
        cgroup,
        write.swappiness,
        write.value,
        write.knob,
        0,
        0,
        `${path === '/' ? '' : path}/${text}`,
      );
    }
  }

  /** The cgroup that the row names, made if need be; 0: it names none. */
  #cgroup(): number {
    const key = this.#key(CGROUP, this.#cgroupKeys);
    if (key === 0) return 0;
    let id = this.#cgroupId[key];
    if (id === undefined || id === 0) {
      const text = this.#cgroupKeys.text(key);
      if (/^\d{1,15}$/.test(text)) {
        const kernelId = Number(text);
        id = kernelId === 1 ? ROOT_CGROUP : this.#rows.findCgroup(`/unknown-${text}`);
        if (id === 0) id = this.#rows.newCgroup(`/unknown-${text}`, ROOT_CGROUP, kernelId, ops.FLAG_EXISTING);
      } else {
        const path = text.startsWith('/') ? text : `/${text}`;
        if (!isPath(path)) this.#fail(CGROUP, `${quoted(text)} is not a path of a cgroup`);
        id = this.#rows.cgroupAt(path);
      }
      this.#cgroupId[key] = id;
    }
    return id;
  }

  /** The row's task, introduced if need be and moved to the row's cgroup (0: wherever it is). */
  #task(cgroup: number): number {
    const key = this.#key(TASK, this.#taskKeys);
    let id = key === 0 ? this.#onlyTask : (this.#taskId[key] ?? 0);
    if (id === 0) {
      const text = key === 0 ? '' : this.#taskKeys.text(key);
      const pid = /^\d{1,10}$/.test(text) && Number(text) <= U32_MAX ? Number(text) : 0;
      const comm = this.#text(COMM) ?? (pid === 0 ? text : '');
      id = this.#rows.spawn(pid, comm, cgroup);
      this.#taskCgroup.push(this.#rows.lastPlace);
      if (key === 0) this.#onlyTask = id;
      else this.#taskId[key] = id;
    } else if (cgroup !== 0 && this.#taskCgroup[id] !== cgroup) {
      this.#rows.row(ops.OP_ATTACH, id, cgroup, 0, 0, 0, 0, 0, null);
      this.#taskCgroup[id] = cgroup;
    }
    return id;
  }

  #fork(task: number, flags: number): void {
    const rows = this.#rows;
    // The child is named in the column of objects, as in the schema.
    const child = this.#key(OBJECT, this.#taskKeys);
    if (child === 0) this.#fail(OBJECT, 'fork needs the child');
    const text = this.#taskKeys.text(child);
    const id = ++rows.tasks;
    this.#taskId[child] = id;
    this.#taskCgroup.push(this.#taskCgroup[task]!);
    const pid = /^\d{1,10}$/.test(text) && Number(text) <= U32_MAX ? Number(text) : 0;
    rows.row(ops.OP_FORK, task, 0, id, pid, 0, flags, 0, this.#text(NAME) ?? this.#text(COMM) ?? '');
  }

  #object(op: number): number {
    const key = this.#key(OBJECT, this.#objectKeys);
    if (key === 0) return 0;
    let id = this.#objectId[key] ?? 0;
    if (id === 0) {
      id = this.#rows.newObject(this.#type(), 0, this.#objectKeys.text(key));
      this.#objectId[key] = id;
    }
    if (op === ops.OP_OBJECT_FREE) this.#objectId[key] = 0;
    return id;
  }

  #type(): number {
    const text = this.#text(TYPE);
    if (text === null) return ops.OBJECT_FILE;
    const type = OBJECT_TYPE_NAMES.get(text.toLowerCase());
    if (type === undefined) this.#fail(TYPE, `${quoted(text)} is none of ${[...OBJECT_TYPE_NAMES.keys()].join(', ')}`);
    return type;
  }

  #access(op: number, task: number, flags: number): void {
    const object = NAMES_OBJECT.has(op) ? this.#object(op) : 0;
    if (object === 0 && NEEDS_OBJECT.has(op)) this.#fail(OBJECT, `${OP_NAMES[op]} needs an object`);
    if (op === ops.OP_OBJECT_NEW) return;
    let index: number;
    let count: number;
    if (this.#sources[INDEX]?.bytes || this.#sources[COUNT]?.bytes) {
      this.#pages();
      index = this.#index;
      count = this.#count;
    } else {
      index = this.#number(INDEX, SAFE);
      count = this.#number(COUNT, U32_MAX);
    }
    if (count === 0 && NEEDS_PAGES.has(op)) count = 1;
    this.#rows.row(op, task, 0, object, index, count, flags, 0, null);
  }

  /** Index and count where one of them is in bytes: every page that the bytes touch. */
  #pages(): void {
    const inBytes = (slot: number) => this.#sources[slot]?.bytes === true;
    const from = inBytes(INDEX) ? this.#bytes(INDEX) : null;
    const length = inBytes(COUNT) ? this.#bytes(COUNT) : null;
    const index = from === null ? this.#number(INDEX, SAFE) : null;
    if (typeof from !== 'bigint' && typeof length !== 'bigint') {
      // Below 2^53, nearly always.
      const inside = from === null ? 0 : from % PAGE_SIZE;
      this.#index = index ?? (from! - inside) / PAGE_SIZE;
      this.#count = length === null ? this.#number(COUNT, U32_MAX) : Math.ceil((inside + length) / PAGE_SIZE);
      if (length === 0) this.#count = 0;
    } else {
      const page = BigInt(PAGE_SIZE);
      const bytes = from === null ? BigInt(index!) * page : BigInt(from);
      this.#index = Number(bytes / page);
      if (length === null) this.#count = this.#number(COUNT, U32_MAX);
      else this.#count = BigInt(length) === 0n ? 0 : Number((bytes + BigInt(length) - 1n) / page - bytes / page + 1n);
    }
    if (this.#count > U32_MAX) this.#fail(COUNT, `${length} bytes are beyond ${U32_MAX} pages`);
  }
  #index = 0;
  #count = 0;

  /** An object of `size` bytes: a page range of the one file. */
  #ranged(op: number, task: number, flags: number): void {
    if (op !== ops.OP_FILE_ACCESS) this.#fail(OP, `${OP_NAMES[op]} of objects with a size: only file_access can be`);
    const key = this.#key(OBJECT, this.#objectKeys);
    if (key === 0) this.#fail(OBJECT, 'is empty, and an access needs its object');
    const size = this.#number(SIZE, U32_MAX * PAGE_SIZE);
    if (size === 0) this.#emptyObjects++;
    this.#rangeFile ||= this.#rows.newObject(this.#type(), 0, 'cache');
    accessRange(this.#rows, this.#ranges, task, this.#rangeFile, key, 0, size, flags);
  }
}

/** Writes the access of an object of `size` bytes that is a page range of `file`, and frees what a change of its size gives up. */
export function accessRange(
  rows: RowWriter,
  ranges: ObjectRanges,
  task: number,
  file: number,
  low: number,
  high: number,
  size: number,
  flags: number,
): void {
  const pages = size === 0 ? 1 : Math.ceil(size / PAGE_SIZE);
  ranges.access(low, high, pages);
  if (ranges.oldCount > 0)
    rows.row(ops.OP_TRUNCATE, task, 0, file, ranges.oldStart, ranges.oldCount, ops.FLAG_INFERRED, 0, null);
  rows.row(ops.OP_FILE_ACCESS, task, 0, file, ranges.start, pages, flags, 0, null);
}

/** Whether `text` is an absolute path without empty parts, `.` or `..`. */
export function isPath(text: string): boolean {
  if (text === '/') return true;
  return (
    text.startsWith('/') &&
    text.length <= MAX_NAME_BYTES &&
    text
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function clock(time: Instant): string {
  return `${time.seconds}.${String(time.nanos).padStart(9, '0')}`;
}

/** What reads one file of a table. */
interface TableReader {
  /** number of the line that comes next */
  readonly line: number;
  /** Reads to the end, calling `progress` now and then. Answers the lines. */
  run(progress: () => void): Promise<number>;
}

/** Reads the files of a table, one after the other. Throws InputError. */
export async function readTable(
  sources: readonly ByteSource[],
  table: Table,
  options: ImportOptions,
  open: (source: ByteSource) => TableReader,
): Promise<ImportResult> {
  const bytesTotal = sources.some((s) => s.bytesTotal === 0) ? 0 : sources.reduce((sum, s) => sum + s.bytesTotal, 0);
  const files: { path: string; lines: number; events: number }[] = [];
  for (const source of sources) {
    const before = table.rows;
    const reader = open(source);
    const lines = await reader.run(() => {
      const bytes = sources.reduce((sum, s) => sum + s.bytesRead, 0);
      options.onProgress?.({ bytes, bytesTotal, lines: files.reduce((sum, f) => sum + f.lines, 0) + reader.line - 1 });
    });
    files.push({ path: source.path, lines, events: table.rows - before });
  }
  const report = table.finish(files);
  return { report, highWater: report.high_water };
}
