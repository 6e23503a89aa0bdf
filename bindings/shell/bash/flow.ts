/** What leaves the middle of a command: thrown, and caught by whom it is meant for. */

/** `break N` and `continue N`. */
export class LoopJump extends Error {
  override name = 'LoopJump';
  readonly kind: 'break' | 'continue';
  levels: number;
  constructor(kind: 'break' | 'continue', levels: number) {
    super(kind);
    this.kind = kind;
    this.levels = levels;
  }
}

/** `return N` of a function or a sourced script. */
export class FunctionReturn extends Error {
  override name = 'FunctionReturn';
  readonly status: number;
  constructor(status: number) {
    super('return');
    this.status = status;
  }
}

/** The shell ends: `exit`, `set -e`, an error that is fatal. */
export class ShellExit extends Error {
  override name = 'ShellExit';
  readonly status: number;
  constructor(status: number) {
    super('exit');
    this.status = status;
  }
}

/** An error in an expansion: the whole command that was read is given up, the next one runs. */
export class Discard extends Error {
  override name = 'Discard';
  readonly status: number;
  constructor(status = 1) {
    super('discard');
    this.status = status;
  }
}

/** A builtin or a redirection failed: its message has been printed. */
export class CommandFailure extends Error {
  override name = 'CommandFailure';
  readonly status: number;
  constructor(status = 1) {
    super('failure');
    this.status = status;
  }
}
