/** Writes perf.data, byte by byte as the kernel and perf lay it out, for the tests of its importer. */

export const S = {
  IP: 1,
  TID: 1 << 1,
  TIME: 1 << 2,
  ADDR: 1 << 3,
  READ: 1 << 4,
  CALLCHAIN: 1 << 5,
  ID: 1 << 6,
  CPU: 1 << 7,
  PERIOD: 1 << 8,
  STREAM_ID: 1 << 9,
  RAW: 1 << 10,
  BRANCH_STACK: 1 << 11,
  REGS_USER: 1 << 12,
  STACK_USER: 1 << 13,
  WEIGHT: 1 << 14,
  DATA_SRC: 1 << 15,
  IDENTIFIER: 1 << 16,
  TRANSACTION: 1 << 17,
  REGS_INTR: 1 << 18,
  PHYS_ADDR: 1 << 19,
  AUX: 1 << 20,
  CGROUP: 1 << 21,
  DATA_PAGE_SIZE: 1 << 22,
  CODE_PAGE_SIZE: 1 << 23,
};

export const USUAL = S.IDENTIFIER | S.IP | S.TID | S.TIME | S.ADDR | S.CPU | S.PERIOD | S.RAW | S.DATA_SRC;
export const PAGE_FAULTS = 2;
/** config of the tracepoint in {@link FORMATS} */
export const PAGE_FAULT_USER = 190;
export const FILEMAP_DELETE = 601;
export const SCHED_EXEC = 366;

const COMMON = `\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

`;
const format = (name: string, id: number, fields: string) =>
  `name: ${name}\nID: ${id}\nformat:\n${COMMON}${fields}\nprint fmt: ""\n`;
const field = (type: string, offset: number, size: number) =>
  `\tfield:${type};\toffset:${offset};\tsize:${size};\tsigned:0;\n`;

export const FORMATS: Record<string, string[]> = {
  exceptions: [
    format(
      'page_fault_user',
      PAGE_FAULT_USER,
      field('unsigned long address', 8, 8) +
        field('unsigned long ip', 16, 8) +
        field('unsigned long error_code', 24, 8),
    ),
  ],
  filemap: [
    format(
      'mm_filemap_delete_from_page_cache',
      FILEMAP_DELETE,
      field('unsigned long pfn', 8, 8) +
        field('unsigned long i_ino', 16, 8) +
        field('unsigned long index', 24, 8) +
        field('dev_t s_dev', 32, 4) +
        field('unsigned char order', 36, 1),
    ),
  ],
  sched: [
    format(
      'sched_process_exec',
      SCHED_EXEC,
      field('__data_loc char[] filename', 8, 4) + field('pid_t pid', 12, 4) + field('pid_t old_pid', 16, 4),
    ),
  ],
};

/** A growing buffer, little-endian. */
export class Bytes {
  #parts: Buffer[] = [];
  length = 0;

  raw(part: Buffer): this {
    this.#parts.push(part);
    this.length += part.length;
    return this;
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16LE(value);
    return this.raw(part);
  }

  u32(...values: number[]): this {
    const part = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => {
      part.writeUInt32LE(value >>> 0, i * 4);
    });
    return this.raw(part);
  }

  u64(...values: (number | bigint)[]): this {
    const part = Buffer.alloc(values.length * 8);
    values.forEach((value, i) => {
      part.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), i * 8);
    });
    return this.raw(part);
  }

  /** with its NUL, filled up to a multiple of 8 */
  text(text: string): this {
    const bytes = Buffer.byteLength(text, 'latin1') + 1;
    const part = Buffer.alloc(Math.ceil(bytes / 8) * 8);
    part.write(text, 'latin1');
    return this.raw(part);
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface Event {
  type: number;
  config: number;
  id: number;
}

export const FAULTS: Event = { type: 1, config: PAGE_FAULTS, id: 77 };
export const TRAPS: Event = { type: 2, config: PAGE_FAULT_USER, id: 78 };
export const DELETES: Event = { type: 2, config: FILEMAP_DELETE, id: 79 };
export const EXECS: Event = { type: 2, config: SCHED_EXEC, id: 80 };

export interface Where {
  /** ns; 0: of what was there before */
  time: number | bigint;
  pid: number;
  tid?: number;
  cpu?: number;
}

export class PerfBuilder {
  readonly sampleType: number;
  readonly events: readonly Event[];
  /** registers that a sample has, and entries of its lists */
  readonly extra: number;

  constructor(events: readonly Event[] = [FAULTS], sampleType = USUAL, extra = 1) {
    this.events = events;
    this.sampleType = sampleType;
    this.extra = extra;
  }

  record(type: number, misc: number, payload: Buffer): Buffer {
    return new Bytes()
      .u32(type)
      .u16(misc)
      .u16(payload.length + 8)
      .raw(payload)
      .done();
  }

  /** A record of the kernel with its trailer (sample_id_all). */
  kernel(type: number, misc: number, at: Where, payload: Buffer): Buffer {
    const has = (bit: number) => (this.sampleType & bit) !== 0;
    const trailer = new Bytes();
    const id = this.events[0]!.id;
    if (has(S.TID)) trailer.u32(at.pid, at.tid ?? at.pid);
    if (has(S.TIME)) trailer.u64(at.time);
    if (has(S.ID)) trailer.u64(id);
    if (has(S.STREAM_ID)) trailer.u64(id);
    if (has(S.CPU)) trailer.u32(at.cpu ?? 0, 0);
    if (has(S.IDENTIFIER)) trailer.u64(id);
    return this.record(type, misc, Buffer.concat([payload, trailer.done()]));
  }

  comm(at: Where, pid: number, tid: number, comm: string, exec = false): Buffer {
    return this.kernel(3, exec ? 1 << 13 : 0, at, new Bytes().u32(pid, tid).text(comm).done());
  }

  fork(at: Where, pid: number, tid: number, parent: number, parentTid = parent): Buffer {
    return this.kernel(7, 0, at, new Bytes().u32(pid, parent, tid, parentTid).u64(at.time).done());
  }

  exit(at: Where, pid: number, tid = pid): Buffer {
    return this.kernel(4, 0, at, new Bytes().u32(pid, pid, tid, tid).u64(at.time).done());
  }

  /** Pages from `start`; `prot` and `flags` are those of mmap(2). */
  mmap2(
    at: Where,
    start: number,
    pages: number,
    path: string,
    more: {
      major?: number;
      minor?: number;
      inode?: number | bigint;
      offset?: number;
      prot?: number;
      flags?: number;
    } = {},
  ): Buffer {
    const { major = 0, minor = 0, inode = 0, offset = 0, prot = 3, flags = 2 } = more;
    const payload = new Bytes()
      .u32(at.pid, at.tid ?? at.pid)
      .u64(BigInt(start) * 4096n, BigInt(pages) * 4096n, BigInt(offset) * 4096n)
      .u32(major, minor)
      .u64(inode, 0)
      .u32(prot, flags)
      .text(path);
    return this.kernel(10, 1 << 13, at, payload.done());
  }

  lost(at: Where, count: number): Buffer {
    return this.kernel(2, 0, at, new Bytes().u64(this.events[0]!.id, count).done());
  }

  cgroup(at: Where, id: number, path: string): Buffer {
    return this.kernel(19, 0, at, new Bytes().u64(id).text(path).done());
  }

  round(): Buffer {
    return this.record(68, 0, Buffer.alloc(0));
  }

  sample(
    event: Event,
    at: Where,
    {
      page = 0,
      raw = Buffer.alloc(4),
      cgroup = 0,
      op = 1,
    }: { page?: number; raw?: Buffer; cgroup?: number; op?: number } = {},
  ): Buffer {
    const has = (bit: number) => (this.sampleType & bit) !== 0;
    const bytes = new Bytes();
    const list = Array.from({ length: this.extra }, (_, i) => 0xffffffff00000000n + BigInt(i));
    if (has(S.IDENTIFIER)) bytes.u64(event.id);
    if (has(S.IP)) bytes.u64(0x1234);
    if (has(S.TID)) bytes.u32(at.pid, at.tid ?? at.pid);
    if (has(S.TIME)) bytes.u64(at.time);
    if (has(S.ADDR)) bytes.u64(BigInt(page) * 4096n + 8n);
    if (has(S.ID)) bytes.u64(event.id);
    if (has(S.STREAM_ID)) bytes.u64(event.id);
    if (has(S.CPU)) bytes.u32(at.cpu ?? 0, 0);
    if (has(S.PERIOD)) bytes.u64(1);
    // read_format is ID | LOST
    if (has(S.READ)) bytes.u64(1, event.id, 0);
    if (has(S.CALLCHAIN)) bytes.u64(list.length, ...list);
    if (has(S.RAW)) {
      const size = Math.ceil((raw.length + 4) / 8) * 8 - 4;
      bytes.u32(size).raw(Buffer.concat([raw, Buffer.alloc(size - raw.length)]));
    }
    if (has(S.BRANCH_STACK)) bytes.u64(list.length, ...list, ...list, ...list);
    if (has(S.REGS_USER)) bytes.u64(...(this.extra === 0 ? [0] : [2, 5, 6]));
    if (has(S.STACK_USER)) bytes.u64(...(this.extra === 0 ? [0] : [16, 1, 2, 16]));
    if (has(S.WEIGHT)) bytes.u64(9);
    if (has(S.DATA_SRC)) bytes.u64(op);
    if (has(S.TRANSACTION)) bytes.u64(0);
    if (has(S.REGS_INTR)) bytes.u64(...(this.extra === 0 ? [0] : [2, 7]));
    if (has(S.PHYS_ADDR)) bytes.u64(0x99);
    if (has(S.CGROUP)) bytes.u64(cgroup);
    if (has(S.DATA_PAGE_SIZE)) bytes.u64(4096);
    if (has(S.CODE_PAGE_SIZE)) bytes.u64(4096);
    if (has(S.AUX)) bytes.u64(8, 1);
    return this.record(9, 2, bytes.done());
  }

  trap(at: Where, page: number, code: number): Buffer {
    const raw = new Bytes()
      .u32(PAGE_FAULT_USER, at.pid)
      .u64(BigInt(page) * 4096n + 8n, 1, code)
      .done();
    return this.sample(TRAPS, at, { page: 0, raw });
  }

  delete(at: Where, major: number, minor: number, inode: number | bigint, index: number, order = 0): Buffer {
    const raw = new Bytes()
      .u32(FILEMAP_DELETE, at.pid)
      .u64(1, inode, index)
      .u32(major * 2 ** 20 + minor, order);
    return this.sample(DELETES, at, { raw: raw.done() });
  }

  execTrace(at: Where, file: string): Buffer {
    const raw = new Bytes().u32(SCHED_EXEC, at.pid, ((file.length + 1) << 16) | 20, at.pid, at.pid).text(file);
    return this.sample(EXECS, at, { raw: raw.done() });
  }

  attr(event: Event): Buffer {
    const bytes = Buffer.alloc(128);
    bytes.writeUInt32LE(event.type, 0);
    bytes.writeUInt32LE(128, 4);
    bytes.writeUInt32LE(event.config, 8);
    bytes.writeUInt32LE(this.sampleType, 24);
    bytes.writeUInt32LE(4 | 16, 32);
    bytes.writeUInt32LE(1 << 18, 40);
    bytes.writeUInt32LE(3, 80);
    bytes.writeUInt32LE(1, 96);
    return bytes;
  }

  tracing(): Buffer {
    const bytes = new Bytes().raw(Buffer.from('\x17\x08Dtracing0.6\0', 'latin1')).raw(Buffer.of(0, 8)).u32(4096);
    bytes.raw(Buffer.from('header_page\0')).u64(3).raw(Buffer.from('abc'));
    bytes.raw(Buffer.from('header_event\0')).u64(0);
    bytes.u32(0).u32(Object.keys(FORMATS).length);
    for (const [system, formats] of Object.entries(FORMATS)) {
      bytes.raw(Buffer.from(`${system}\0`)).u32(formats.length);
      for (const text of formats) bytes.u64(text.length).raw(Buffer.from(text));
    }
    return bytes.u32(0, 0).u64(0).done();
  }

  /** perf record -o FILE */
  file(records: readonly Buffer[], { magic = 'PERFILE2' } = {}): Buffer {
    const data = Buffer.concat(records);
    const ids = new Bytes().u64(...this.events.map((event) => event.id)).done();
    const attrsAt = 104 + ids.length;
    const attrs = Buffer.concat(
      this.events.map((event, i) => Buffer.concat([this.attr(event), new Bytes().u64(104 + i * 8, 8).done()])),
    );
    const dataAt = attrsAt + attrs.length;
    const features = this.events.some((event) => event.type === 2) ? [1, 3] : [3];
    const sections = features.map((feature) => (feature === 1 ? this.tracing() : Buffer.from('host\0\0\0\0')));
    let at = dataAt + data.length + sections.length * 16;
    const table = new Bytes();
    for (const section of sections) {
      table.u64(at, section.length);
      at += section.length;
    }
    const header = new Bytes().raw(Buffer.from(magic)).u64(104, 144, attrsAt, attrs.length, dataAt, data.length, 0, 0);
    header.u64(
      features.reduce((mask, feature) => mask | (1 << feature), 0),
      0,
      0,
      0,
    );
    return Buffer.concat([header.done(), ids, attrs, data, table.done(), ...sections]);
  }

  /** perf record -o - */
  pipe(records: readonly Buffer[]): Buffer {
    const header = new Bytes().raw(Buffer.from('PERFILE2')).u64(16).done();
    const attrs = this.events.map((event) =>
      this.record(64, 0, Buffer.concat([this.attr(event), new Bytes().u64(event.id).done()])),
    );
    const tracing = this.tracing();
    const padded = Buffer.concat([tracing, Buffer.alloc((8 - (tracing.length % 8)) % 8)]);
    const feature = this.record(80, 0, new Bytes().u64(3).text('host').done());
    return Buffer.concat([
      header,
      ...attrs,
      feature,
      this.record(66, 0, new Bytes().u32(padded.length).done()),
      padded,
      ...records,
    ]);
  }

  /** perf record -z: one zstd stream of stored blocks through records of `size` bytes, which need not end where records do. */
  compressed(records: readonly Buffer[], size: number): Buffer[] {
    const data = Buffer.concat(records);
    const out: Buffer[] = [];
    for (let at = 0; at < data.length; at += size) {
      const piece = data.subarray(at, at + size);
      const bytes = new Bytes();
      // A frame of no known size, with a window of 512 KiB.
      if (at === 0) bytes.u32(0xfd2fb528).raw(Buffer.of(0, 9 << 3));
      for (let from = 0; from < piece.length; from += 30000) {
        const block = piece.subarray(from, from + 30000);
        const head = block.length << 3;
        bytes.raw(Buffer.of(head & 255, (head >> 8) & 255, head >> 16)).raw(block);
      }
      out.push(this.record(81, 0, bytes.done()));
    }
    return out;
  }
}
