/** A call that the engine refused. `errno` is the kernel's name. */
export class EngineError extends Error {
  override name = 'EngineError';
  readonly errno: string;
  constructor(errno: string, message: string) {
    super(message);
    this.errno = errno;
  }
}
