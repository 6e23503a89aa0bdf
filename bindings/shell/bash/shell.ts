/**
 * A shell: what one bash process knows. A subshell is a copy of it in a process of its own.
 */
import type { Assignment, Function as FunctionNode } from 'unbash';
import { bytesOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Process } from '../kernel/syscalls.ts';
import type { ArithmeticScope } from './arithmetic.ts';
import { ArithmeticError, evaluate } from './arithmetic.ts';
import { computed, DYNAMIC_NAMES, dynamicAssigned } from './dynamic.ts';
import { CommandFailure, Discard, ShellExit } from './flow.ts';
import { Heap } from './heap.ts';
import type { Job } from './jobs.ts';
import { plain } from './marks.ts';
import { type Source, Source as SourceText } from './source.ts';
import { AssociativeArray, IndexedArray, type Value, type Variable, Variables, variable } from './variables.ts';

/** A function: its tree, and the text that the tree is of. */
export interface FunctionDefinition {
  node: FunctionNode;
  source: Source;
  /** BASH_SOURCE while it runs */
  file: string;
  line: number;
  exported: boolean;
  readonly: boolean;
}

/** A call: of a function, or of a sourced file. */
export interface Frame {
  kind: 'function' | 'source' | 'main';
  name: string;
  file: string;
  /** the line of the call */
  line: number;
}

export const OPTION_LETTERS: Readonly<Record<string, string>> = {
  allexport: 'a',
  braceexpand: 'B',
  errexit: 'e',
  errtrace: 'E',
  functrace: 'T',
  hashall: 'h',
  histexpand: 'H',
  keyword: 'k',
  monitor: 'm',
  noclobber: 'C',
  noexec: 'n',
  noglob: 'f',
  nounset: 'u',
  onecmd: 't',
  physical: 'P',
  privileged: 'p',
  verbose: 'v',
  xtrace: 'x',
};

const SHOPT_OFF = [
  'array_expand_once',
  'assoc_expand_once',
  'autocd',
  'cdable_vars',
  'cdspell',
  'checkhash',
  'checkjobs',
  'compat31',
  'compat32',
  'compat40',
  'compat41',
  'compat42',
  'compat43',
  'compat44',
  'direxpand',
  'dirspell',
  'dotglob',
  'execfail',
  'expand_aliases',
  'extdebug',
  'extglob',
  'failglob',
  'globstar',
  'gnu_errfmt',
  'histappend',
  'histreedit',
  'histverify',
  'huponexit',
  'inherit_errexit',
  'lastpipe',
  'lithist',
  'localvar_inherit',
  'localvar_unset',
  'login_shell',
  'mailwarn',
  'no_empty_cmd_completion',
  'nocaseglob',
  'nocasematch',
  'noexpand_translation',
  'nullglob',
  'progcomp_alias',
  'restricted_shell',
  'shift_verbose',
  'syslog_history',
  'varredir_close',
  'xpg_echo',
];
const SHOPT_ON = [
  'checkwinsize',
  'cmdhist',
  'complete_fullquote',
  'extquote',
  'force_fignore',
  'globasciiranges',
  'globskipdots',
  'hostcomplete',
  'interactive_comments',
  'patsub_replacement',
  'progcomp',
  'promptvars',
  'sourcepath',
];

const VALID_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** ns of virtual time that a builtin command takes: about what bash needs for one. */
const COMMAND_NS = 20_000;
/** So many commands are accounted at once. */
const COMMAND_BATCH = 64;

export class Shell {
  process: Process;
  variables = new Variables();
  heap = new Heap();
  functions = new Map<string, FunctionDefinition>();
  /** letters of `set` that are on; names without a letter (`pipefail`) are in `shopts` as `o:NAME` */
  options = new Set<string>(['h', 'B']);
  shopts = new Map<string, boolean>([
    ...SHOPT_OFF.map((name) => [name, false] as const),
    ...SHOPT_ON.map((name) => [name, true] as const),
    ['o:pipefail', false],
    ['o:posix', false],
    ['o:interactive-comments', true],
    ['o:history', false],
    ['o:emacs', false],
    ['o:vi', false],
    ['o:ignoreeof', false],
    ['o:nolog', false],
  ]);
  arg0 = 'bash';
  positional: string[] = [];
  status = 0;
  pipeStatus: number[] = [0];
  backgroundPid: number | undefined;
  /** `$$` */
  readonly shellPid: number;
  readonly parentPid: number;
  secondsBase = 0n;
  secondsOffset = 0;
  random = 1;
  subshell = 0;
  jobs: Job[] = [];
  /** the parent's, as they were at the fork, where `jobs` may still show them: in $(…), and as a part of a pipeline itself */
  inheritedJobs: readonly Job[] = [];
  /** what became of background processes, for `wait PID` later */
  ended = new Map<number, number>();
  /** actions by name (EXIT, ERR, DEBUG, RETURN, INT …); '' is ignored */
  traps = new Map<string, string>();
  pending: number[] = [];
  runningTrap: string | undefined;
  frames: Frame[] = [];
  source: Source = new SourceText('', 1);
  line = 1;
  /** where the shell is besides the running simple command: what messages of killed programs tell */
  contextLine = 1;
  /** within `$(…)`: nothing is said of killed programs */
  substituting = false;
  /** standard input is a pipe or redirected for the compound command that this process runs: `&` leaves it */
  inputGiven = false;
  loops = 0;
  /** the command runs where its failure does not matter to `set -e` */
  ignoreErrexit = false;
  /** `-c`, and no parse within it: the last command may be exec'ed */
  oneShot = false;
  commandString = false;
  /** … even if it has redirections: in `<(…)` */
  oneShotRedirects = false;
  /** a child has ended that nobody has waited for */
  childEnded = false;
  hash = new Map<string, { path: string; hits: number }>();
  directories: string[] = [];
  /** the text of the command that runs */
  lastCommand: () => string = () => '';
  /** assignments among the arguments of a declaration, by their place */
  declarationValues = new Map<number, Assignment>();
  /** builtins that `enable -n` has switched off */
  disabled = new Set<string>();
  /** the running builtin may replace the shell by a program */
  execPermitted = false;
  /** what stands before `exec` */
  execEnvironment: Map<string, string> | undefined;
  /** getopts: the position within a bundle of letters */
  optionOffset = 0;
  optionIndexSeen = '';
  /** `+` more in front of a line of `set -x` */
  traceLevel = 0;
  substitutionStatus: number | undefined;
  processSubstitutions: { fd: number; pid: number }[] = [];
  lastArgument = '';
  /** signals that were ignored when the shell began: they cannot be trapped */
  ignoredAtStart = new Set<number>();
  /** what `exit` without an argument ends with in a trap */
  exitDefault: number | undefined;
  /** processes of process substitutions */
  substituted = new Map<number, true>();
  /** what `ulimit` has set */
  limits = new Map<string, string>();
  interactive = false;
  private untimed = 0;

  constructor(process: Process, parent?: Shell) {
    this.process = process;
    if (parent === undefined) {
      this.shellPid = process.pid;
      this.parentPid = process.ppid;
      this.secondsBase = process.now;
      this.random = (process.pid * 7919 + 1) & 0x7fffffff;
      return;
    }
    this.shellPid = parent.shellPid;
    this.parentPid = parent.parentPid;
    this.variables = parent.variables.copy();
    this.heap = new Heap(parent.heap);
    this.functions = new Map(parent.functions);
    this.options = new Set(parent.options);
    this.shopts = new Map(parent.shopts);
    this.arg0 = parent.arg0;
    this.positional = [...parent.positional];
    this.status = parent.status;
    this.pipeStatus = [...parent.pipeStatus];
    this.backgroundPid = parent.backgroundPid;
    this.secondsBase = parent.secondsBase;
    this.secondsOffset = parent.secondsOffset;
    this.random = parent.random;
    this.subshell = parent.subshell + 1;
    this.ended = new Map(parent.ended);
    this.traps = new Map(parent.traps);
    this.frames = parent.frames.map((frame) => ({ ...frame }));
    this.source = parent.source;
    this.line = parent.line;
    this.contextLine = parent.contextLine;
    this.substituting = parent.substituting;
    this.inputGiven = parent.inputGiven;
    this.ignoreErrexit = parent.ignoreErrexit;
    this.commandString = parent.commandString;
    this.hash = new Map(parent.hash);
    this.directories = [...parent.directories];
    this.lastCommand = parent.lastCommand;
    this.disabled = new Set(parent.disabled);
    this.optionOffset = parent.optionOffset;
    this.optionIndexSeen = parent.optionIndexSeen;
    this.traceLevel = parent.traceLevel;
    this.lastArgument = parent.lastArgument;
    this.ignoredAtStart = new Set(parent.ignoredAtStart);
    this.limits = new Map(parent.limits);
    this.runningTrap = parent.runningTrap;
  }

  // ------------------------------------------------------------------------------ options
  option(letter: string): boolean {
    return this.options.has(letter);
  }
  shopt(name: string): boolean {
    return this.shopts.get(name) === true;
  }
  get pipefail(): boolean {
    return this.shopt('o:pipefail');
  }

  /** `$-` */
  get flags(): string {
    const order = 'abefhkmnptuvxBCEHPT';
    let flags = '';
    for (const letter of order) if (this.options.has(letter)) flags += letter;
    return flags + (this.commandString ? 'c' : this.readsStandardInput ? 's' : '');
  }
  readsStandardInput = false;

  // ------------------------------------------------------------------------------ time
  /** Accounts a command's time; from time to time others may run. */
  tick(): Promise<void> | undefined {
    if (++this.untimed < COMMAND_BATCH) return undefined;
    this.untimed = 0;
    return this.process.cpu(COMMAND_NS * COMMAND_BATCH);
  }

  // ------------------------------------------------------------------------------ messages
  /** The name in front of messages: the file of the running function or script, else $0. */
  get errorName(): string {
    const top = this.frames.at(-1);
    return top && top.kind !== 'main' && top.file !== '' ? top.file : this.arg0;
  }

  async write(fd: number, text: string): Promise<void> {
    const bytes = bytesOf(text);
    let done = 0;
    while (done < bytes.length) {
      done += await this.process.write(fd, done === 0 ? bytes : bytes.subarray(done));
    }
  }

  /** A line on standard error; an error of that is nobody's. */
  async complain(text: string): Promise<void> {
    try {
      await this.write(2, `${text}\n`);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  /** `NAME: line N: message` */
  error(message: string): Promise<void> {
    return this.complain(`${this.errorName}: line ${this.line}: ${message}`);
  }

  /** A message, and the command fails. */
  async fail(message: string, status = 1): Promise<never> {
    await this.error(message);
    throw new CommandFailure(status);
  }

  // ------------------------------------------------------------------------------ variables
  /** Follows namerefs. `subscript` if a nameref is to an element. */
  resolve(name: string): { name: string; subscript: string | undefined } {
    let current = name;
    for (let i = 0; i < 8; i++) {
      const found = this.variables.find(current);
      if (!found?.nameref || typeof found.value !== 'string' || found.value === '') {
        return { name: current, subscript: undefined };
      }
      const element = /^([A-Za-z_][A-Za-z0-9_]*)\[(.*)\]$/s.exec(found.value);
      if (element) return { name: element[1]!, subscript: element[2]! };
      current = found.value;
    }
    return { name: current, subscript: undefined };
  }

  find(name: string): Variable | undefined {
    const found = this.variables.find(name);
    return found?.nameref ? this.variables.find(this.resolve(name).name) : found;
  }

  /** All of a variable's value; undefined if unset. */
  valueOf(name: string): Value {
    const found = this.find(name);
    if (found === undefined) return undefined;
    return found.dynamic ? computed(this, name) : found.value;
  }

  /** The value of `$name`: an array's is that of its element 0. */
  get(name: string): string | undefined {
    if (name === '_') return this.lastArgument;
    const found = this.variables.find(name);
    if (found === undefined) return undefined;
    if (found.nameref) {
      const target = this.resolve(name);
      if (target.subscript !== undefined) return this.element(target.name, target.subscript);
      if (target.name === name) return typeof found.value === 'string' ? found.value : undefined;
      return this.get(target.name);
    }
    const value = found.dynamic ? computed(this, name) : found.value;
    if (typeof value === 'string' || value === undefined) return value;
    return value instanceof IndexedArray ? value.get(0) : value.get('0');
  }

  /** The value of `${name[subscript]}`; the subscript is expanded. Throws ArithmeticError, Discard (a bad subscript: no message). */
  element(name: string, subscript: string): string | undefined {
    const value = this.valueOf(name);
    if (value instanceof AssociativeArray) return value.get(subscript);
    const index = this.index(name, subscript);
    if (value instanceof IndexedArray) return index < 0 ? undefined : value.get(index);
    return index === 0 || index === -1 ? value : undefined;
  }

  /** The index that a subscript of an indexed array is; negative ones count from the end. Below that: negative. */
  index(name: string, subscript: string): number {
    const n = Number(evaluate(subscript, this.arithmetic, ''));
    if (n >= 0) return n;
    const value = this.valueOf(name);
    return value instanceof IndexedArray ? value.last + 1 + n : value === undefined ? n : 1 + n;
  }

  /** Arithmetic's view of the variables. */
  readonly arithmetic: ArithmeticScope = {
    value: (name, subscript) => {
      if (subscript !== undefined) return this.element(name, this.plainSubscript(name, subscript));
      const value = this.get(name);
      if (value === undefined && this.option('u') && this.valueOf(name) === undefined) throw new Unbound(name);
      return value;
    },
    assign: (name, subscript, value) => {
      if (subscript !== undefined) this.setElement(name, this.plainSubscript(name, subscript), value, false);
      else this.set(name, value);
    },
  };

  /** A subscript within arithmetic, whose expansions have been made: quotes go. */
  private plainSubscript(name: string, subscript: string): string {
    if (!/["'\\]/.test(subscript)) return subscript;
    if (!(this.valueOf(name) instanceof AssociativeArray)) return subscript.replace(/"/g, '');
    return subscript.replace(
      /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs,
      (_, a, b, c) => a ?? b ?? c.replace(/\\(.)/gs, '$1'),
    );
  }

  /** A value with what the attributes make of it. */
  private shaped(v: Variable, value: string, old: string | undefined, append: boolean): string {
    const shaped = this.shape(v, value, old, append);
    this.heap.note(v, shaped);
    return shaped;
  }
  private shape(v: Variable, value: string, old: string | undefined, append: boolean): string {
    if (v.integer) {
      const right = evaluate(value, this.arithmetic, '');
      if (!append) return right.toString();
      return BigInt.asIntN(64, evaluate(old ?? '', this.arithmetic, '') + right).toString();
    }
    const all = append ? (old ?? '') + value : value;
    if (v.letters === 'l') return all.replace(/[A-Z]/g, (c) => c.toLowerCase());
    if (v.letters === 'u') return all.replace(/[a-z]/g, (c) => c.toUpperCase());
    if (v.letters === 'c') {
      return all.replace(/[A-Z]/g, (c) => c.toLowerCase()).replace(/^[a-z]/, (c) => c.toUpperCase());
    }
    return all;
  }

  /** The variable to assign to; made if need be (globally). Throws ReadonlyError. */
  private target(name: string): Variable {
    let found = this.variables.find(name);
    if (found === undefined) {
      found = variable(undefined);
      this.variables.global.variables.set(name, found);
    }
    if (found.readonly) throw new ReadonlyError(name);
    if (this.option('a')) found.exported = true;
    return found;
  }

  /** Assigns to a variable as `name=value` does. Throws ReadonlyError, ArithmeticError. */
  set(name: string, value: string, append = false): void {
    const resolved = this.resolve(name);
    if (resolved.subscript !== undefined) {
      this.setElement(resolved.name, resolved.subscript, value, append);
      return;
    }
    const v = this.target(resolved.name);
    if (v.nameref && resolved.name === name && typeof v.value !== 'string') {
      v.value = value;
      return;
    }
    if (v.dynamic) {
      dynamicAssigned(this, resolved.name, value);
      return;
    }
    const old = v.value;
    if (old instanceof IndexedArray) old.set(0, this.shaped(v, value, old.get(0), append));
    else if (old instanceof AssociativeArray) old.set('0', this.shaped(v, value, old.get('0'), append));
    else v.value = this.shaped(v, value, old, append);
    if (resolved.name === 'OPTIND') this.optionOffset = 0;
  }

  /** Assigns to an element; the subscript is expanded. Throws ReadonlyError, ArithmeticError, SubscriptError. */
  setElement(name: string, subscript: string, value: string, append: boolean): void {
    const resolved = this.resolve(name).name;
    const v = this.target(resolved);
    if (v.dynamic && !(computed(this, resolved) instanceof IndexedArray)) return;
    if (v.value instanceof AssociativeArray) {
      v.value.set(subscript, this.shaped(v, value, v.value.get(subscript), append));
      return;
    }
    const index = this.index(resolved, subscript);
    if (index < 0) throw new SubscriptError(`${name}[${subscript}]`);
    if (!(v.value instanceof IndexedArray)) v.value = IndexedArray.from(v.value === undefined ? [] : [v.value]);
    v.value.set(index, this.shaped(v, value, v.value.get(index), append));
  }

  /** Gives a variable a whole array. */
  setArray(name: string, value: IndexedArray | AssociativeArray): void {
    this.target(this.resolve(name).name).value = value;
  }

  /** Declares a variable in the innermost function (or in `where`), as `local` and `declare` do. */
  declareLocal(name: string): Variable {
    const scope = this.variables.local;
    let v = scope.variables.get(name);
    if (v === undefined) {
      const outer = this.variables.find(name);
      if (outer?.readonly && scope !== this.variables.global) throw new ReadonlyError(name);
      v = variable(undefined);
      const environment = this.variables.scopes.at(this.variables.scopes.indexOf(scope) - 1);
      const passed = environment?.kind === 'environment' ? environment.variables.get(name) : undefined;
      if (passed) {
        v.exported = true;
        v.value = passed.value;
      }
      scope.variables.set(name, v);
    }
    return v;
  }

  /** Takes a variable away. False: it is readonly. */
  unset(name: string): boolean {
    const scope = this.variables.scopeOf(name);
    const v = scope?.variables.get(name);
    if (!scope || !v) return true;
    if (v.readonly) return false;
    if (scope.kind === 'function' && scope === this.variables.local) {
      scope.variables.set(name, variable(undefined));
    } else scope.variables.delete(name);
    return true;
  }

  /** The environment of a program. */
  environment(): Map<string, string> {
    const environment = new Map<string, string>();
    for (const scope of this.variables.scopes) {
      for (const [name, v] of scope.variables) {
        if (v.exported && (typeof v.value === 'string' || v.dynamic)) {
          const value = v.dynamic ? this.get(name) : (v.value as string);
          if (value !== undefined) environment.set(name, value);
        } else if (v.value !== undefined || scope.kind === 'function') environment.delete(name);
      }
    }
    return environment;
  }

  /** The positional or special parameter, or variable, of a name; undefined if unset. */
  parameter(name: string): string | undefined {
    if (/^[0-9]/.test(name)) {
      const n = Number(name);
      return n === 0 ? this.arg0 : this.positional[n - 1];
    }
    switch (name) {
      case '?':
        return String(this.status);
      case '$':
        return String(this.shellPid);
      case '#':
        return String(this.positional.length);
      case '!':
        return this.backgroundPid === undefined ? undefined : String(this.backgroundPid);
      case '-':
        return this.flags;
      default:
        return this.get(name);
    }
  }

  get ifs(): string {
    return this.get('IFS') ?? ' \t\n';
  }

  /** Evaluates arithmetic; errors are printed and the command is given up. */
  async calculate(marked: string, prefix = ''): Promise<bigint> {
    try {
      return evaluate(plain(marked), this.arithmetic, prefix);
    } catch (error) {
      return this.arithmeticFailed(error);
    }
  }

  /** Prints what went wrong in arithmetic or an assignment: the command is given up. Other errors pass. */
  async arithmeticFailed(error: unknown): Promise<never> {
    if (error instanceof ArithmeticError) await this.error(error.message);
    else if (error instanceof Unbound) {
      await this.error(error.message);
      throw new ShellExit(this.subshell === 0 && this.commandString ? 127 : 1);
    } else if (error instanceof ReadonlyError || error instanceof SubscriptError) await this.error(error.message);
    else throw error;
    throw new Discard(1);
  }

  /** Gives a new shell its variables: the environment's, and its own. */
  begin(environment: ReadonlyMap<string, string>): void {
    const put = (name: string, value: string, exported = false) => {
      this.variables.global.variables.set(name, variable(value, exported));
    };
    for (const [name, value] of environment) if (VALID_NAME.test(name)) put(name, value, true);
    for (const name of DYNAMIC_NAMES) {
      const v = variable(undefined);
      v.dynamic = true;
      this.variables.global.variables.set(name, v);
    }
    const readonly = (name: string, value: string, integer = false) => {
      const v = variable(value);
      v.readonly = true;
      v.integer = integer;
      this.variables.global.variables.set(name, v);
    };
    put('IFS', ' \t\n');
    put('OPTIND', '1');
    put('OPTERR', '1');
    put('PS4', '+ ');
    put('BASH', '/usr/bin/bash');
    put('BASH_VERSION', '5.2.15(1)-release');
    this.variables.global.variables.set(
      'BASH_VERSINFO',
      Object.assign(variable(IndexedArray.from(['5', '2', '15', '1', 'release', 'x86_64-pc-linux-gnu'])), {
        readonly: true,
      }),
    );
    put('HOSTTYPE', 'x86_64');
    put('MACHTYPE', 'x86_64-pc-linux-gnu');
    put('OSTYPE', 'linux-gnu');
    if (!environment.has('TERM')) put('TERM', 'dumb');
    if (!environment.has('PATH')) put('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:.');
    if (!environment.has('HOSTNAME')) put('HOSTNAME', '(none)');
    readonly('UID', String(this.process.uid), true);
    readonly('EUID', String(this.process.uid), true);
    readonly('PPID', String(this.process.ppid), true);
    const level = Number(environment.get('SHLVL') ?? 0);
    put('SHLVL', String((Number.isInteger(level) ? level : 0) + 1), true);
    put('PWD', this.process.getcwd(), true);
    const old = environment.get('OLDPWD');
    const oldpwd = variable(old?.startsWith('/') ? old : undefined, true);
    this.variables.global.variables.set('OLDPWD', oldpwd);
    this.lastArgument = environment.get('_') ?? this.arg0;
  }
}

/** An assignment to a readonly variable. */
export class ReadonlyError extends Error {
  constructor(name: string) {
    super(`${name}: readonly variable`);
  }
}

/** An index below the beginning of an array. */
export class SubscriptError extends Error {
  constructor(element: string) {
    super(`${element}: bad array subscript`);
  }
}

/** An unset variable, and `set -u`. */
export class Unbound extends Error {
  constructor(name: string) {
    super(`${name}: unbound variable`);
  }
}

/** Is this a name that a variable can have? */
export function isName(text: string): boolean {
  return VALID_NAME.test(text);
}
