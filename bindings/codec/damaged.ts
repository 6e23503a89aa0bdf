/** What a decoder throws: the bytes end too early, are wrong, or ask for more than we give. The caller names the file. */
export class DamagedError extends Error {
  override name = 'DamagedError';
  /** the input ended in the middle */
  readonly cut: boolean;

  constructor(message: string, cut = false) {
    super(message);
    this.cut = cut;
  }
}

/** The largest window that a file may ask for, as `zstd -d` has it; `xz -9` asks for 64 MiB. */
export const MAX_WINDOW = 1 << 27;
