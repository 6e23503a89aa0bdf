/**
 * The bytes of a source as one buffer that always begins with a whole record: what is left of the last one is carried over in front of
 * the next bytes. For formats whose records end where only their own scanner knows (a quoted newline, a fixed size).
 */
import type { ByteSource } from './byte-source.ts';
import { InputError } from './input-error.ts';

/** Longer than any record by far. */
export const MAX_RECORD_BYTES = 1 << 20;

export class RecordBuffer {
  readonly source: ByteSource;
  bytes: Buffer = Buffer.alloc(0);
  /** the source has no more bytes than these */
  ended = false;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** Drops what is before `at` and adds the next bytes. False: there are none, `bytes` is the rest. Throws InputError. */
  async more(at: number): Promise<boolean> {
    const next = await this.source.next();
    const rest = this.bytes.subarray(at);
    this.bytes = next === null ? rest : rest.length === 0 ? next : Buffer.concat([rest, next]);
    this.ended = next === null;
    return next !== null;
  }

  /** An InputError where a record begins at the front of `bytes` and still has not ended. `where` names file and line. */
  checkLength(where: string, what: string): void {
    if (this.bytes.length > MAX_RECORD_BYTES) throw new InputError(`${where}: no end of ${what} within 1 MiB`);
  }
}
