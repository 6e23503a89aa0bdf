/**
 * What the metadata of Arrow IPC says (format/Schema.fbs, Message.fbs, File.fbs): schema, batches, footer. Of the columns only those of
 * a trace are looked at closely; others are merely stepped over.
 */
import { Flatbuffer, FlatbufferError, type FlatTable } from './flatbuffer.ts';

/** The columns of a trace, in the order in which the documentation has them. */
export const COLUMNS = [
  ['ts', 'uint64', 8],
  ['cpu', 'uint16', 2],
  ['op', 'dictionary<uint8, utf8>', 1],
  ['task', 'uint32', 4],
  ['cgroup', 'uint32', 4],
  ['object', 'uint32', 4],
  ['index', 'uint64', 8],
  ['count', 'uint32', 4],
  ['flags', 'uint32', 4],
  ['gfp', 'uint16', 2],
  ['name', 'dictionary<int32, utf8>', 0],
] as const;

export type ColumnName = (typeof COLUMNS)[number][0];

/** Where a column is in every record batch. */
export interface Column {
  name: string;
  /** as messages print it: `uint32`, `dictionary<int8, utf8>` */
  type: string;
  /** which field node, and which buffer is its first: the validity, then the values */
  node: number;
  buffer: number;
  /** bytes of a value or of a dictionary index, 0 for types that no trace has */
  width: number;
  signed: boolean;
  /** id of its dictionary, -1 where there is none */
  dictionary: number;
  /** the dictionary's offsets are 64 bits wide */
  large: boolean;
}

export interface ArrowSchema {
  columns: Column[];
  metadata: Map<string, string>;
  /** field nodes and buffers of a record batch */
  nodes: number;
  buffers: number;
}

export interface ArrowBatch {
  rows: number;
  /** length and null count of a field node */
  node(index: number): { length: number; nulls: number };
  nodes: number;
  /** offset in the body and length of a buffer, in bytes */
  buffer(index: number): { offset: number; length: number };
  buffers: number;
  compression: 'lz4' | 'zstd' | null;
}

export type ArrowMessage =
  | { type: 'schema'; bodyBytes: number; schema: ArrowSchema }
  | { type: 'batch'; bodyBytes: number; batch: ArrowBatch }
  | { type: 'dictionary'; bodyBytes: number; batch: ArrowBatch; id: number; isDelta: boolean }
  | { type: 'other'; bodyBytes: number };

export interface ArrowBlock {
  offset: number;
  metadataBytes: number;
  bodyBytes: number;
}

const SCHEMA = 1;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;
/** MetadataVersion.V4, since Arrow 0.8 */
const VERSION_V4 = 3;

/** Throws FlatbufferError. */
export function readMessage(bytes: Uint8Array): ArrowMessage {
  const message = new Flatbuffer(bytes).root();
  if (message.u16(0) < VERSION_V4) throw new FlatbufferError('metadata of a version before V4');
  const bodyBytes = message.size(3);
  const header = message.table(2);
  const type = message.u8(1);
  if (header === null) throw new FlatbufferError('no header');
  if (type === SCHEMA) return { type: 'schema', bodyBytes, schema: readSchema(header) };
  if (type === RECORD_BATCH) return { type: 'batch', bodyBytes, batch: readBatch(header) };
  if (type !== DICTIONARY_BATCH) return { type: 'other', bodyBytes };
  const data = header.table(1);
  if (data === null) throw new FlatbufferError('no dictionary');
  return { type: 'dictionary', bodyBytes, batch: readBatch(data), id: header.size(0), isDelta: header.u8(2) !== 0 };
}

/** Throws FlatbufferError. */
export function readFooter(bytes: Uint8Array): {
  schema: ArrowSchema;
  dictionaries: ArrowBlock[];
  batches: ArrowBlock[];
} {
  const footer = new Flatbuffer(bytes).root();
  const schema = footer.table(1);
  if (schema === null) throw new FlatbufferError('no schema');
  return { schema: readSchema(schema), dictionaries: blocks(footer, 2), batches: blocks(footer, 3) };
}

function blocks(footer: FlatTable, slot: number): ArrowBlock[] {
  const { at, length } = footer.vector(slot, 24);
  const { buffer } = footer;
  return Array.from({ length }, (_, i) => ({
    offset: buffer.size(at + i * 24),
    metadataBytes: buffer.i32(at + i * 24 + 8),
    bodyBytes: buffer.size(at + i * 24 + 16),
  }));
}

function readBatch(table: FlatTable): ArrowBatch {
  const { buffer } = table;
  const nodes = table.vector(1, 16);
  const buffers = table.vector(2, 16);
  const compression = table.table(3);
  const codec = compression?.u8(0) ?? 0;
  if (compression !== null && (codec > 1 || compression.u8(1) !== 0)) throw new FlatbufferError('unknown compression');
  return {
    rows: table.size(0),
    nodes: nodes.length,
    node: (i) => ({ length: buffer.size(nodes.at + i * 16), nulls: buffer.size(nodes.at + i * 16 + 8) }),
    buffers: buffers.length,
    buffer: (i) => ({ offset: buffer.size(buffers.at + i * 16), length: buffer.size(buffers.at + i * 16 + 8) }),
    compression: compression === null ? null : codec === 0 ? 'lz4' : 'zstd',
  };
}

// --- schema

function readSchema(table: FlatTable): ArrowSchema {
  if (table.u16(0) !== 0) throw new FlatbufferError('big-endian data');
  const schema: ArrowSchema = { columns: [], metadata: new Map(), nodes: 0, buffers: 0 };
  for (const entry of table.tables(2)) schema.metadata.set(entry.text(0), entry.text(1));
  for (const field of table.tables(1)) {
    const encoding = field.table(4);
    const column: Column = {
      name: field.text(0),
      type: '',
      node: schema.nodes,
      buffer: schema.buffers,
      width: 0,
      signed: false,
      dictionary: -1,
      large: false,
    };
    if (encoding !== null) {
      const index = encoding.table(1);
      column.dictionary = encoding.size(0);
      // The default index type is a signed 32-bit integer.
      column.width = (index?.i32(0) ?? 32) >> 3;
      column.signed = index === null || index.u8(1) !== 0;
      const values = typeName(field);
      column.large = values === 'largeutf8';
      column.type = `dictionary<${column.signed ? 'int' : 'uint'}${column.width * 8}, ${values}>`;
      schema.nodes++;
      schema.buffers += 2;
    } else {
      column.type = typeName(field);
      const type = field.table(3);
      if (field.u8(2) === INT && type !== null) {
        column.width = type.i32(0) >> 3;
        column.signed = type.u8(1) !== 0;
      }
      step(field, schema, 0);
    }
    schema.columns.push(column);
  }
  return schema;
}

const INT = 2;
const UNION = 14;

/** By number of the type: name, and buffers of a column of it; -1: not known to this reader. */
const TYPES: readonly (readonly [name: string, buffers: number])[] = [
  ['none', -1],
  ['null', 0],
  ['int', 2],
  ['float', 2],
  ['binary', 3],
  ['utf8', 3],
  ['bool', 2],
  ['decimal', 2],
  ['date', 2],
  ['time', 2],
  ['timestamp', 2],
  ['interval', 2],
  ['list', 2],
  ['struct', 1],
  ['union', 1],
  ['fixedsizebinary', 2],
  ['fixedsizelist', 1],
  ['map', 2],
  ['duration', 2],
  ['largebinary', 3],
  ['largeutf8', 3],
  ['largelist', 2],
  ['runendencoded', 0],
];

function typeName(field: FlatTable): string {
  const code = field.u8(2);
  const type = field.table(3);
  if (code === INT && type !== null) return `${type.u8(1) === 0 ? 'uint' : 'int'}${type.i32(0)}`;
  return TYPES[code]?.[0] ?? `type ${code}`;
}

/** Steps over the nodes and buffers of a field and its children. */
function step(field: FlatTable, schema: ArrowSchema, depth: number): void {
  const code = field.u8(2);
  const buffers = TYPES[code]?.[1] ?? -1;
  if (buffers < 0 || depth > 64)
    throw new FlatbufferError(`column ${field.text(0).slice(0, 40)} is of an unknown type`);
  schema.nodes++;
  if (field.table(4) !== null) {
    schema.buffers += 2;
    return;
  }
  // A dense union has offsets beside its type ids.
  schema.buffers += buffers + (code === UNION && field.table(3)?.u16(0) === 1 ? 1 : 0);
  for (const child of field.tables(5)) step(child, schema, depth + 1);
}
