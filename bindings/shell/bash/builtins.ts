/** The builtins. */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import { test } from './conditional.ts';
import { declare, settingOf } from './declarations.ts';
import { echoEscapes } from './escapes.ts';
import { runFile } from './execute.ts';
import { expandSubscript } from './expand.ts';
import { Discard, FunctionReturn, LoopJump, ShellExit } from './flow.ts';
import { addressOfInput } from './input.ts';
import {
  findJob,
  isDone,
  type Job,
  notifyForeground,
  notifyJobs,
  reapJobs,
  shownJobs,
  stateText,
  waitForJobProcess,
} from './jobs.ts';
import type { BuiltinOutput } from './output.ts';
import { printFunction } from './printer.ts';
import { printf } from './printf.ts';
import { allPaths, runProgram, searchPath } from './programs.ts';
import { singleQuoted } from './quoting.ts';
import { runString } from './reader.ts';
import { isName, OPTION_LETTERS, type Shell } from './shell.ts';
import { signalName, signalNumber } from './signals.ts';
import { exitStatus, forkShell, waitFor } from './subshell.ts';
import { runPendingTraps } from './traps.ts';
import { AssociativeArray, IndexedArray } from './variables.ts';

/** Runs in the shell: its status. What it prints goes to `output`. */
export type Builtin = (shell: Shell, argv: readonly string[], output: BuiltinOutput) => Promise<number>;

/** An error of a builtin: `NAME: line N: BUILTIN: message`. */
async function fail(shell: Shell, name: string, message: string, status = 1): Promise<number> {
  await shell.error(`${name}: ${message}`);
  return status;
}

async function usage(shell: Shell, name: string, option: string, text: string): Promise<number> {
  await shell.error(`${name}: ${option}: invalid option`);
  await shell.complain(`${name}: usage: ${text}`);
  return 2;
}

/** Options of one letter; `:` after those with an argument. undefined: one is unknown, and it has been said. */
async function options(
  shell: Shell,
  argv: readonly string[],
  known: string,
  text: string,
): Promise<{ flags: Map<string, string>; rest: string[] } | undefined> {
  const flags = new Map<string, string>();
  let at = 1;
  while (at < argv.length) {
    const argument = argv[at]!;
    if (argument === '--') {
      at++;
      break;
    }
    if (!/^-./.test(argument)) break;
    at++;
    for (let i = 1; i < argument.length; i++) {
      const letter = argument[i]!;
      const where = known.indexOf(letter);
      if (where < 0 || letter === ':') {
        await usage(shell, argv[0]!, `-${letter}`, text);
        return undefined;
      }
      if (known[where + 1] !== ':') {
        flags.set(letter, '');
        continue;
      }
      const value = i + 1 < argument.length ? argument.slice(i + 1) : argv[at++];
      if (value === undefined) {
        await shell.error(`${argv[0]}: -${letter}: option requires an argument`);
        await shell.complain(`${argv[0]}: usage: ${text}`);
        return undefined;
      }
      flags.set(letter, value);
      break;
    }
  }
  return { flags, rest: argv.slice(at) };
}

async function echo(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  let at = 1;
  let newline = true;
  let escapes = shell.shopt('xpg_echo');
  for (; at < argv.length && /^-[neE]+$/.test(argv[at]!); at++) {
    for (const letter of argv[at]!.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
  }
  let text = argv.slice(at).join(' ');
  if (escapes) {
    const parts: string[] = [];
    for (const word of argv.slice(at)) {
      const done = echoEscapes(word, 'echo');
      parts.push(done.text);
      if (done.stop) {
        output.characters(parts.join(' '));
        return 0;
      }
    }
    text = parts.join(' ');
  }
  output.characters(newline ? `${text}\n` : text);
  return 0;
}

/** The numeric argument of exit, return, shift and the like. */
async function count(
  shell: Shell,
  name: string,
  argv: readonly string[],
  otherwise: number,
): Promise<number | undefined> {
  const at = argv[1] === '--' ? 2 : 1;
  const text = argv[at];
  if (text === undefined) return otherwise;
  if (!/^[ \t]*[+-]?[0-9]+[ \t]*$/.test(text)) {
    await shell.error(`${name}: ${text}: numeric argument required`);
    return undefined;
  }
  return Number(text);
}

async function exit(shell: Shell, argv: readonly string[]): Promise<number> {
  const status = await count(shell, 'exit', argv, shell.exitDefault ?? shell.status);
  if (status === undefined) throw new ShellExit(2);
  if (argv.length > 2 && argv[1] !== '--') return fail(shell, 'exit', 'too many arguments');
  throw new ShellExit(status & 255);
}

async function returns(shell: Shell, argv: readonly string[]): Promise<number> {
  if (!shell.frames.some((frame) => frame.kind !== 'main')) {
    return fail(shell, 'return', "can only `return' from a function or sourced script", 2);
  }
  const status = await count(shell, 'return', argv, shell.status);
  if (status === undefined) throw new FunctionReturn(2);
  if (argv.length > 2 && argv[1] !== '--') return fail(shell, 'return', 'too many arguments');
  throw new FunctionReturn(status & 255);
}

async function jump(shell: Shell, argv: readonly string[]): Promise<number> {
  const name = argv[0] as 'break' | 'continue';
  if (shell.loops === 0) {
    await fail(shell, name, "only meaningful in a `for', `while', or `until' loop");
    return 0;
  }
  const levels = await count(shell, name, argv, 1);
  if (levels === undefined) throw new ShellExit(128);
  if (levels < 1) {
    await shell.error(`${name}: ${argv[1]}: loop count out of range`);
    throw new LoopJump('break', shell.loops);
  }
  throw new LoopJump(name, Math.min(levels, shell.loops));
}

async function shift(shell: Shell, argv: readonly string[]): Promise<number> {
  const n = await count(shell, 'shift', argv, 1);
  if (n === undefined) return 1;
  if (n < 0) return fail(shell, 'shift', `${argv[1]}: shift count out of range`);
  if (n > shell.positional.length) {
    if (shell.shopt('shift_verbose')) await fail(shell, 'shift', `${argv[1] ?? n}: shift count out of range`);
    return 1;
  }
  shell.positional = shell.positional.slice(n);
  return 0;
}

// ------------------------------------------------------------------------------------------------ directories

/** The path without `.`, `..` and doubled slashes. */
function canonical(path: string): string {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return `/${out.join('/')}`;
}

function changeDirectory(shell: Shell, to: string, physical: boolean): void {
  const pwd = shell.get('PWD') ?? shell.process.getcwd();
  const logical = canonical(to.startsWith('/') ? to : `${pwd}/${to}`);
  shell.process.chdir(physical ? to : logical);
  const now = physical ? shell.process.getcwd() : logical;
  const old = shell.variables.find('PWD')?.value;
  shell.set('OLDPWD', typeof old === 'string' ? old : now);
  shell.set('PWD', now);
}

async function cd(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'LPe@', 'cd [-L|[-P [-e]] [-@]] [dir]');
  if (!parsed) return 2;
  const { rest } = parsed;
  if (rest.length > 1) return fail(shell, 'cd', 'too many arguments');
  const physical = parsed.flags.has('P') || shell.option('P');
  let to = rest[0];
  let print = false;
  if (to === undefined) {
    to = shell.get('HOME');
    if (to === undefined) return fail(shell, 'cd', 'HOME not set');
  } else if (to === '-') {
    to = shell.get('OLDPWD');
    if (to === undefined) return fail(shell, 'cd', 'OLDPWD not set');
    print = true;
  }
  const path = shell.get('CDPATH');
  if (path && rest[0] !== undefined && !/^\.{0,2}(\/|$)/.test(to) && to !== '') {
    for (const base of path.split(':')) {
      try {
        changeDirectory(shell, base === '' ? to : `${base}/${to}`, physical);
        if (base !== '') output.chunk(`${shell.get('PWD')}\n`);
        return 0;
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
      }
    }
  }
  if (to === '') return 0;
  try {
    changeDirectory(shell, to, physical);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return fail(shell, 'cd', `${to}: ${error.message}`);
  }
  if (print) output.chunk(`${shell.get('PWD')}\n`);
  return 0;
}

async function pwd(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'LP', 'pwd [-LP]');
  if (!parsed) return 2;
  output.chunk(`${parsed.flags.has('P') ? shell.process.getcwd() : (shell.get('PWD') ?? shell.process.getcwd())}\n`);
  return 0;
}

function shownDirectory(shell: Shell, path: string, long: boolean): string {
  const home = shell.get('HOME');
  if (!long && home && home !== '/' && (path === home || path.startsWith(`${home}/`)))
    return `~${path.slice(home.length)}`;
  return path;
}

async function dirs(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  let long = false;
  let lines = false;
  let numbered = false;
  const all = [shell.get('PWD') ?? '', ...shell.directories];
  for (const argument of argv.slice(1)) {
    if (argument === '-c') {
      shell.directories = [];
      return 0;
    }
    if (/^[+-][0-9]+$/.test(argument)) {
      const n = Number(argument.slice(1));
      const at = argument[0] === '+' ? n : all.length - 1 - n;
      if (all[at] === undefined) {
        if (all.length === 1) return fail(shell, 'dirs', 'directory stack empty');
        return fail(shell, 'dirs', `${argument}: directory stack index out of range`);
      }
      output.chunk(`${shownDirectory(shell, all[at], long)}\n`);
      return 0;
    }
    if (!/^-[lpv]+$/.test(argument)) return usage(shell, 'dirs', argument, 'dirs [-clpv] [+N] [-N]');
    if (argument.includes('l')) long = true;
    if (argument.includes('p')) lines = true;
    if (argument.includes('v')) lines = numbered = true;
  }
  const shown = all.map(
    (path, i) => (numbered ? `${String(i).padStart(2)}  ` : '') + shownDirectory(shell, path, long),
  );
  output.chunk(`${shown.join(lines ? '\n' : ' ')}\n`);
  return 0;
}

async function pushd(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const all = [shell.get('PWD') ?? '', ...shell.directories];
  const stay = argv[1] === '-n';
  const to = stay ? argv[2] : argv[1];
  let next: string[];
  if (to === undefined) {
    if (all.length < 2) return fail(shell, 'pushd', 'no other directory');
    next = [all[1]!, all[0]!, ...all.slice(2)];
  } else if (/^[+-][0-9]+$/.test(to)) {
    const n = Number(to.slice(1));
    const at = to[0] === '+' ? n : all.length - 1 - n;
    if (all[at] === undefined) return fail(shell, 'pushd', `${to}: directory stack index out of range`);
    next = [...all.slice(at), ...all.slice(0, at)];
  } else if (stay) {
    shell.directories = [to, ...shell.directories];
    return dirs(shell, ['dirs'], output);
  } else next = [to, ...all];
  try {
    changeDirectory(shell, next[0]!, false);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return fail(shell, 'pushd', `${next[0]}: ${error.message}`);
  }
  shell.directories = next.slice(1);
  return dirs(shell, ['dirs'], output);
}

async function popd(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const all = [shell.get('PWD') ?? '', ...shell.directories];
  if (all.length < 2) return fail(shell, 'popd', 'directory stack empty');
  const which = argv[1] ?? '+0';
  if (!/^[+-][0-9]+$/.test(which)) return fail(shell, 'popd', `${which}: invalid argument`);
  const n = Number(which.slice(1));
  const at = which[0] === '+' ? n : all.length - 1 - n;
  if (all[at] === undefined) return fail(shell, 'popd', `${which}: directory stack index out of range`);
  if (at > 0) {
    shell.directories.splice(at - 1, 1);
    return dirs(shell, ['dirs'], output);
  }
  try {
    changeDirectory(shell, all[1]!, false);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return fail(shell, 'popd', `${all[1]}: ${error.message}`);
  }
  shell.directories = all.slice(2);
  return dirs(shell, ['dirs'], output);
}

// ------------------------------------------------------------------------------------------------ evaluation

async function evaluateText(shell: Shell, argv: readonly string[]): Promise<number> {
  const text = argv.slice(argv[1] === '--' ? 2 : 1).join(' ');
  if (text.trim() === '') return 0;
  const { traceLevel } = shell;
  shell.traceLevel++;
  const status = await runString(shell, text, shell.line);
  shell.traceLevel = traceLevel;
  return status;
}

async function source(shell: Shell, argv: readonly string[]): Promise<number> {
  const rest = argv.slice(argv[1] === '--' ? 2 : 1);
  const name = rest[0];
  if (name === undefined) {
    await shell.error(`${argv[0]}: filename argument required`);
    await shell.complain(`${argv[0]}: usage: ${argv[0]} filename [arguments]`);
    return 2;
  }
  let path = name;
  if (!name.includes('/')) {
    for (const directory of (shell.get('PATH') ?? '').split(':')) {
      const candidate = `${directory === '' ? '.' : directory}/${name}`;
      try {
        if (shell.process.stat(candidate).type === 'file') {
          path = candidate;
          break;
        }
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
      }
    }
  }
  let text: string;
  try {
    if (shell.process.stat(path).type === 'directory') return fail(shell, argv[0]!, `${name}: is a directory`);
    text = await readFile(shell, path);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    await shell.error(`${name}: ${error.message}`);
    return 1;
  }
  return runFile(shell, text, path, rest.slice(1));
}

/** All of a file. SyscallError. */
async function readFile(shell: Shell, path: string): Promise<string> {
  const device = /^\/dev\/(?:fd\/([0-9]+)|stdin)$/.exec(path);
  const fd = device
    ? shell.process.dupAbove(Number(device[1] ?? 0), 10)
    : await shell.process.open(path, { read: true });
  let text = '';
  for (;;) {
    const bytes = await shell.process.read(fd, 65536);
    if (bytes.length === 0) break;
    text += textOf(bytes);
  }
  shell.process.close(fd);
  return text;
}

async function exec(shell: Shell, argv: readonly string[]): Promise<number> {
  let at = 1;
  let zero: string | undefined;
  let clear = false;
  let login = false;
  while (at < argv.length && /^-./.test(argv[at]!)) {
    const argument = argv[at++]!;
    if (argument === '--') break;
    if (argument === '-c') clear = true;
    else if (argument === '-l') login = true;
    else if (argument === '-a') zero = argv[at++];
    else return usage(shell, 'exec', argument, 'exec [-cl] [-a name] [command [argument ...]] [redirection ...]');
  }
  const words = argv.slice(at);
  if (words.length === 0) return 0;
  const name = words[0]!;
  const path = name.includes('/') ? name : searchPath(shell, name);
  if (path === undefined) {
    await shell.error(`exec: ${name}: not found`);
    if (shell.subshell === 0 && shell.shopt('execfail')) return 127;
    throw new ShellExit(127);
  }
  const environment = clear ? new Map<string, string>() : shell.environment();
  for (const [key, value] of shell.execEnvironment ?? []) environment.set(key, value);
  const shown = zero ?? name;
  const status = await runProgram(shell, path, [(login ? '-' : '') + shown, ...words.slice(1)], environment);
  if (status === 126) {
    try {
      if (shell.process.stat(path).type === 'directory') {
        await shell.error(`exec: ${path}: cannot execute: Is a directory`);
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }
  if (shell.shopt('execfail')) return status;
  throw new ShellExit(status);
}

async function command(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const permitted = shell.execPermitted;
  const parsed = await options(shell, argv, 'pvV', 'command [-pVv] command [arg ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  if (flags.has('v') || flags.has('V')) {
    let status = 1;
    for (const name of rest) {
      const found = await describe(shell, name, flags.has('v') ? 'short' : 'long', output, false);
      if (found) status = 0;
      else if (flags.has('V')) await fail(shell, 'command', `${name}: not found`);
    }
    return rest.length === 0 ? 0 : status;
  }
  const name = rest[0];
  if (name === undefined) return 0;
  const own = builtins.get(name);
  if (own && !shell.disabled.has(name)) {
    if (name === 'exec' && rest.length === 1) return 0;
    return own(shell, rest, output);
  }
  await output.flush();
  const path = name.includes('/')
    ? name
    : searchPath(
        shell,
        name,
        flags.has('p') ? '/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin' : undefined,
      );
  if (permitted) return runProgram(shell, path, rest, shell.environment());
  const child = await forkShell(shell, (inner) => runProgram(inner, path, rest, inner.environment()));
  const status = await waitFor(shell, child.pid);
  await notifyForeground(shell, [{ pid: child.pid, text: '', status }], () => argv.join(' '));
  return exitStatus(status);
}

async function builtin(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const rest = argv.slice(argv[1] === '--' ? 2 : 1);
  if (rest.length === 0) return 0;
  const own = builtins.get(rest[0]!);
  if (!own) return fail(shell, 'builtin', `${rest[0]}: not a shell builtin`);
  return own(shell, rest, output);
}

const KEYWORDS = new Set(
  'if then else elif fi case esac for select while until do done in function time { } ! [[ ]] coproc'.split(' '),
);

/** Says what a name is; false if nothing. `all`: everything that it is. */
async function describe(
  shell: Shell,
  name: string,
  style: 'short' | 'long' | 'type' | 'path',
  output: BuiltinOutput,
  all: boolean,
  forcePath = false,
  noFunctions = false,
): Promise<boolean> {
  let found = false;
  const say = (short: string, long: string, type: string) => {
    found = true;
    if (style === 'short') output.chunk(`${short}\n`);
    else if (style === 'long') output.chunk(`${long}\n`);
    else if (style === 'type') output.chunk(`${type}\n`);
  };
  if (!forcePath) {
    if (KEYWORDS.has(name)) say(name, `${name} is a shell keyword`, 'keyword');
    if (found && !all) return true;
    const definition = noFunctions ? undefined : shell.functions.get(name);
    if (definition) say(name, `${name} is a function\n${printFunction(name, definition)}`, 'function');
    if (found && !all) return true;
    if (builtins.has(name) && !shell.disabled.has(name)) say(name, `${name} is a shell builtin`, 'builtin');
    if (found && !all) return true;
  }
  if (name.includes('/')) {
    let file = false;
    try {
      file = shell.process.stat(name).type !== 'directory' && shell.process.access(name, { execute: true });
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    if (file) {
      say(name, `${name} is ${name}`, 'file');
      if (style === 'path') output.chunk(`${name}\n`);
    }
    return found;
  }
  const hashed = all ? undefined : shell.hash.get(name)?.path;
  const paths = hashed ? [hashed] : allPaths(shell, name);
  for (const path of all ? paths : paths.slice(0, 1)) {
    say(path, hashed ? `${name} is hashed (${path})` : `${name} is ${path}`, 'file');
    if (style === 'path') output.chunk(`${path}\n`);
  }
  return found;
}

async function type(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'aftpP', 'type [-afptP] name [name ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  let status = 0;
  for (const name of rest) {
    const style = flags.has('t') ? 'type' : flags.has('p') || flags.has('P') ? 'path' : 'long';
    if (flags.has('p') && !flags.has('P') && (KEYWORDS.has(name) || shell.functions.has(name) || builtins.has(name)))
      continue;
    if (await describe(shell, name, style, output, flags.has('a'), flags.has('P'), flags.has('f'))) continue;
    status = 1;
    if (style === 'long') {
      await output.lines();
      await fail(shell, 'type', `${name}: not found`);
    }
  }
  return status;
}

async function hash(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'lrp:dt', 'hash [-lr] [-p pathname] [-dt] [name ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  if (flags.has('r')) shell.hash.clear();
  if (rest.length === 0) {
    if (flags.has('r')) return 0;
    if (shell.hash.size === 0) {
      output.chunk('hash: hash table empty\n');
      return 0;
    }
    output.chunk('hits\tcommand\n');
    for (const { path, hits } of shell.hash.values()) output.chunk(`${String(hits).padStart(4)}\t${path}\n`);
    return 0;
  }
  let status = 0;
  for (const name of rest) {
    const path = flags.get('p');
    if (path !== undefined) shell.hash.set(name, { path, hits: 0 });
    else if (flags.has('d')) {
      if (!shell.hash.delete(name)) status = await fail(shell, 'hash', `${name}: not found`);
    } else if (flags.has('t')) {
      const known = shell.hash.get(name);
      if (!known) status = await fail(shell, 'hash', `${name}: not found`);
      else output.chunk(rest.length > 1 ? `${name}\t${known.path}\n` : `${known.path}\n`);
    } else if (!name.includes('/') && !builtins.has(name) && !shell.functions.has(name)) {
      shell.hash.delete(name);
      if (searchPath(shell, name) === undefined) status = await fail(shell, 'hash', `${name}: not found`);
      else if (shell.hash.has(name)) shell.hash.get(name)!.hits = 0;
    }
  }
  return status;
}

// ------------------------------------------------------------------------------------------------ options

function setOption(shell: Shell, name: string, on: boolean): boolean {
  const letter = OPTION_LETTERS[name];
  if (letter !== undefined) {
    if (on) shell.options.add(letter);
    else shell.options.delete(letter);
    return true;
  }
  if (!shell.shopts.has(`o:${name}`)) return false;
  shell.shopts.set(`o:${name}`, on);
  return true;
}

function optionNames(shell: Shell): [string, boolean][] {
  const names: [string, boolean][] = Object.entries(OPTION_LETTERS).map(([name, letter]) => [
    name,
    shell.options.has(letter),
  ]);
  for (const [name, on] of shell.shopts) if (name.startsWith('o:')) names.push([name.slice(2), on]);
  return names.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** Sets options and positional parameters as `set` and bash's own command line have them. False: an option is unknown. */
export async function setOptions(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const text = 'set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]';
  let at = 1;
  while (at < argv.length) {
    const argument = argv[at]!;
    if (argument === '--') {
      shell.positional = argv.slice(at + 1);
      return 0;
    }
    if (argument === '-') {
      shell.options.delete('x');
      shell.options.delete('v');
      if (at + 1 < argv.length) shell.positional = argv.slice(at + 1);
      return 0;
    }
    if (!/^[-+]./.test(argument)) break;
    at++;
    const on = argument[0] === '-';
    for (const letter of argument.slice(1)) {
      if (letter === 'o') {
        const name = argv[at];
        if (name === undefined || (/^[-+]/.test(name) && !on)) {
          for (const [option, state] of optionNames(shell)) {
            output.chunk(
              on ? `${option.padEnd(15)}\t${state ? 'on' : 'off'}\n` : `set ${state ? '-' : '+'}o ${option}\n`,
            );
          }
          continue;
        }
        at++;
        if (!setOption(shell, name, on)) return fail(shell, 'set', `${name}: invalid option name`, 2);
      } else if (!Object.values(OPTION_LETTERS).includes(letter)) {
        return usage(shell, 'set', `${argument[0]}${letter}`, text);
      } else if (on) shell.options.add(letter);
      else shell.options.delete(letter);
    }
  }
  if (at < argv.length) shell.positional = argv.slice(at);
  return 0;
}

async function set(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  if (argv.length > 1) return setOptions(shell, argv, output);
  for (const name of shell.variables.names()) {
    const line = settingOf(shell, name);
    if (line !== undefined) output.chunk(`${line}\n`);
  }
  for (const [name, definition] of [...shell.functions].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    output.chunk(`${printFunction(name, definition)}\n`);
  }
  return 0;
}

async function shopt(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'pqsuo', 'shopt [-pqsu] [-o] [optname ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  const known = flags.has('o')
    ? new Map(optionNames(shell))
    : new Map([...shell.shopts].filter(([name]) => !name.startsWith('o:')).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
  const show = (name: string, on: boolean) => {
    if (flags.has('q')) return;
    if (flags.has('p'))
      output.chunk(flags.has('o') ? `set ${on ? '-' : '+'}o ${name}\n` : `shopt ${on ? '-s' : '-u'} ${name}\n`);
    else output.chunk(`${name.padEnd(15)}\t${on ? 'on' : 'off'}\n`);
  };
  if (rest.length === 0) {
    for (const [name, on] of known) if (!(flags.has('s') && !on) && !(flags.has('u') && on)) show(name, on);
    return 0;
  }
  let status = 0;
  for (const name of rest) {
    if (!known.has(name)) {
      status = await fail(shell, 'shopt', `${name}: invalid shell option name`);
      continue;
    }
    if (flags.has('s') || flags.has('u')) {
      if (flags.has('o')) setOption(shell, name, flags.has('s'));
      else shell.shopts.set(name, flags.has('s'));
    } else {
      show(name, known.get(name)!);
      if (!known.get(name)) status = 1;
    }
  }
  return status;
}

async function enable(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'anps', 'enable [-a] [-dnps] [-f filename] [name ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  if (rest.length === 0) {
    for (const name of [...builtins.keys()].sort()) {
      const off = shell.disabled.has(name);
      if (flags.has('n') ? off : flags.has('a') || !off) output.chunk(`enable ${off ? '-n ' : ''}${name}\n`);
    }
    return 0;
  }
  let status = 0;
  for (const name of rest) {
    if (!builtins.has(name)) status = await fail(shell, 'enable', `${name}: not a shell builtin`);
    else if (flags.has('n')) shell.disabled.add(name);
    else shell.disabled.delete(name);
  }
  return status;
}

// ------------------------------------------------------------------------------------------------ variables

async function unset(shell: Shell, argv: readonly string[]): Promise<number> {
  const parsed = await options(shell, argv, 'fvn', 'unset [-f] [-v] [-n] [name ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  let status = 0;
  for (const argument of rest) {
    const element = /^([A-Za-z_][A-Za-z0-9_]*)\[(.*)\]$/s.exec(argument);
    if (flags.has('f')) {
      if (shell.functions.get(argument)?.readonly)
        status = await fail(shell, 'unset', `${argument}: cannot unset: readonly function`);
      else shell.functions.delete(argument);
      continue;
    }
    if (!element && !isName(argument)) {
      if (flags.has('v')) status = await fail(shell, 'unset', `\`${argument}': not a valid identifier`);
      else shell.functions.delete(argument);
      continue;
    }
    const name = flags.has('n') ? argument : shell.resolve(element ? element[1]! : argument).name;
    const v = shell.variables.find(name);
    if (element) {
      if (v?.readonly) {
        status = await fail(shell, 'unset', `${name}: cannot unset: readonly variable`);
      } else if (v?.value instanceof AssociativeArray) {
        v.value.delete(await expandSubscript(shell, name, element[2]!));
      } else if (v?.value instanceof IndexedArray) {
        if (element[2] === '@' || element[2] === '*') shell.unset(name);
        else {
          const index = shell.index(name, await expandSubscript(shell, name, element[2]!));
          if (index < 0) status = await fail(shell, 'unset', `[${element[2]}]: bad array subscript`);
          else v.value.delete(index);
        }
      } else if (v && element[2] === '0') shell.unset(name);
      else if (v && v.value !== undefined) status = await fail(shell, 'unset', `${name}: not an array variable`);
      continue;
    }
    if (v === undefined && !flags.has('v')) {
      const definition = shell.functions.get(argument);
      if (definition?.readonly) status = await fail(shell, 'unset', `${argument}: cannot unset: readonly function`);
      else shell.functions.delete(argument);
      continue;
    }
    if (!shell.unset(name)) status = await fail(shell, 'unset', `${name}: cannot unset: readonly variable`);
  }
  return status;
}

async function letBuiltin(shell: Shell, argv: readonly string[]): Promise<number> {
  const rest = argv.slice(argv[1] === '--' ? 2 : 1);
  if (rest.length === 0) return fail(shell, 'let', 'expression expected');
  let value = 0n;
  try {
    for (const expression of rest) value = await shell.calculate(expression, 'let: ');
  } catch (error) {
    if (!(error instanceof Discard)) throw error;
    return 1;
  }
  return value === 0n ? 1 : 0;
}

const READ_USAGE =
  'read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]';

/** Cuts a line by IFS into the values of `names` names; a backslash (unless raw) quotes. */
function fieldsOf(line: string, quotedAt: ReadonlySet<number>, ifs: string, names: number): string[] {
  const white = (i: number) => !quotedAt.has(i) && ' \t\n'.includes(line[i]!) && ifs.includes(line[i]!);
  const delimiter = (i: number) => !quotedAt.has(i) && ifs.includes(line[i]!);
  const out: string[] = [];
  let i = 0;
  while (i < line.length && white(i)) i++;
  while (out.length < names - 1 && i < line.length) {
    let word = '';
    while (i < line.length && !delimiter(i)) word += line[i++];
    out.push(word);
    while (i < line.length && white(i)) i++;
    if (i < line.length && delimiter(i) && !white(i)) {
      i++;
      while (i < line.length && white(i)) i++;
    }
  }
  if (i < line.length || (out.length < names && Number.isFinite(names))) {
    let end = line.length;
    while (end > i && white(end - 1)) end--;
    let rest = line.slice(i, end);
    // one delimiter at the end of a last single field goes
    if (rest !== '' && delimiter(end - 1) && !' \t\n'.includes(line[end - 1]!)) {
      let others = false;
      for (let j = i; j < end - 1; j++) if (delimiter(j)) others = true;
      if (!others) rest = rest.slice(0, -1);
    }
    out.push(rest);
  }
  return out;
}

async function read(shell: Shell, argv: readonly string[]): Promise<number> {
  const parsed = await options(shell, argv, 'ersa:d:i:n:N:p:t:u:', READ_USAGE);
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  const raw = flags.has('r');
  const fd = Number(flags.get('u') ?? 0);
  const exactly = flags.has('N');
  const limitText = flags.get('N') ?? flags.get('n');
  const limit = limitText === undefined ? undefined : Number(limitText);
  if (limit !== undefined && !(limit >= 0)) return fail(shell, 'read', `${limitText}: invalid number`);
  if (flags.has('t') && !/^[0-9]*\.?[0-9]*$/.test(flags.get('t')!)) {
    return fail(shell, 'read', `${flags.get('t')}: invalid timeout specification`);
  }
  if (flags.has('u') && !shell.process.isOpen(fd))
    return fail(shell, 'read', `${fd}: invalid file descriptor: Bad file descriptor`);
  for (const name of rest) {
    if (!isName(name.replace(/\[.*\]$/s, ''))) return fail(shell, 'read', `\`${name}': not a valid identifier`);
  }
  const delimiter = exactly ? undefined : flags.has('d') ? (flags.get('d')![0] ?? '\0') : '\n';
  const input = addressOfInput(shell, fd);
  let line = '';
  const quotedAt = new Set<number>();
  let ended = false;
  try {
    for (;;) {
      if (limit !== undefined && line.length >= limit) break;
      const c = await input.next();
      if (c === undefined) {
        ended = true;
        break;
      }
      if (c === '\\' && !raw) {
        const n = await input.next();
        if (n === undefined) {
          ended = true;
          break;
        }
        if (n === '\n') continue;
        quotedAt.add(line.length);
        line += n;
        continue;
      }
      if (c === delimiter) break;
      if (c === '\0') continue;
      line += c;
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    input.done();
    if (error.errno === 'EINTR') {
      await runPendingTraps(shell);
      return 130;
    }
    return fail(shell, 'read', `read error: ${fd}: ${error.message}`);
  }
  input.done();
  const ifs = shell.ifs;
  const status = ended && !(limit !== undefined && line.length >= limit) ? 1 : 0;
  const put = async (name: string, value: string): Promise<boolean> => {
    try {
      const element = /^(.*?)\[(.*)\]$/s.exec(name);
      if (element) shell.setElement(element[1]!, await expandSubscript(shell, element[1]!, element[2]!), value, false);
      else shell.set(name, value);
      return true;
    } catch (error) {
      try {
        await shell.arithmeticFailed(error);
      } catch (thrown) {
        if (!(thrown instanceof Discard)) throw thrown;
      }
      return false;
    }
  };
  const array = flags.get('a');
  if (array !== undefined) {
    const words: string[] = [];
    if (line !== '') {
      for (const word of fieldsOf(line, quotedAt, ifs, Number.POSITIVE_INFINITY)) words.push(word);
    }
    try {
      shell.setArray(array, IndexedArray.from(words));
    } catch (error) {
      return shell.arithmeticFailed(error);
    }
    return status;
  }
  if (rest.length === 0) return (await put('REPLY', line)) ? status : 1;
  if (exactly) {
    for (const [i, name] of rest.entries()) if (!(await put(name, i === 0 ? line : ''))) return 1;
    return status;
  }
  const values = fieldsOf(line, quotedAt, ifs, rest.length);
  for (const [i, name] of rest.entries()) if (!(await put(name, values[i] ?? ''))) return 1;
  return status;
}

async function mapfile(shell: Shell, argv: readonly string[]): Promise<number> {
  const text = `${argv[0]} [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]`;
  const parsed = await options(shell, argv, 'd:n:O:s:tu:C:c:', text);
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  const name = rest[0] ?? 'MAPFILE';
  if (!isName(name)) return fail(shell, argv[0]!, `\`${name}': not a valid identifier`);
  const fd = Number(flags.get('u') ?? 0);
  const delimiter = flags.has('d') ? (flags.get('d')![0] ?? '\0') : '\n';
  const most = Number(flags.get('n') ?? 0);
  const skip = Number(flags.get('s') ?? 0);
  const quantum = Number(flags.get('c') ?? 5000);
  let index = Number(flags.get('O') ?? 0);
  const input = addressOfInput(shell, fd);
  const old = shell.valueOf(name);
  const array = flags.has('O') && old instanceof IndexedArray ? old.copy() : new IndexedArray();
  let line = '';
  let seen = 0;
  let stored = 0;
  const add = async () => {
    seen++;
    if (seen <= skip) return;
    const value = flags.has('t') && line.endsWith(delimiter) ? line.slice(0, -1) : line;
    stored++;
    if (flags.has('C') && stored % quantum === 0) {
      shell.setArray(name, array.copy());
      await runString(shell, `${flags.get('C')} ${index} ${singleQuoted(value)}`, shell.line);
    }
    array.set(index++, value);
  };
  try {
    for (;;) {
      if (most > 0 && stored >= most) break;
      const c = await input.next();
      if (c === undefined) {
        if (line !== '') await add();
        break;
      }
      line += c;
      if (c === delimiter) {
        await add();
        line = '';
      }
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    input.done();
    return fail(shell, argv[0]!, `${fd}: invalid file descriptor: ${error.message}`);
  }
  input.done();
  try {
    shell.setArray(name, array);
  } catch (error) {
    return shell.arithmeticFailed(error);
  }
  return 0;
}

async function getopts(shell: Shell, argv: readonly string[]): Promise<number> {
  const rest = argv.slice(argv[1] === '--' ? 2 : 1);
  const [spec, name] = rest;
  if (spec === undefined || name === undefined) {
    await shell.complain('getopts: usage: getopts optstring name [arg ...]');
    return 2;
  }
  const args = rest.length > 2 ? rest.slice(2) : shell.positional;
  let index = Number(shell.get('OPTIND') ?? 1) || 1;
  const silent = spec.startsWith(':');
  const letters = silent ? spec.slice(1) : spec;
  const offset = shell.optionOffset || 1;
  const store = (variableName: string, value: string | undefined) => {
    if (value === undefined) shell.unset(variableName);
    else shell.set(variableName, value);
  };
  const finish = (next: number, nextOffset: number) => {
    shell.set('OPTIND', String(next));
    shell.optionOffset = nextOffset;
  };
  const argument = args[index - 1];
  if (argument === undefined || !/^-./.test(argument) || argument === '--') {
    if (argument === '--') index++;
    finish(index, 0);
    store(name, '?');
    store('OPTARG', undefined);
    return 1;
  }
  const letter = argument[offset]!;
  const where = letter === ':' ? -1 : letters.indexOf(letter);
  const more = offset + 1 < argument.length;
  if (!isName(name)) {
    finish(more ? index : index + 1, more ? offset + 1 : 0);
    return fail(shell, 'getopts', `\`${name}': not a valid identifier`);
  }
  if (where < 0) {
    finish(more ? index : index + 1, more ? offset + 1 : 0);
    store(name, '?');
    if (silent) store('OPTARG', letter);
    else {
      store('OPTARG', undefined);
      if (shell.get('OPTERR') !== '0') await shell.complain(`${shell.arg0}: illegal option -- ${letter}`);
    }
    return 0;
  }
  if (letters[where + 1] !== ':') {
    finish(more ? index : index + 1, more ? offset + 1 : 0);
    store(name, letter);
    store('OPTARG', undefined);
    return 0;
  }
  if (more) {
    finish(index + 1, 0);
    store(name, letter);
    store('OPTARG', argument.slice(offset + 1));
    return 0;
  }
  const value = args[index];
  if (value === undefined) {
    finish(index + 1, 0);
    if (silent) {
      store(name, ':');
      store('OPTARG', letter);
    } else {
      store(name, '?');
      store('OPTARG', undefined);
      if (shell.get('OPTERR') !== '0') await shell.complain(`${shell.arg0}: option requires an argument -- ${letter}`);
    }
    return 0;
  }
  finish(index + 2, 0);
  store(name, letter);
  store('OPTARG', value);
  return 0;
}

// ------------------------------------------------------------------------------------------------ processes

function jobLine(shell: Shell, job: Job, long: boolean): string {
  const shown = shownJobs(shell);
  const current = shown.at(-1) === job ? '+' : shown.at(-2) === job ? '-' : ' ';
  const state = stateText(job.processes.at(-1)!.status);
  const text = job.text + (isDone(job) ? '' : ' &');
  const pid = long ? `${job.processes[0]!.pid} ` : '';
  return `[${job.number}]${current}  ${pid}${state.padEnd(24)}${text}`;
}

async function jobs(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'lnprs', 'jobs [-lnprs] [jobspec ...] or jobs -x command [args]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  await reapJobs(shell);
  let status = 0;
  const list: Job[] = [];
  if (rest.length === 0) list.push(...shownJobs(shell));
  for (const spec of rest) {
    const job = findJob(shell, spec.startsWith('%') ? spec : `%${spec}`);
    if (job) list.push(job);
    else status = await fail(shell, 'jobs', `${spec}: no such job`);
  }
  for (const job of list) {
    if (flags.has('r') && isDone(job)) continue;
    if (flags.has('s')) continue;
    if (flags.has('p')) output.chunk(`${job.processes[0]!.pid}\n`);
    else output.chunk(`${jobLine(shell, job, flags.has('l'))}\n`);
  }
  shell.jobs = shell.jobs.filter((job) => !isDone(job));
  return status;
}

async function wait(shell: Shell, argv: readonly string[]): Promise<number> {
  const parsed = await options(shell, argv, 'fnp:', 'wait [-fn] [-p var] [id ...]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  const variableName = flags.get('p');
  if (variableName !== undefined) shell.unset(variableName);
  const interrupted = async (): Promise<number> => {
    const signal = shell.pending[0]!;
    await runPendingTraps(shell);
    return 128 + signal;
  };
  await reapJobs(shell);
  if (flags.has('n')) {
    const wanted = (pid: number, job: Job) =>
      rest.length === 0 || rest.some((id) => (id.startsWith('%') ? findJob(shell, id) === job : Number(id) === pid));
    for (;;) {
      const live: { job: Job; process: Job['processes'][number] }[] = [];
      for (const job of shell.jobs) {
        const last = job.processes.at(-1)!;
        if (!wanted(last.pid, job)) continue;
        if (isDone(job)) {
          shell.jobs = shell.jobs.filter((other) => other !== job);
          if (variableName !== undefined) shell.set(variableName, String(last.pid));
          return exitStatus(last.status!);
        }
        live.push({ job, process: last });
      }
      if (live.length === 0) return 127;
      try {
        shell.childEnded = true;
        const ended = await shell.process.wait(-1);
        if (ended === null) continue;
        for (const job of shell.jobs) {
          for (const process of job.processes) {
            if (process.pid === ended.pid) {
              process.status = ended.status;
              shell.ended.set(process.pid, exitStatus(ended.status));
            }
          }
        }
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        if (error.errno === 'EINTR' && shell.pending.length > 0) return interrupted();
        if (error.errno === 'ECHILD') return 127;
      }
    }
  }
  if (rest.length === 0) {
    for (const job of [...shell.jobs]) {
      for (const process of job.processes) {
        if ((await waitForJobProcess(shell, process)) === 'interrupted') return interrupted();
      }
    }
    await notifyJobs(shell);
    shell.jobs = [];
    return 0;
  }
  let status = 0;
  for (const id of rest) {
    if (id.startsWith('%')) {
      const job = findJob(shell, id);
      if (!job) {
        await fail(shell, 'wait', `${id}: no such job`);
        status = 127;
        continue;
      }
      for (const process of job.processes) {
        if ((await waitForJobProcess(shell, process)) === 'interrupted') return interrupted();
      }
      status = exitStatus(job.processes.at(-1)!.status!);
      if (variableName !== undefined) shell.set(variableName, String(job.processes.at(-1)!.pid));
      await notifyJobs(shell);
      continue;
    }
    if (!/^[0-9]+$/.test(id)) {
      await fail(shell, 'wait', `\`${id}': not a pid or valid job spec`);
      status = 1;
      continue;
    }
    const pid = Number(id);
    const process = shell.jobs.flatMap((job) => job.processes).find((one) => one.pid === pid);
    if (process) {
      if ((await waitForJobProcess(shell, process)) === 'interrupted') return interrupted();
      status = exitStatus(process.status!);
      if (variableName !== undefined) shell.set(variableName, id);
      await notifyJobs(shell);
    } else if (shell.ended.has(pid)) {
      status = shell.ended.get(pid)!;
      if (variableName !== undefined) shell.set(variableName, id);
    } else {
      const substitution = shell.substituted.get(pid);
      if (substitution) status = exitStatus(await waitFor(shell, pid));
      else {
        await fail(shell, 'wait', `pid ${id} is not a child of this shell`);
        status = 127;
      }
    }
  }
  return status;
}

async function kill(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const text = 'kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]';
  let at = 1;
  let signal = 15;
  const bad = async (name: string) => fail(shell, 'kill', `${name}: invalid signal specification`);
  if (argv[1] === '-l' || argv[1] === '-L') {
    if (argv.length === 2) {
      const cells: string[] = [];
      for (let n = 1; n <= 64; n++) {
        const name = signalName(n);
        if (name === undefined) continue;
        cells.push(`${String(n).padStart(2)}) SIG${name}`);
      }
      let line = '';
      for (const [i, cell] of cells.entries()) {
        line += cell + ((i + 1) % 5 === 0 || i === cells.length - 1 ? '\n' : '\t');
      }
      output.chunk(line);
      return 0;
    }
    let status = 0;
    for (const word of argv.slice(2)) {
      if (/^[0-9]+$/.test(word)) {
        const n = Number(word) > 128 ? Number(word) - 128 : Number(word);
        const name = n === 0 ? 'EXIT' : signalName(n);
        if (name === undefined) status = await bad(word);
        else output.chunk(`${name}\n`);
      } else {
        const n = word.toUpperCase() === 'EXIT' ? 0 : signalNumber(word);
        if (n === undefined) status = await bad(word);
        else output.chunk(`${n}\n`);
      }
    }
    return status;
  }
  const first = argv[1];
  if (first === '-s' || first === '-n') {
    const word = argv[2];
    if (word === undefined) return fail(shell, 'kill', `${first}: option requires an argument`);
    const n = word.toUpperCase() === 'EXIT' ? 0 : signalNumber(word);
    if (n === undefined) return bad(word);
    signal = n;
    at = 3;
  } else if (first === '--') at = 2;
  else if (first !== undefined && /^-./.test(first)) {
    const n = signalNumber(first.slice(1));
    if (n === undefined) return bad(first.slice(1));
    signal = n;
    at = 2;
  }
  if (argv[at] === '--') at++;
  if (at >= argv.length) {
    await shell.complain(`kill: usage: ${text}`);
    return 2;
  }
  let some = false;
  for (const target of argv.slice(at)) {
    let pid: number;
    if (target.startsWith('%')) {
      const job = findJob(shell, target);
      if (!job) {
        await fail(shell, 'kill', `${target}: no such job`);
        continue;
      }
      for (const process of job.processes) {
        try {
          if (process.status === undefined) shell.process.kill(process.pid, signal);
          some = true;
        } catch (error) {
          if (!(error instanceof SyscallError)) throw error;
          await fail(shell, 'kill', `(${process.pid}) - ${error.message}`);
        }
      }
      continue;
    }
    if (!/^-?[0-9]+$/.test(target)) {
      await fail(shell, 'kill', `${target}: arguments must be process or job IDs`);
      continue;
    }
    pid = Number(target);
    try {
      shell.process.kill(pid, signal);
      some = true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await fail(shell, 'kill', `(${target}) - ${error.message}`);
    }
  }
  return some ? 0 : 1;
}

async function noJobControl(shell: Shell, argv: readonly string[]): Promise<number> {
  return fail(shell, argv[0]!, 'no job control');
}

async function disown(shell: Shell, argv: readonly string[]): Promise<number> {
  const specs = argv.slice(1).filter((word) => !/^-[arh]+$/.test(word));
  if (specs.length === 0) {
    if (argv.length > 1) shell.jobs = [];
    else shell.jobs.pop();
    return 0;
  }
  for (const spec of specs) {
    const job = spec.startsWith('%')
      ? findJob(shell, spec)
      : shell.jobs.find((one) => one.processes.some((process) => process.pid === Number(spec)));
    if (!job) return fail(shell, 'disown', `${spec}: no such job`);
    if (!argv.includes('-h')) shell.jobs = shell.jobs.filter((other) => other !== job);
  }
  return 0;
}

async function trap(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const text = 'trap [-lp] [[arg] signal_spec ...]';
  const named = (word: string): string | undefined => {
    const upper = word.toUpperCase();
    if (upper === '0' || upper === 'EXIT' || upper === 'SIGEXIT') return 'EXIT';
    if (['ERR', 'DEBUG', 'RETURN'].includes(upper)) return upper;
    const n = signalNumber(word);
    return n === undefined || n === 0 ? undefined : signalName(n);
  };
  const shown = (name: string) => {
    const action = shell.traps.get(name);
    if (action === undefined) return;
    const label = ['EXIT', 'ERR', 'DEBUG', 'RETURN'].includes(name) ? name : `SIG${name}`;
    output.chunk(`trap -- ${singleQuoted(action)} ${label}\n`);
  };
  const order = () => {
    const rank = (name: string) =>
      name === 'EXIT' ? 0 : (signalNumber(name) ?? { DEBUG: 65, ERR: 66, RETURN: 67 }[name] ?? 68);
    return [...shell.traps.keys()].sort((a, b) => rank(a) - rank(b));
  };
  let at = 1;
  if (argv[1] === '-l') return kill(shell, ['kill', '-l'], output);
  if (argv[1] === '-p') {
    const names = argv.slice(2);
    if (names.length === 0) for (const name of order()) shown(name);
    let status = 0;
    for (const word of names) {
      const name = named(word);
      if (name === undefined) status = await fail(shell, 'trap', `${word}: invalid signal specification`);
      else shown(name);
    }
    return status;
  }
  if (argv[1] === '--') at = 2;
  else if (/^-./.test(argv[1] ?? '')) return usage(shell, 'trap', argv[1]!.slice(0, 2), text);
  const words = argv.slice(at);
  if (words.length === 0) {
    for (const name of order()) shown(name);
    return 0;
  }
  let action: string | undefined = words[0]!;
  let names = words.slice(1);
  if (names.length === 0) {
    // one word: a signal that is reset
    if (named(words[0]!) === undefined) {
      await shell.complain(`trap: usage: ${text}`);
      return 2;
    }
    names = words;
    action = undefined;
  } else if (action === '-' || (/^[0-9]+$/.test(action) && named(action) !== undefined)) {
    if (action !== '-') names = words;
    action = undefined;
  }
  let status = 0;
  for (const word of names) {
    const name = named(word);
    if (name === undefined) {
      status = await fail(shell, 'trap', `${word}: invalid signal specification`);
      continue;
    }
    const number = ['EXIT', 'ERR', 'DEBUG', 'RETURN'].includes(name) ? undefined : signalNumber(name)!;
    if (number !== undefined && shell.ignoredAtStart.has(number)) continue;
    if (action === undefined) shell.traps.delete(name);
    else shell.traps.set(name, action);
    if (number === undefined || number === 9 || number === 19) continue;
    try {
      if (action === undefined) {
        shell.process.sigaction(number, 'default');
        if (number === 17) shell.childEnded = true;
      } else if (action === '') shell.process.sigaction(number, 'ignore');
      else
        shell.process.sigaction(number, (signal) => {
          if (signal === 17) shell.childEnded = true;
          shell.pending.push(signal);
        });
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }
  return status;
}

async function umask(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'pS', 'umask [-p] [-S] [mode]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  const now = shell.process.umask;
  const mode = rest[0];
  if (mode === undefined) {
    const symbolic = (['u', 'g', 'o'] as const)
      .map((who, i) => {
        const bits = (~now >> (6 - 3 * i)) & 7;
        return `${who}=${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`;
      })
      .join(',');
    const shown = flags.has('S') ? symbolic : now.toString(8).padStart(4, '0');
    output.chunk(`${flags.has('p') ? `umask ${flags.has('S') ? '-S ' : ''}` : ''}${shown}\n`);
    return 0;
  }
  if (/^[0-9]/.test(mode)) {
    if (!/^[0-7]{1,4}$/.test(mode)) return fail(shell, 'umask', `${mode}: octal number out of range`);
    shell.process.umask = Number.parseInt(mode, 8);
    return 0;
  }
  let allowed = ~now & 0o777;
  for (const clause of mode.split(',')) {
    const hit = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (!hit)
      return fail(shell, 'umask', `\`${clause.replace(/^[ugoa]*/, '')[0] ?? ''}': invalid symbolic mode operator`);
    const who = hit[1] === '' || hit[1]!.includes('a') ? 'ugo' : hit[1]!;
    let bits = 0;
    for (const letter of hit[3]!) bits |= letter === 'r' ? 4 : letter === 'w' ? 2 : letter === 'x' ? 1 : 0;
    for (const one of who) {
      const shiftBy = one === 'u' ? 6 : one === 'g' ? 3 : 0;
      if (hit[2] === '+') allowed |= bits << shiftBy;
      else if (hit[2] === '-') allowed &= ~(bits << shiftBy);
      else allowed = (allowed & ~(7 << shiftBy)) | (bits << shiftBy);
    }
  }
  shell.process.umask = ~allowed & 0o777;
  return 0;
}

const LIMITS: readonly (readonly [string, string, string, string])[] = [
  ['R', 'real-time non-blocking time', 'microseconds, -R', 'unlimited'],
  ['c', 'core file size', 'blocks, -c', '0'],
  ['d', 'data seg size', 'kbytes, -d', 'unlimited'],
  ['e', 'scheduling priority', '-e', '0'],
  ['f', 'file size', 'blocks, -f', 'unlimited'],
  ['i', 'pending signals', '-i', '3847'],
  ['l', 'max locked memory', 'kbytes, -l', '8192'],
  ['m', 'max memory size', 'kbytes, -m', 'unlimited'],
  ['n', 'open files', '-n', '1024'],
  ['p', 'pipe size', '512 bytes, -p', '8'],
  ['q', 'POSIX message queues', 'bytes, -q', '819200'],
  ['r', 'real-time priority', '-r', '0'],
  ['s', 'stack size', 'kbytes, -s', '8192'],
  ['t', 'cpu time', 'seconds, -t', 'unlimited'],
  ['u', 'max user processes', '-u', '3847'],
  ['v', 'virtual memory', 'kbytes, -v', 'unlimited'],
  ['x', 'file locks', '-x', 'unlimited'],
];

async function ulimit(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const parsed = await options(shell, argv, 'SHacdefilmnpqrstuvxR', 'ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]');
  if (!parsed) return 2;
  const { flags, rest } = parsed;
  if (flags.has('a')) {
    for (const [, text, unit, value] of LIMITS)
      output.chunk(`${text.padEnd(28)}(${unit}) ${value}\n`.replace(/ {2,}\(/, (gap) => gap));
    return 0;
  }
  const letters = [...flags.keys()].filter((letter) => letter !== 'S' && letter !== 'H');
  const letter = letters[0] ?? 'f';
  const row = LIMITS.find((one) => one[0] === letter)!;
  if (rest.length === 0) {
    output.chunk(`${shell.limits.get(letter) ?? row[3]}\n`);
    return 0;
  }
  const value = rest[0]!;
  if (!/^([0-9]+|unlimited|hard|soft)$/.test(value)) return fail(shell, 'ulimit', `${value}: invalid number`);
  // limits that nothing of this world could run into may be set; others would silently not hold
  if (letter === 'c' || value === 'unlimited' || value === 'hard' || value === 'soft') {
    if (/^[0-9]|unl/.test(value)) shell.limits.set(letter, value);
    return 0;
  }
  return fail(shell, 'ulimit', `${row[1]}: cannot modify limit: Function not implemented`);
}

async function times(_shell: Shell, _argv: readonly string[], output: BuiltinOutput): Promise<number> {
  output.chunk('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n');
  return 0;
}

async function caller(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const frames = shell.frames;
  const level = argv[1] === undefined ? 0 : Number(argv[1]);
  const frame = frames.at(-1 - level);
  if (!frame || frame.kind === 'main') return 1;
  const outer = frames.at(-2 - level);
  const file = outer?.file ?? 'NULL';
  if (argv[1] === undefined) output.chunk(`${frame.line} ${file}\n`);
  else {
    if (!outer) return 1;
    output.chunk(`${frame.line} ${outer.name} ${file}\n`);
  }
  return 0;
}

async function alias(shell: Shell, argv: readonly string[]): Promise<number> {
  let status = 0;
  for (const word of argv.slice(1)) {
    if (word === '-p' || word.includes('=')) continue;
    status = await fail(shell, 'alias', `${word}: not found`);
  }
  return status;
}

async function unalias(shell: Shell, argv: readonly string[]): Promise<number> {
  let status = 0;
  for (const word of argv.slice(1)) if (word !== '-a') status = await fail(shell, 'unalias', `${word}: not found`);
  return status;
}

const nothing: Builtin = async () => 0;

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', nothing],
  ['.', source],
  ['[', test],
  ['alias', alias],
  ['bg', noJobControl],
  ['break', jump],
  ['builtin', builtin],
  ['caller', caller],
  ['cd', cd],
  ['command', command],
  ['continue', jump],
  ['declare', declare],
  ['dirs', dirs],
  ['disown', disown],
  ['echo', echo],
  ['enable', enable],
  ['eval', evaluateText],
  ['exec', exec],
  ['exit', exit],
  ['export', declare],
  ['false', async () => 1],
  ['fg', noJobControl],
  ['getopts', getopts],
  ['hash', hash],
  ['jobs', jobs],
  ['kill', kill],
  ['let', letBuiltin],
  ['local', declare],
  ['mapfile', mapfile],
  ['popd', popd],
  ['printf', printf],
  ['pushd', pushd],
  ['pwd', pwd],
  ['read', read],
  ['readarray', mapfile],
  ['readonly', declare],
  ['return', returns],
  ['set', set],
  ['shift', shift],
  ['shopt', shopt],
  ['source', source],
  ['test', test],
  ['times', times],
  ['trap', trap],
  ['true', nothing],
  ['type', type],
  ['typeset', declare],
  ['ulimit', ulimit],
  ['umask', umask],
  ['unalias', unalias],
  ['unset', unset],
  ['wait', wait],
]);
