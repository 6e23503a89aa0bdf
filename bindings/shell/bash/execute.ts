/** Execution of the tree: who runs what, in which process. */
import type {
  AndOr,
  Assignment,
  Command,
  CommandNode,
  CompoundCommand,
  CompoundList,
  Coproc,
  Function as FunctionNode,
  Pipeline,
  PipelineNode,
  Redirected,
  Redirection,
  Select,
  Statement,
  Subshell,
  Word,
} from 'unbash';
import { SyscallError } from '../kernel/error.ts';
import type { WaitStatus } from '../kernel/syscalls.ts';
import { type Builtin, builtins } from './builtins.ts';
import { conditional } from './conditional.ts';
import { assignAll, assignmentText, declarationArgument, isDeclaration } from './declarations.ts';
import {
  constantWord,
  expandPattern,
  expandString,
  expandText,
  expandValue,
  expandWord,
  expandWords,
  quickWord,
} from './expand.ts';
import { CommandFailure, Discard, FunctionReturn, LoopJump, ShellExit } from './flow.ts';
import { addJob, knownJobs, notifyForeground } from './jobs.ts';
import { BuiltinOutput } from './output.ts';
import { Pattern } from './patterns.ts';
import { printCommand, printNode } from './printer.ts';
import { runProgram, searchPath } from './programs.ts';
import { traceQuoted } from './quoting.ts';
import { runSource } from './reader.ts';
import { redirect, restore, type Saved } from './redirect.ts';
import type { FunctionDefinition, Shell } from './shell.ts';
import { Source } from './source.ts';
import { exitStatus, finish, forkShell, waitFor } from './subshell.ts';
import { closeSubstitutions } from './substitution.ts';
import { traceLine } from './trace.ts';
import { runPendingTraps, runPseudoTrap } from './traps.ts';
import { IndexedArray, variable } from './variables.ts';

/**
 * May the command's program replace the shell? `no`: it is forked. `last`: it is the last thing that the shell does: yes, unless there
 * are traps or redirections. `yes`: it is all that the process is for.
 */
export type Exec = 'no' | 'last' | 'yes';

/** Runs a statement. */
export async function execute(shell: Shell, statement: Statement, exec: Exec): Promise<number> {
  if (shell.option('n')) return shell.status;
  if (statement.background) {
    await background(shell, statement);
    return shell.status;
  }
  const pause = shell.tick();
  if (pause) await pause;
  return node(shell, statement.command, exec);
}

async function node(shell: Shell, command: PipelineNode | AndOr, exec: Exec): Promise<number> {
  if (command.type === 'AndOr') return andOr(shell, command, exec);
  if (command.type === 'Pipeline') return pipeline(shell, command);
  return single(shell, command, exec);
}

async function list(shell: Shell, commands: CompoundList): Promise<number> {
  let status = 0;
  for (const statement of commands.commands) status = await execute(shell, statement, 'no');
  return status;
}

/** Runs what does not count for `set -e`. */
async function condition(shell: Shell, run: () => Promise<number>): Promise<number> {
  const ignored = shell.ignoreErrexit;
  shell.ignoreErrexit = true;
  try {
    return await run();
  } finally {
    shell.ignoreErrexit = ignored;
  }
}

async function andOr(shell: Shell, command: AndOr, exec: Exec): Promise<number> {
  let status = 0;
  for (const [i, part] of command.commands.entries()) {
    const operator = command.operators[i - 1];
    if (operator === '&&' && status !== 0) continue;
    if (operator === '||' && status === 0) continue;
    const last = i === command.commands.length - 1;
    if (last) status = await node(shell, part, part.type === 'Command' ? exec : 'no');
    else status = await condition(shell, () => node(shell, part, 'no'));
  }
  return status;
}

/** After a command that failed: ERR, and `set -e`. */
async function failed(shell: Shell, status: number): Promise<void> {
  if (status === 0 || shell.ignoreErrexit) return;
  shell.status = status;
  await runPseudoTrap(shell, 'ERR');
  if (shell.option('e')) throw new ShellExit(status);
}

/** Runs one command that is no pipeline. */
async function single(shell: Shell, command: CommandNode, exec: Exec): Promise<number> {
  switch (command.type) {
    case 'Command':
      return simple(shell, command, exec);
    case 'Function':
      return defineFunction(shell, command);
    case 'Coproc':
      return coprocess(shell, command);
    case 'Redirected':
      if (command.command.type === 'Subshell') return subshell(shell, command.command, command.redirects);
      return redirected(shell, command);
    case 'Subshell':
      return subshell(shell, command, []);
    default:
      return compound(shell, command);
  }
}

async function redirected(shell: Shell, command: Redirected): Promise<number> {
  const saved: Saved[] = [];
  const used = shell.processSubstitutions.length;
  shell.line = shell.contextLine;
  try {
    await redirect(shell, command.redirects, saved);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    restore(shell, saved);
    shell.status = error.status;
    await failed(shell, error.status);
    return error.status;
  }
  let status: number;
  try {
    status = await compound(shell, command.command);
  } catch (error) {
    if (error instanceof LoopJump || error instanceof FunctionReturn || error instanceof Discard) {
      restore(shell, saved);
      closeSubstitutions(shell, used);
    }
    throw error;
  }
  restore(shell, saved);
  closeSubstitutions(shell, used);
  return status;
}

async function compound(shell: Shell, command: CompoundCommand): Promise<number> {
  switch (command.type) {
    case 'BraceGroup':
      return list(shell, command.body);
    case 'Subshell':
      return subshell(shell, command, []);
    case 'If': {
      let status = await condition(shell, () => list(shell, command.clause));
      if (status === 0) return list(shell, command.then);
      for (const elif of command.elif) {
        status = await condition(shell, () => list(shell, elif.clause));
        if (status === 0) return list(shell, elif.then);
      }
      if (command.else) return list(shell, command.else);
      shell.status = 0;
      return 0;
    }
    case 'While':
      return loop(shell, undefined, async (body) => {
        for (;;) {
          const status = await body(() => condition(shell, () => list(shell, command.clause)), true);
          if ((status === 0) !== (command.kind === 'while')) break;
          await body(() => list(shell, command.body), false);
        }
      });
    case 'For': {
      shell.line = shell.source.line(command.pos);
      const line = shell.line;
      const name = command.name.text;
      const words = command.wordlist === undefined ? [...shell.positional] : await expandWords(shell, command.wordlist);
      return loop(shell, line, async (body) => {
        for (const word of words) {
          shell.line = line;
          if (shell.option('x')) {
            await traceLine(shell, `for ${name} in ${(command.wordlist ?? []).map((w) => w.text).join(' ')}`);
          }
          await debugTrap(shell, () => `for ${name} in ${(command.wordlist ?? []).map((w) => w.text).join(' ')}`);
          try {
            const v = shell.variables.find(name);
            if (v?.nameref) v.value = word;
            else shell.set(name, word);
          } catch (error) {
            await shell.arithmeticFailed(error);
          }
          await body(() => list(shell, command.body), false);
        }
      });
    }
    case 'ArithmeticFor': {
      const line = shell.source.line(command.pos);
      shell.line = line;
      const text = (expression: { pos: number; end: number } | undefined) =>
        expression === undefined ? undefined : shell.source.text.slice(expression.pos, expression.end);
      const run = async (expression: string | undefined, otherwise: bigint) => {
        if (expression === undefined) return otherwise;
        shell.line = line;
        if (shell.option('x')) await traceLine(shell, `(( ${expression} ))`);
        return shell.calculate(await expandText(shell, expression, 'arithmetic'), '((: ');
      };
      const [initialize, test, update] = [text(command.initialize), text(command.test), text(command.update)];
      await run(initialize, 1n);
      return loop(shell, undefined, async (body) => {
        while ((await run(test, 1n)) !== 0n) {
          await body(() => list(shell, command.body), false);
          await run(update, 1n);
        }
      });
    }
    case 'Select':
      return select(shell, command);
    case 'Case': {
      const caseLine = shell.source.line(command.pos);
      shell.line = caseLine;
      if (shell.option('x')) await traceLine(shell, `case ${command.word.text} in`);
      await debugTrap(shell, () => `case ${command.word.text} in`);
      const value = await expandString(shell, command.word);
      const options = { extended: true, ignoreCase: shell.shopt('nocasematch') };
      let status = 0;
      let fall = false;
      for (const item of command.items) {
        let hit = fall;
        for (const pattern of hit ? [] : item.pattern) {
          const constant = constantWord(shell, pattern);
          if (
            constant !== undefined && !options.ignoreCase
              ? constant === value
              : new Pattern(await expandPattern(shell, pattern), options).matches(value)
          ) {
            hit = true;
            break;
          }
        }
        fall = false;
        if (!hit) continue;
        const { contextLine } = shell;
        shell.contextLine = caseLine;
        try {
          status = item.body.commands.length === 0 ? 0 : await list(shell, item.body);
        } finally {
          shell.contextLine = contextLine;
        }
        if (item.terminator === ';&') fall = true;
        else if (item.terminator !== ';;&') break;
      }
      shell.status = status;
      return status;
    }
    case 'TestCommand': {
      shell.line = shell.source.line(command.pos);
      const { source } = shell;
      const text = () => printNode(command, source);
      await debugTrap(shell, text);
      if (shell.runningTrap === undefined) shell.lastCommand = text;
      const status = await conditional(shell, command.expression);
      shell.status = status;
      await failed(shell, status);
      return status;
    }
    case 'ArithmeticCommand': {
      shell.line = shell.source.line(command.pos);
      const { body } = command;
      if (shell.runningTrap === undefined) shell.lastCommand = () => `((${body}))`;
      await debugTrap(shell, () => `((${body}))`);
      const text = await expandText(shell, body, 'arithmetic');
      if (shell.option('x')) await traceLine(shell, `(( ${text} ))`);
      let status: number;
      try {
        status = (await shell.calculate(text, '((: ')) === 0n ? 1 : 0;
      } catch (error) {
        if (!(error instanceof Discard)) throw error;
        status = 1;
      }
      shell.status = status;
      await failed(shell, status);
      return status;
    }
  }
}

/**
 * A loop at a line (undefined: that does not matter to messages, as of `while`): `run` calls its argument for each part of a turn; `break` and `continue` are caught here. The status of the last body.
 */
async function loop(
  shell: Shell,
  line: number | undefined,
  run: (body: (part: () => Promise<number>, test: boolean) => Promise<number>) => Promise<void>,
): Promise<number> {
  let status = 0;
  const { contextLine } = shell;
  if (line !== undefined) shell.contextLine = line;
  shell.loops++;
  try {
    await run(async (part, test) => {
      try {
        const result = await part();
        if (!test) status = result;
        return result;
      } catch (error) {
        if (error instanceof LoopJump && error.kind === 'continue' && error.levels <= 1) {
          status = 0;
          return 0;
        }
        throw error;
      }
    });
  } catch (error) {
    if (!(error instanceof LoopJump)) throw error;
    if (error.levels > 1) {
      error.levels--;
      throw error;
    }
    status = 0;
  } finally {
    shell.loops--;
    shell.contextLine = contextLine;
  }
  shell.status = status;
  return status;
}

async function select(shell: Shell, command: Select): Promise<number> {
  shell.line = shell.source.line(command.pos);
  const words = command.wordlist === undefined ? [...shell.positional] : await expandWords(shell, command.wordlist);
  if (words.length === 0) {
    shell.status = 0;
    return 0;
  }
  const menu = async () => {
    const columns = Number(shell.get('COLUMNS') ?? 80) || 80;
    const width = String(words.length).length;
    const longest = Math.max(...words.map((word) => word.length));
    const cell = longest + width + 2 + 2;
    const perRow = Math.max(1, Math.floor(columns / cell));
    const rows = words.length <= 1 ? 1 : Math.ceil(words.length / (perRow || 1));
    const lines: string[] = [];
    const useRows = rows === 1 ? words.length : rows;
    for (let row = 0; row < useRows; row++) {
      let line = '';
      for (let i = row; i < words.length; i += useRows) {
        const text = `${String(i + 1).padStart(width)}) ${words[i]}`;
        line += i + useRows < words.length ? text.padEnd(cell) : text;
      }
      lines.push(line);
    }
    await shell.complain(lines.join('\n'));
  };
  let failedRead = false;
  const status = await loop(shell, shell.line, async (body) => {
    await menu();
    for (;;) {
      await shell.write(2, shell.get('PS3') ?? '#? ');
      const read = builtins.get('read')!;
      const output = new BuiltinOutput(shell);
      const ended = await read(shell, ['read', '-r'], output);
      if (ended !== 0) {
        await shell.write(1, '\n');
        failedRead = true;
        return;
      }
      const reply = shell.get('REPLY') ?? '';
      if (reply === '') {
        await menu();
        continue;
      }
      const n = /^[0-9]+$/.test(reply.trim()) ? Number(reply) : 0;
      shell.set(command.name.text, words[n - 1] ?? '');
      await body(() => list(shell, command.body), false);
    }
  });
  if (failedRead) shell.status = 1;
  return failedRead ? 1 : status;
}

function defineFunction(shell: Shell, command: FunctionNode): Promise<number> | number {
  const name = command.name.text;
  const old = shell.functions.get(name);
  const run = async () => {
    if (old?.readonly) {
      await shell.error(`${name}: readonly function`);
      shell.status = 1;
      return 1;
    }
    const definition: FunctionDefinition = {
      node: command,
      source: shell.source,
      file: shell.frames.at(-1)?.file || 'environment',
      line: shell.source.line(command.body.pos),
      exported: old?.exported ?? false,
      readonly: false,
    };
    shell.functions.set(name, definition);
    shell.status = 0;
    return 0;
  };
  return run();
}

/** `( … )`: a process; what is the last in it need not be forked again. */
async function subshell(shell: Shell, command: Subshell, redirects: readonly Redirection[]): Promise<number> {
  const { source } = shell;
  if (shell.runningTrap === undefined) shell.lastCommand = () => printNode(command, source);
  const child = await forkShell(shell, (inner) => subshellBody(inner, command, redirects));
  shell.line = source.line(command.end - 1);
  const text = () =>
    redirects.length > 0
      ? printNode({ ...command, type: 'Redirected', command, redirects } as unknown as Redirected, shell.source)
      : printNode(command, shell.source);
  return foreground(shell, [{ pid: child.pid, text: '' }], text);
}

/** What runs in the process of `( … )`. */
async function subshellBody(
  inner: Shell,
  command: Subshell,
  redirects: readonly Redirection[],
  piped = false,
): Promise<number> {
  inner.loops = 0;
  inner.inputGiven = piped || redirectsInput(redirects);
  inner.contextLine = inner.source.line(command.end - 1);
  inner.line = inner.contextLine;
  try {
    await redirect(inner, redirects, null);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return 1;
  }
  const { commands } = command.body;
  const only = commands.length === 1 && !commands[0]!.background ? commands[0]!.command : undefined;
  if (only?.type === 'Command') return simple(inner, only, 'yes');
  if (only?.type === 'Subshell') return subshellBody(inner, only, []);
  let status = 0;
  for (const [i, statement] of commands.entries()) {
    const last = i === commands.length - 1 && !statement.background;
    const type = statement.command.type;
    const exec = last && (type === 'Command' || (type === 'AndOr' && commands.length === 1));
    status = await execute(inner, statement, exec ? 'last' : 'no');
  }
  return status;
}

/** Waits for the processes of a foreground command; `$?` and PIPESTATUS are theirs. */
async function foreground(
  shell: Shell,
  processes: readonly { pid: number; text: string }[],
  text: () => string,
  errexit = true,
): Promise<number> {
  const ended: { pid: number; text: string; status: WaitStatus | undefined }[] = [];
  for (const { pid, text: own } of processes) ended.push({ pid, text: own, status: await waitFor(shell, pid) });
  const status = exitStatus(ended.at(-1)!.status!);
  shell.pipeStatus = ended.map((process) => exitStatus(process.status!));
  shell.status = status;
  await notifyForeground(shell, ended, text);
  if (shell.pending.length > 0) await runPendingTraps(shell);
  if (errexit) await failed(shell, status);
  return status;
}

// ------------------------------------------------------------------------------------------------ pipelines

async function pipeline(shell: Shell, command: Pipeline): Promise<number> {
  const timed = command.prefixes.find((prefix) => prefix.type === 'Time');
  const inverted = command.prefixes.filter((prefix) => prefix.type === 'Negation').length % 2 === 1;
  const run = async (): Promise<number> => {
    if (command.commands.length === 0) {
      shell.status = 0;
      return 0;
    }
    if (command.commands.length === 1) return single(shell, command.commands[0]!, 'no');
    return pipes(shell, command, inverted);
  };
  const start = shell.process.now;
  const negated = command.prefixes.some((prefix) => prefix.type === 'Negation');
  let status = negated ? await condition(shell, run) : await run();
  if (inverted) status = status === 0 ? 1 : 0;
  if (timed) await showTime(shell, shell.process.now - start, timed.type === 'Time' && timed.posix !== undefined);
  shell.status = status;
  return status;
}

async function showTime(shell: Shell, ns: bigint, posix: boolean): Promise<void> {
  const seconds = Number(ns / 1_000_000n) / 1000;
  const long = (s: number) => `${Math.floor(s / 60)}m${(s % 60).toFixed(3)}s`;
  if (posix) {
    await shell.complain(`real ${seconds.toFixed(2)}\nuser ${(0).toFixed(2)}\nsys ${(0).toFixed(2)}`);
    return;
  }
  const format = shell.get('TIMEFORMAT') ?? '\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS';
  if (format === '') return;
  const text = format.replace(/%(?:(%)|(P)|([0-9])?(l?)([RUS]))/g, (_, percent, share, digits, length, which) => {
    if (percent) return '%';
    if (share) return '0.00';
    const value = which === 'R' ? seconds : 0;
    const places = Math.min(3, digits === undefined ? 3 : Number(digits));
    return length
      ? places === 3
        ? long(value)
        : `${Math.floor(value / 60)}m${(value % 60).toFixed(places)}s`
      : value.toFixed(places);
  });
  await shell.complain(text);
}

/** Do redirections give standard input? */
function redirectsInput(redirects: readonly Redirection[]): boolean {
  return redirects.some(
    ({ operator, descriptor }) =>
      operator.startsWith('<') &&
      (descriptor === undefined || (descriptor.type === 'FileDescriptor' && descriptor.value === 0)),
  );
}

/** Runs one part of a pipeline in the process made for it; `piped`: its input is a pipe. */
async function pipePart(inner: Shell, command: CommandNode, piped = false): Promise<number> {
  if (command.type === 'Command') return simple(inner, command, 'yes');
  if (command.type === 'Subshell') return subshellBody(inner, command, [], piped);
  if (command.type === 'Redirected') {
    if (command.command.type === 'Subshell') return subshellBody(inner, command.command, command.redirects, piped);
    inner.inputGiven = piped || redirectsInput(command.redirects);
  } else inner.inputGiven = piped;
  return single(inner, command, 'no');
}

/** Forks the parts of a pipeline, all but the last if that is to run here; their pids. */
async function forkParts(
  shell: Shell,
  command: Pipeline,
  options: { background: boolean; lastHere: boolean },
): Promise<{ pids: { pid: number; text: string }[]; input: number | undefined }> {
  const { process } = shell;
  const pids: { pid: number; text: string }[] = [];
  let input: number | undefined;
  const count = command.commands.length;
  for (const [i, part] of command.commands.entries()) {
    const last = i === count - 1;
    if (last && options.lastHere) break;
    const pipe = last ? undefined : process.pipe();
    const from = input;
    const errorsToo = command.operators[i] === '|&';
    if (part.type === 'Command') shell.line = lineOf(shell, part);
    const text = printNode(part, shell.source);
    // execute_subshell_builtin_or_function(): all but `jobs` forget them
    const known = part.type === 'Command' && part.name?.text === 'jobs' && !options.background ? knownJobs(shell) : [];
    const child = await forkShell(shell, async (inner) => {
      inner.loops = 0;
      inner.inheritedJobs = known;
      if (options.background && i === 0) await detach(inner, part);
      else if (options.background) ignoreInterrupts(inner);
      if (from !== undefined) {
        inner.process.dup2(from, 0);
        inner.process.close(from);
      }
      if (pipe !== undefined) {
        inner.process.close(pipe[0]);
        inner.process.dup2(pipe[1], 1);
        inner.process.close(pipe[1]);
        if (errorsToo) inner.process.dup2(1, 2);
      }
      return pipePart(inner, part, from !== undefined);
    });
    pids.push({ pid: child.pid, text: errorsToo ? `${text} 2>&1` : text });
    if (from !== undefined) process.close(from);
    if (pipe !== undefined) process.close(pipe[1]);
    input = pipe?.[0];
  }
  return { pids, input };
}

async function pipes(shell: Shell, command: Pipeline, inverted: boolean): Promise<number> {
  const lastHere = shell.shopt('lastpipe');
  const { pids, input } = await forkParts(shell, command, { background: false, lastHere });
  const text = () => command.commands.map((part) => printNode(part, shell.source)).join(' | ');
  if (!lastHere) {
    await foreground(shell, pids, text, false);
  } else {
    const { process } = shell;
    const saved = process.isOpen(0) ? process.dupAbove(0, 10) : undefined;
    if (saved !== undefined) process.setCloseOnExec(saved, true);
    process.dup2(input!, 0);
    if (input !== 0) process.close(input!);
    const own = await condition(shell, () => single(shell, command.commands.at(-1)!, 'no'));
    if (saved === undefined) process.close(0);
    else {
      process.dup2(saved, 0);
      process.close(saved);
    }
    await foreground(shell, pids, text, false);
    shell.pipeStatus = [...shell.pipeStatus, own];
    shell.status = own;
  }
  let status = shell.pipeStatus.at(-1)!;
  if (shell.pipefail) status = shell.pipeStatus.findLast((one) => one !== 0) ?? 0;
  shell.status = status;
  if (!inverted) await failed(shell, status);
  return status;
}

// ------------------------------------------------------------------------------------------------ background

function ignoreInterrupts(inner: Shell): void {
  inner.process.sigaction(2, 'ignore');
  inner.process.sigaction(3, 'ignore');
}

/** What `&` without job control means for a child: no interrupts, no input unless redirected. */
async function detach(inner: Shell, command: PipelineNode | AndOr): Promise<void> {
  ignoreInterrupts(inner);
  const redirects = command.type === 'Command' || command.type === 'Redirected' ? command.redirects : [];
  const given = inner.inputGiven || redirectsInput(redirects);
  if (given) return;
  try {
    const fd = await inner.process.open('/dev/null', { read: true });
    if (fd !== 0) {
      inner.process.dup2(fd, 0);
      inner.process.close(fd);
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

async function background(shell: Shell, statement: Statement): Promise<void> {
  const { command } = statement;
  const text = printNode(command, shell.source);
  if (command.type === 'Command') shell.line = lineOf(shell, command);
  if (command.type === 'Pipeline' && command.commands.length > 1 && command.prefixes.length === 0) {
    const { pids } = await forkParts(shell, command, { background: true, lastHere: false });
    addJob(shell, pids, text);
  } else {
    const child = await forkShell(shell, async (inner) => {
      inner.loops = 0;
      await detach(inner, command);
      if (command.type === 'AndOr' || command.type === 'Pipeline') return node(inner, command, 'no');
      return pipePart(inner, command);
    });
    addJob(shell, [{ pid: child.pid, text }], text);
  }
  shell.status = 0;
}

async function coprocess(shell: Shell, command: Coproc): Promise<number> {
  const name = command.name?.text ?? 'COPROC';
  const { process } = shell;
  const output = process.pipe();
  const input = process.pipe();
  const body = command.body;
  const child = await forkShell(shell, async (inner) => {
    inner.process.dup2(input[0], 0);
    inner.process.dup2(output[1], 1);
    for (const fd of [...input, ...output]) inner.process.close(fd);
    if (body.type === 'CompoundList') return list(inner, body);
    return pipePart(inner, body);
  });
  process.close(output[1]);
  process.close(input[0]);
  const ends = [output[0], input[1]].map((fd) => {
    let to = 63;
    while (process.isOpen(to)) to--;
    process.dup2(fd, to);
    process.close(fd);
    process.setCloseOnExec(to, true);
    return to;
  });
  shell.setArray(name, IndexedArray.from(ends.map(String)));
  shell.set(`${name}_PID`, String(child.pid));
  const text = body.type === 'CompoundList' ? '' : printNode(body, shell.source);
  addJob(shell, [{ pid: child.pid, text: `coproc ${name} ${text}` }], `coproc ${name} ${text}`);
  shell.status = 0;
  return 0;
}

// ------------------------------------------------------------------------------------------------ simple commands

const linePositions = new WeakMap<Command, number>();

/** The line that bash gives a simple command: where the reader was when it knew that one begins, a token after the first. */
function lineOf(shell: Shell, command: Command): number {
  let at = linePositions.get(command);
  if (at === undefined) {
    const elements = [...command.prefix, ...(command.name ? [command.name] : []), ...command.suffix];
    const [first, second] = elements;
    const at0 = (element: (typeof elements)[number]) =>
      'operator' in element ? element.pos : Math.max(element.pos, element.end - 1);
    at = second ? at0(second) : first ? at0(first) : command.pos;
    linePositions.set(command, at);
  }
  return shell.source.line(at);
}

async function debugTrap(shell: Shell, text: () => string): Promise<void> {
  if (!shell.traps.get('DEBUG') || shell.runningTrap === 'DEBUG') return;
  if (shell.runningTrap === undefined) shell.lastCommand = text;
  await runPseudoTrap(shell, 'DEBUG');
}

async function simple(shell: Shell, command: Command, exec: Exec): Promise<number> {
  if (shell.pending.length > 0) await runPendingTraps(shell);
  shell.line = lineOf(shell, command);
  if (shell.runningTrap === undefined) {
    const source = shell.source;
    shell.lastCommand = () => printCommand(command, source);
  }
  if (shell.traps.size > 0) await debugTrap(shell, shell.lastCommand);
  const used = shell.processSubstitutions.length;
  let status: number;
  try {
    status = await simpleParts(shell, command, exec);
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    status = error.status;
  }
  if (shell.processSubstitutions.length > used) closeSubstitutions(shell, used);
  if (shell.heap.unsettled) await shell.heap.settle(shell);
  shell.status = status;
  shell.pipeStatus = [status];
  if (shell.pending.length > 0) await runPendingTraps(shell);
  if (status !== 0) await failed(shell, status);
  return status;
}

function isAssignment(item: { type: string }): item is Assignment {
  return item.type === 'Assignment';
}

const NONE: readonly Assignment[] = [];

async function simpleParts(shell: Shell, command: Command, exec: Exec): Promise<number> {
  const assignments = command.prefix.length === 0 ? NONE : command.prefix.filter(isAssignment);
  const redirects = command.redirects;
  shell.substitutionStatus = undefined;
  if (command.name === undefined) {
    return assignmentsOnly(shell, assignments, redirects);
  }
  const argv: string[] = [];
  const first = quickWord(shell, command.name);
  if (first === undefined) await expandWord(shell, command.name, argv);
  else argv.push(first);
  // declarations take assignments as arguments
  let declares = isDeclaration(argv[0]);
  if (declares && (argv[0] === 'command' || argv[0] === 'builtin')) declares = false;
  for (const argument of command.args) {
    if (argument.type === 'Word') {
      if (declares && /^[A-Za-z_][A-Za-z0-9_]*(\[.*\])?\+?=/s.test(argument.text)) {
        await declarationArgument(shell, argument, argv);
      } else {
        const text = quickWord(shell, argument);
        if (text === undefined) await expandWord(shell, argument, argv);
        else argv.push(text);
      }
    } else if (declares && argument.value.type === 'Word') {
      await declarationArgument(shell, argument, argv);
    } else if (declares) {
      shell.declarationValues.set(argv.length, argument);
      argv.push(await assignmentText(shell, argument));
    } else {
      const word = {
        type: 'Word',
        text: argument.text,
        value: argument.text,
        pos: argument.pos,
        end: argument.end,
      } as Word;
      await expandWord(shell, pseudoWord(argument, word), argv);
    }
  }
  if (argv.length === 0) return assignmentsOnly(shell, assignments, redirects);
  const name = argv[0]!;
  if (shell.option('x')) {
    for (const assignment of assignments) {
      await traceLine(shell, await assignmentTrace(shell, assignment));
    }
    await traceLine(shell, argv.map(traceQuoted).join(' '));
  }
  const underscore = () => {
    shell.lastArgument = argv.at(-1)!;
  };
  const definition = shell.functions.get(name);
  if (definition) {
    const status = await withRedirects(shell, redirects, () =>
      withAssignments(shell, assignments, () => callFunction(shell, name, definition, argv)),
    );
    underscore();
    return status;
  }
  const builtin = builtins.get(name);
  if (builtin && !shell.disabled.has(name)) {
    if (name === 'exec' && argv.length === 1) {
      try {
        await redirect(shell, redirects, null);
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        return 1;
      }
      await assignAll(shell, assignments);
      return 0;
    }
    if (name === 'exec') {
      await redirect(shell, redirects, null);
      shell.execEnvironment = await temporaryEnvironment(shell, assignments);
      return builtin(shell, argv, new BuiltinOutput(shell));
    }
    shell.execPermitted = exec !== 'no' && mayExec(shell, exec, redirects);
    const values = shell.declarationValues;
    const status = await withRedirects(shell, redirects, () =>
      withAssignments(shell, assignments, () => runBuiltin(shell, builtin, argv)),
    );
    values.clear();
    shell.execPermitted = false;
    underscore();
    return status;
  }
  const status = await external(shell, command, argv, assignments, redirects, exec);
  underscore();
  return status;
}

const pseudoWords = new WeakMap<Assignment, Word>();
function pseudoWord(assignment: Assignment, word: Word): Word {
  const known = pseudoWords.get(assignment);
  if (known) return known;
  pseudoWords.set(assignment, word);
  return word;
}

async function assignmentTrace(shell: Shell, assignment: Assignment): Promise<string> {
  const left = `${assignment.name}${assignment.index ? `[${assignment.index.text}]` : ''}${assignment.append ? '+=' : '='}`;
  if (assignment.value.type === 'ArrayValue') {
    return `${left}(${assignment.value.elements.map((element) => element.text).join(' ')})`;
  }
  const value = await expandValue(shell, assignment.value);
  return left + (value === '' ? '' : traceQuoted(value));
}

async function assignmentsOnly(
  shell: Shell,
  assignments: readonly Assignment[],
  redirects: readonly Redirection[],
): Promise<number> {
  await assignAll(shell, assignments);
  if (redirects.length > 0) {
    const saved: Saved[] = [];
    try {
      await redirect(shell, redirects, saved);
    } catch (error) {
      if (isShellError(error)) restore(shell, saved);
      throw error;
    }
    restore(shell, saved);
  }
  if (assignments.length > 0) shell.lastArgument = '';
  return shell.substitutionStatus ?? 0;
}

/** Runs with redirections that are taken back afterwards. */
async function withRedirects(
  shell: Shell,
  redirects: readonly Redirection[],
  run: () => Promise<number>,
): Promise<number> {
  if (redirects.length === 0) return run();
  const saved: Saved[] = [];
  try {
    await redirect(shell, redirects, saved);
  } catch (error) {
    if (error instanceof CommandFailure) restore(shell, saved);
    throw error;
  }
  let status: number;
  try {
    status = await run();
  } catch (error) {
    // a process that ends closes its files itself
    if (isShellError(error)) restore(shell, saved);
    throw error;
  }
  restore(shell, saved);
  return status;
}

/** Is this thrown by the shell itself, so that it goes on? */
function isShellError(error: unknown): boolean {
  return (
    error instanceof LoopJump ||
    error instanceof FunctionReturn ||
    error instanceof CommandFailure ||
    error instanceof Discard ||
    error instanceof ShellExit
  );
}

/** Runs with assignments in a scope of their own. */
async function withAssignments(
  shell: Shell,
  assignments: readonly Assignment[],
  run: () => Promise<number>,
): Promise<number> {
  if (assignments.length === 0) return run();
  const environment = await temporaryEnvironment(shell, assignments);
  const scope = { kind: 'environment' as const, variables: new Map() };
  for (const [name, value] of environment) {
    const v = variable(value, true);
    scope.variables.set(name, v);
  }
  shell.variables.scopes.push(scope);
  try {
    return await run();
  } finally {
    const at = shell.variables.scopes.indexOf(scope);
    if (at >= 0) shell.variables.scopes.splice(at, 1);
  }
}

/** The values of assignments before a command. */
async function temporaryEnvironment(shell: Shell, assignments: readonly Assignment[]): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const assignment of assignments) {
    if (assignment.value.type === 'ArrayValue') {
      values.set(
        assignment.name,
        await assignmentText(shell, assignment).then((text) => text.slice(text.indexOf('=') + 1)),
      );
      continue;
    }
    const value = await expandValue(shell, assignment.value);
    const v = shell.variables.find(assignment.name);
    if (v?.readonly) {
      await shell.error(`${assignment.name}: readonly variable`);
      continue;
    }
    const old = assignment.append ? (values.get(assignment.name) ?? shell.get(assignment.name) ?? '') : '';
    values.set(
      assignment.name,
      v?.integer ? (await shell.calculate(assignment.append ? `${old || 0}+${value}` : value)).toString() : old + value,
    );
  }
  return values;
}

/** Runs a builtin; what it prints is written, and an error of that is its failure. */
export async function runBuiltin(shell: Shell, builtin: Builtin, argv: readonly string[]): Promise<number> {
  const output = new BuiltinOutput(shell);
  let status: number;
  try {
    status = await builtin(shell, argv, output);
  } catch (error) {
    if (isShellError(error)) await output.flush();
    throw error;
  }
  await output.flush();
  if (output.error !== undefined) {
    await shell.error(`${argv[0]}: write error: ${output.error}`);
    return 1;
  }
  return status;
}

/** Functions in functions that the stack of 8 MiB holds (RLIMIT_STACK): about a kilobyte each, as measured in bash 5.2. */
const STACK_LEVELS = 8_300;
const SIGSEGV = 11;

/** Calls a function. */
export async function callFunction(
  shell: Shell,
  name: string,
  definition: FunctionDefinition,
  argv: readonly string[],
): Promise<number> {
  const limit = Number(shell.get('FUNCNEST') ?? 0);
  const own = shell.frames.filter((frame) => frame.kind === 'function').length;
  if (limit > 0 && own >= limit) {
    await shell.error(`${name}: maximum function nesting level exceeded (${limit})`);
    throw new Discard(1);
  }
  if (own >= STACK_LEVELS) {
    shell.process.kill(shell.process.pid, SIGSEGV);
    await shell.process.sleep(0n);
  }
  const { positional, source, loops, line, contextLine } = shell;
  const debug = shell.traps.get('DEBUG');
  const errorTrap = shell.traps.get('ERR');
  const returnTrap = shell.traps.get('RETURN');
  if (!shell.option('T')) {
    shell.traps.delete('DEBUG');
    shell.traps.delete('RETURN');
  }
  if (!shell.option('E')) shell.traps.delete('ERR');
  shell.positional = argv.slice(1);
  shell.contextLine = definition.line;
  shell.source = definition.source;
  shell.loops = 0;
  shell.frames.push({ kind: 'function', name, file: definition.file, line });
  const scope = { kind: 'function' as const, variables: new Map() };
  shell.variables.scopes.push(scope);
  const { body } = definition.node;
  let status: number;
  const leave = () => {
    shell.positional = positional;
    shell.source = source;
    shell.loops = loops;
    shell.contextLine = contextLine;
    shell.line = line;
    shell.frames.pop();
    shell.variables.scopes.splice(shell.variables.scopes.indexOf(scope), 1);
    if (debug !== undefined && !shell.traps.has('DEBUG')) shell.traps.set('DEBUG', debug);
    if (returnTrap !== undefined && !shell.traps.has('RETURN')) shell.traps.set('RETURN', returnTrap);
    if (errorTrap !== undefined && !shell.traps.has('ERR')) shell.traps.set('ERR', errorTrap);
  };
  try {
    if (body.type === 'CompoundList') status = await list(shell, body);
    else status = await single(shell, body, 'no');
  } catch (error) {
    if (!(error instanceof FunctionReturn)) {
      leave();
      throw error;
    }
    status = error.status;
  }
  shell.status = status;
  try {
    if (shell.traps.get('RETURN')) await runPseudoTrap(shell, 'RETURN');
  } catch (error) {
    leave();
    throw error;
  }
  leave();
  return status;
}

/** May a program take this process over? */
function mayExec(shell: Shell, exec: Exec, redirects: readonly Redirection[]): boolean {
  if (exec === 'no') return false;
  if (exec === 'yes') return shell.traps.get('EXIT') === undefined;
  if (redirects.length > 0 && !shell.oneShotRedirects) return false;
  return ![...shell.traps].some(([name, action]) => action !== '' && !/^(DEBUG|RETURN)$/.test(name));
}

async function external(
  shell: Shell,
  command: Command,
  argv: readonly string[],
  assignments: readonly Assignment[],
  redirects: readonly Redirection[],
  exec: Exec,
): Promise<number> {
  const name = argv[0]!;
  const extra = await temporaryEnvironment(shell, assignments);
  const path = name.includes('/') ? name : await searchPath(shell, name, extra.get('PATH'));
  const text = () => printCommand(command, shell.source);
  const run = async (inner: Shell): Promise<number> => {
    try {
      await redirect(inner, redirects, null);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      return 1;
    }
    const environment = inner.environment();
    for (const [key, value] of extra) environment.set(key, value);
    return runProgram(inner, path, argv, environment);
  };
  if (mayExec(shell, exec, redirects)) return run(shell);
  const source = shell.source;
  const child = await forkShell(shell, run);
  shell.source = source;
  return foreground(shell, [{ pid: child.pid, text: '' }], text, false);
}

/** Runs a function's or script's source in this shell: what `.` does. */
export async function runFile(shell: Shell, text: string, path: string, args: readonly string[]): Promise<number> {
  const { positional, loops, line } = shell;
  shell.frames.push({ kind: 'source', name: 'source', file: path, line });
  if (args.length > 0) shell.positional = [...args];
  const own = shell.positional;
  shell.loops = 0;
  const oneShot = shell.oneShot;
  shell.oneShot = false;
  let status: number;
  const leave = () => {
    shell.frames.pop();
    shell.oneShot = oneShot;
    shell.loops = loops;
    shell.line = line;
    if (args.length > 0 && shell.positional === own) shell.positional = positional;
  };
  try {
    status = await runSource(shell, new Source(text, 1), path);
  } catch (error) {
    leave();
    if (!(error instanceof FunctionReturn)) throw error;
    status = error.status;
    shell.status = status;
    if (shell.option('T')) await runPseudoTrap(shell, 'RETURN');
    return status;
  }
  leave();
  await runPseudoTrap(shell, 'RETURN');
  return status;
}

/** A shell in a process of its own that runs a text: what ENOEXEC of a file makes of it. */
export function runScriptText(shell: Shell, text: string, path: string): Promise<number> {
  return finish(shell, () => runSource(shell, new Source(text, 1), path));
}
