/** A regular file of a file system whose contents are FileData: file operations by way of the page cache. */
import { SyscallError } from './error.ts';
import type { FileData } from './file-data.ts';
import { type Caller, Inode, type OpenFile, PAGE_SIZE } from './vfs.ts';
import { DOMAIN_ATTRIBUTE } from './xattr.ts';

/** What an open file remembers of its reader: where the last read ended (file_ra_state, prev_pos). */
interface Reader {
  previous: number;
}

export function readerOf(file: OpenFile): Reader {
  file.data ??= { previous: 0 };
  return file.data as Reader;
}

/** Alignment that O_DIRECT asks for, bytes. */
const SECTOR = 512;

/** SyscallError EINVAL where O_DIRECT cannot do it. */
export function checkDirect(offset: number, length: number): void {
  if (offset % SECTOR !== 0 || length % SECTOR !== 0) throw new SyscallError('EINVAL');
}

export abstract class DataInode extends Inode {
  abstract readonly data: FileData;

  /** Which resource domain it is for, where the charging policy has such. */
  override attributeChanged(name: string, value: string | null): void {
    const { machine } = this.data.kernel;
    if (name === DOMAIN_ATTRIBUTE && machine.policy.answers.payer === 'domain')
      machine.markObject(this.data.object, value);
  }
  override get size(): number {
    return this.data.size;
  }
  override get blocks(): number {
    return this.data.pages * (PAGE_SIZE / SECTOR);
  }
  override async read(file: OpenFile, caller: Caller, offset: number, count: number): Promise<Uint8Array> {
    if (file.flags.direct) {
      checkDirect(offset, count);
      return this.data.readDirect(caller, offset, count);
    }
    const reader = readerOf(file);
    const bytes = this.data.read(caller, offset, count, reader.previous);
    if (bytes.length > 0) reader.previous = offset + bytes.length;
    return bytes;
  }
  override async write(file: OpenFile, caller: Caller, offset: number, bytes: Uint8Array): Promise<number> {
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
    if (!file.flags.direct) return this.data.write(caller, offset, bytes);
    checkDirect(offset, bytes.length);
    return this.data.writeDirect(caller, offset, bytes);
  }
  override async truncate(caller: Caller, size: number): Promise<void> {
    this.data.truncate(caller, size);
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
  }
  override async fallocate(
    _file: OpenFile,
    caller: Caller,
    offset: number,
    length: number,
    { keepSize, punchHole }: { keepSize: boolean; punchHole: boolean },
  ): Promise<void> {
    if (punchHole) this.data.punch(caller, offset, length);
    else this.data.fallocate(caller, offset, length, keepSize);
    this.mtime = caller.realtime;
    this.ctime = caller.realtime;
  }
  override async fsync(_file: OpenFile, caller: Caller): Promise<void> {
    this.data.fsync(caller);
  }
  override mmap(): void {}
  override fault(
    _file: OpenFile,
    caller: Caller,
    index: number,
    options: { write: boolean; exec?: boolean; random?: boolean },
  ): void {
    this.data.fault(caller, index, options);
  }
  override unmap(_file: OpenFile, caller: Caller, index: number, pages: number): void {
    this.data.unmap(caller, index, pages);
  }
}
