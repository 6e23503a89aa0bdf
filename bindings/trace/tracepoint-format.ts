/** Layouts of tracepoints as a recording carries them: the `format` files of tracefs, within perf's tracing data. */
import { InputError } from './input-error.ts';

export interface TracepointField {
  offset: number;
  size: number;
  /** 0: in place; 1: `__data_loc`, offset and length of a string; 2: `__rel_data_loc`, counted from the end of the field */
  location: number;
}

export interface TracepointFormat {
  system: string;
  name: string;
  id: number;
  fields: ReadonlyMap<string, TracepointField>;
}

const MAX_EVENTS = 1 << 16;
const MAGIC = '\x17\x08Dtracing';

/** The format in one `format` file; null where it is none. */
export function parseFormat(system: string, text: string): TracepointFormat | null {
  let name = '';
  let id = -1;
  const fields = new Map<string, TracepointField>();
  for (const line of text.split('\n')) {
    if (line.startsWith('name: ')) name = line.slice(6).trim();
    else if (line.startsWith('ID: ')) id = Number(line.slice(4));
    else {
      const parts = /^\s*field:(.*?);\s*offset:(\d+);\s*size:(\d+);/.exec(line);
      if (parts === null) continue;
      const [, declaration, offset, size] = parts as unknown as [string, string, string, string];
      const bare = declaration.replace(/\[[^\]]*\]\s*$/, '').trimEnd();
      const field = /(\w+)$/.exec(bare)?.[1];
      if (field === undefined) continue;
      const location = declaration.includes('__rel_data_loc') ? 2 : declaration.includes('__data_loc') ? 1 : 0;
      fields.set(field, { offset: Number(offset), size: Number(size), location });
    }
  }
  return name === '' || !(id >= 0) ? null : { system, name, id, fields };
}

/** All formats in the tracing data that `perf record` writes (`tracing_data_get`), by tracepoint id. Throws InputError. */
export function parseTracingData(data: Buffer, where: string): Map<number, TracepointFormat> {
  const formats = new Map<number, TracepointFormat>();
  let at = 0;
  const take = (bytes: number) => {
    if (bytes > data.length - at) throw new InputError(`${where}: the formats of its tracepoints are cut`);
    at += bytes;
    return at - bytes;
  };
  const string = () => {
    const end = data.indexOf(0, at);
    if (end === -1) throw new InputError(`${where}: the formats of its tracepoints are cut`);
    const text = data.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const u32 = () => data.readUInt32LE(take(4));
  const u64 = () => {
    const from = take(8);
    return data.readUInt32LE(from + 4) * 2 ** 32 + data.readUInt32LE(from);
  };
  const event = (system: string) => {
    const size = u64();
    const from = take(size);
    const format = parseFormat(system, data.toString('latin1', from, from + size));
    if (format !== null && formats.size < MAX_EVENTS) formats.set(format.id, format);
  };
  if (data.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new InputError(`${where}: the formats of its tracepoints are not where they should be`);
  at = MAGIC.length;
  string(); // version
  if (data[take(1)] !== 0)
    throw new InputError(`${where}: a recording of a big-endian machine, which memcharge does not read`);
  take(1 + 4); // size of a long, page size
  string(); // "header_page"
  take(u64());
  string(); // "header_event"
  take(u64());
  for (let count = u32(); count > 0; count--) event('ftrace');
  for (let systems = u32(); systems > 0; systems--) {
    const system = string();
    for (let count = u32(); count > 0; count--) event(system);
  }
  return formats;
}
