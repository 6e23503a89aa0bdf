/**
 * Reads and runs a text as bash does: one complete command at a time (all that a logical line holds), so that what stands before a
 * syntax error has run when it is noticed.
 */
import { type ParsedScript, parse, type Statement } from 'unbash';
import { execute } from './execute.ts';
import { Discard, ShellExit } from './flow.ts';
import type { Shell } from './shell.ts';
import { Source } from './source.ts';

/** The commands of a line: they are read together. */
function groups(tree: ParsedScript, text: string): Statement[][] {
  const out: Statement[][] = [];
  let last: Statement | undefined;
  for (const statement of tree.commands) {
    if (last !== undefined && !text.slice(last.end, statement.pos).includes('\n')) out.at(-1)!.push(statement);
    else out.push([statement]);
    last = statement;
  }
  return out;
}

const grouped = new WeakMap<ParsedScript, Statement[][]>();

/**
 * Runs a source in this shell. `name` is what syntax errors are told of: `bash: -c`, `FILE`; `nested`: it is part of a command that
 * runs, as `eval` is. The status of the last command.
 */
export async function runSource(
  shell: Shell,
  given: Source,
  name = `${shell.errorName}: command substitution`,
  nested = false,
): Promise<number> {
  const { source: outer, contextLine, ignoreErrexit, loops } = shell;
  let source = given;
  shell.source = source;
  try {
    const { tree, text } = source;
    let list = grouped.get(tree);
    if (!list) {
      list = groups(tree, text);
      grouped.set(tree, list);
    }
    const error = tree.errors?.length ? tree.errors.reduce((a, b) => (b.pos < a.pos ? b : a)) : undefined;
    const errorLine = error === undefined ? Number.POSITIVE_INFINITY : given.line(Math.min(error.pos, text.length));
    let verboseFrom = 0;
    if (list.length === 0 && error === undefined) shell.status = 0;
    for (const [i, group] of list.entries()) {
      const end = group.at(-1)!.end;
      const last = i === list.length - 1;
      if (error !== undefined) {
        if (error.pos <= end || given.line(Math.max(0, end - 1)) >= errorLine) break;
        // what is open ends nobody knows where: is it complete as it stands?
        const from = group[0]!.pos;
        const next = text.indexOf('\n', end);
        if ((last || list[i + 1]![0]!.pos > error.pos) && parse(text.slice(from, next < 0 ? undefined : next)).errors)
          break;
      }
      const newline = text.indexOf('\n', end);
      const lineEnd = newline < 0 ? text.length : newline;
      if (shell.option('v')) await shell.complain(text.slice(verboseFrom, lineEnd));
      verboseFrom = lineEnd + 1;
      const endLine = source.line(Math.max(0, end - 1));
      shell.contextLine = endLine;
      try {
        await runGroup(shell, group, last && error === undefined && isAtEnd(text, end));
      } catch (thrown) {
        if (!(thrown instanceof Discard) || shell.subshell > 0) throw thrown;
        shell.status = thrown.status;
        shell.ignoreErrexit = ignoreErrexit;
        shell.loops = loops;
        // bash goes on counting lines from where it was thrown out
        if (!nested) source = source.from(source.firstLine + shell.line - endLine);
      }
      shell.source = source;
    }
    if (error !== undefined) {
      await syntaxError(shell, source, error, name);
      shell.status = 2;
      if (name.endsWith('command substitution')) throw new ShellExit(1);
    }
    return shell.status;
  } finally {
    shell.source = outer;
    if (nested) shell.contextLine = contextLine;
  }
}

/** Is nothing left to read after the line that ends here? */
function isAtEnd(text: string, end: number): boolean {
  const newline = text.indexOf('\n', end);
  return newline < 0 || newline === text.length - 1;
}

async function runGroup(shell: Shell, group: readonly Statement[], last: boolean): Promise<void> {
  for (const [i, statement] of group.entries()) {
    const final = i === group.length - 1;
    let exec = false;
    if (last && final && shell.oneShot && !statement.background && shell.runningTrap === undefined) {
      const { command } = statement;
      // a connection whose second is a simple command, or a simple command alone
      exec = command.type === 'Command' || (command.type === 'AndOr' && group.length === 1);
    }
    await execute(shell, statement, exec ? 'last' : 'no');
  }
}

/** Runs a string as `eval` and traps do. */
export async function runString(shell: Shell, text: string, line: number, name = 'eval'): Promise<number> {
  const oneShot = shell.oneShot;
  shell.oneShot = false;
  const status = await runSource(shell, new Source(text, line), `${shell.errorName}: ${name}`, true);
  shell.oneShot = oneShot;
  return status;
}

const UNTERMINATED: Readonly<Record<string, string>> = {
  'double quote': '"',
  'single quote': "'",
  'ANSI-C quote': "'",
  backtick: '`',
  'command substitution': ')',
  'process substitution': ')',
  'parameter expansion': '}',
  'arithmetic expansion': ')',
  'arithmetic command': ')',
};

/** The message of a syntax error, of two lines where bash shows the line. */
async function syntaxError(
  shell: Shell,
  source: Source,
  error: { message: string; pos: number },
  name: string,
): Promise<void> {
  const { text } = source;
  const lastLine = source.line(text.length) + (text.endsWith('\n') ? 0 : 1);
  const open = /^unterminated (.*)$/.exec(error.message);
  if (open && UNTERMINATED[open[1]!]) {
    const line = source.line(error.pos);
    await shell.complain(
      `${name}: line ${line}: unexpected EOF while looking for matching \`${UNTERMINATED[open[1]!]}'`,
    );
    return;
  }
  const rest = text.slice(error.pos);
  if (/^[ \t\n]*$/.test(rest)) {
    await shell.complain(`${name}: line ${lastLine}: syntax error: unexpected end of file`);
    return;
  }
  const token =
    /^[ \t]*(\n|;;&|;;|;&|&&|\|\||\|&|<<<|<<-?|>>|<&|>&|<>|>\||&>>?|[;&|()<>]|[^ \t\n;&|()<>]+)/.exec(rest)?.[1] ?? '';
  const shown = token === '\n' ? 'newline' : token;
  const line = source.line(error.pos);
  await shell.complain(`${name}: line ${line}: syntax error near unexpected token \`${shown}'`);
  const start = text.lastIndexOf('\n', error.pos - 1) + 1;
  const end = text.indexOf('\n', start);
  await shell.complain(`${name}: line ${line}: \`${text.slice(start, end < 0 ? undefined : end)}'`);
}
