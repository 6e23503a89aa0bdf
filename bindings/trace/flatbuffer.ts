/**
 * Reads flatbuffers as Arrow IPC metadata needs it, with every offset and length checked against the buffer: the accessors of the
 * flatbuffers library check none, so that a damaged count makes its callers loop for hours.
 */

/** The buffer is no flatbuffer of the kind that was expected. */
export class FlatbufferError extends Error {
  override name = 'FlatbufferError';
}

const EMPTY = { at: 0, length: 0 };

/** Tables may nest, and in damaged buffers contain themselves: no more than so many are opened. */
const MAX_TABLES = 1 << 16;

export class Flatbuffer {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #tables = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The root table. */
  root(): FlatTable {
    return this.tableAt(this.u32(0));
  }

  tableAt(at: number): FlatTable {
    if (++this.#tables > MAX_TABLES) throw new FlatbufferError('too many tables');
    const vtable = at - this.i32(at);
    const size = this.u16(vtable);
    if (size < 4 || size % 2 !== 0) throw new FlatbufferError('bad table');
    this.check(vtable, size);
    return new FlatTable(this, at, vtable, size);
  }

  check(at: number, size: number): void {
    if (at < 0 || size < 0 || at + size > this.#bytes.length) throw new FlatbufferError('out of bounds');
  }

  u8(at: number): number {
    this.check(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.check(at, 2);
    return this.#view.getUint16(at, true);
  }

  i32(at: number): number {
    this.check(at, 4);
    return this.#view.getInt32(at, true);
  }

  u32(at: number): number {
    this.check(at, 4);
    return this.#view.getUint32(at, true);
  }

  /** A 64-bit size, offset or count: none of them is negative or beyond 2^53. */
  size(at: number): number {
    this.check(at, 8);
    const high = this.#view.getInt32(at + 4, true);
    if (high < 0 || high >= 1 << 21) throw new FlatbufferError('a size is out of range');
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  text(at: number): string {
    const length = this.u32(at);
    this.check(at + 4, length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at + 4, length).toString('utf8');
  }
}

/** A table; fields are named by their slot, and absent ones have defaults. */
export class FlatTable {
  readonly buffer: Flatbuffer;
  readonly #at: number;
  readonly #vtable: number;
  readonly #size: number;

  constructor(buffer: Flatbuffer, at: number, vtable: number, size: number) {
    this.buffer = buffer;
    this.#at = at;
    this.#vtable = vtable;
    this.#size = size;
  }

  /** Position of a field, 0 where it is absent. */
  #field(slot: number): number {
    const entry = 4 + slot * 2;
    const offset = entry < this.#size ? this.buffer.u16(this.#vtable + entry) : 0;
    return offset === 0 ? 0 : this.#at + offset;
  }

  u8(slot: number, absent = 0): number {
    const at = this.#field(slot);
    return at === 0 ? absent : this.buffer.u8(at);
  }

  u16(slot: number, absent = 0): number {
    const at = this.#field(slot);
    return at === 0 ? absent : this.buffer.u16(at);
  }

  i32(slot: number, absent = 0): number {
    const at = this.#field(slot);
    return at === 0 ? absent : this.buffer.i32(at);
  }

  size(slot: number): number {
    const at = this.#field(slot);
    return at === 0 ? 0 : this.buffer.size(at);
  }

  text(slot: number): string {
    const at = this.#field(slot);
    return at === 0 ? '' : this.buffer.text(at + this.buffer.u32(at));
  }

  table(slot: number): FlatTable | null {
    const at = this.#field(slot);
    return at === 0 ? null : this.buffer.tableAt(at + this.buffer.u32(at));
  }

  /** Where the elements of a vector of structs are, and how many there are. */
  vector(slot: number, elementBytes: number): { at: number; length: number } {
    const at = this.#field(slot);
    if (at === 0) return EMPTY;
    const begin = at + this.buffer.u32(at);
    const length = this.buffer.u32(begin);
    this.buffer.check(begin + 4, length * elementBytes);
    return { at: begin + 4, length };
  }

  tables(slot: number): FlatTable[] {
    const { at, length } = this.vector(slot, 4);
    return Array.from({ length }, (_, i) => this.buffer.tableAt(at + i * 4 + this.buffer.u32(at + i * 4)));
  }
}
