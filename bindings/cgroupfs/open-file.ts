/** An open control file. fs/kernfs/file.c: kernfs_fop_read_iter(), kernfs_fop_write_iter(); kernel/cgroup/cgroup.c: cgroup_file_write(). */
import { EngineError } from '../engine/error.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import type { ControlFile } from './directory.ts';
import type { Credentials, OpenState, Tree } from './file-type.ts';
import { isReadable, isWritable } from './file-types.ts';

/** Bytes of a text, which is a byte string (bindings/shell/kernel/bytes.ts) unless it has other characters. */
function byteLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return new TextEncoder().encode(text).length;
  return text.length;
}

export class OpenFile {
  readonly #tree: Tree;
  readonly #file: ControlFile;
  readonly #path: string;
  readonly #credentials: Credentials;
  readonly #state: OpenState | null;
  readonly #sync: () => void;

  constructor(tree: Tree, file: ControlFile, credentials: Credentials, sync: () => void) {
    this.#tree = tree;
    this.#file = file;
    this.#credentials = credentials;
    this.#sync = sync;
    this.#path = `${file.directory.isRoot ? '' : file.directory.path}/${file.type.name}`;
    this.#state = file.type.open?.(tree, file.directory) ?? null;
  }

  #error(doing: string, errno: string, why = ''): EngineError {
    return new EngineError(errno, `${doing} ${this.#path}: ${errno}${why}`);
  }

  /** Handlers do not know what file they are of. */
  #named<T>(doing: string, call: () => T): T {
    this.#sync();
    if (!this.#file.present) throw this.#error(doing, 'ENODEV', ': the file is gone');
    try {
      return call();
    } catch (error) {
      if (!(error instanceof EngineError) || error.message.includes(this.#path)) throw error;
      throw new EngineError(error.errno, `${doing} ${this.#path}: ${error.message}`);
    }
  }

  /** All that it says now. EngineError EINVAL: it can only be written; ENODEV: it is gone. */
  read(): string {
    return this.#named('read of', () => {
      if (!isReadable(this.#file.type)) throw this.#error('read of', 'EINVAL', ': it can only be written');
      return this.#state?.read() ?? this.#file.type.show!(this.#tree, this.#file.directory);
    });
  }

  /**
   * One write(2) of a text by a process (0: nobody of the machine). EngineError EINVAL: it can only be read, or whatever else the file
   * refuses; E2BIG: more than a page; ENODEV: it is gone.
   */
  write(text: string, writer = 0): void {
    this.#named('write to', () => {
      if (text === '') return;
      if (byteLength(text) > PAGE_SIZE) throw this.#error('write to', 'E2BIG', `: more than ${PAGE_SIZE} bytes`);
      if (!isWritable(this.#file.type)) throw this.#error('write to', 'EINVAL', ': it can only be read');
      // The kernel's handlers get a C string.
      const string = text.split('\0', 1)[0]!;
      if (this.#state !== null) this.#state.write(text);
      else
        this.#file.type.write!(this.#tree, this.#file.directory, string, {
          pid: writer,
          credentials: this.#credentials,
        });
    });
  }

  close(): void {
    this.#state?.close();
  }
}
