/** bash: the program. */
import { textOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { setOptions } from './builtins.ts';
import { ShellExit } from './flow.ts';
import { BuiltinOutput } from './output.ts';
import { runSource } from './reader.ts';
import { Shell } from './shell.ts';
import { Source } from './source.ts';
import { finish } from './subshell.ts';

async function readAll(process: Process, fd: number): Promise<string> {
  let text = '';
  for (;;) {
    const bytes = await process.read(fd, 65536);
    if (bytes.length === 0) return text;
    text += textOf(bytes);
  }
}

/** `bash [OPTIONS] [FILE [ARGUMENTS]]`, `bash -c STRING [NAME [ARGUMENTS]]`, `bash -s [ARGUMENTS]`. */
export const bash: Program = async (process, argv) => {
  const shell = new Shell(process);
  shell.arg0 = argv[0] ?? 'bash';
  shell.begin(process.env);
  for (let signal = 1; signal <= 64; signal++) {
    if (process.disposition(signal) === 'ignore') shell.ignoredAtStart.add(signal);
  }
  let command = false;
  let standardInput = false;
  let at = 1;
  const set: string[] = ['set'];
  for (; at < argv.length; at++) {
    const argument = argv[at]!;
    if (argument === '--' || argument === '-') {
      at++;
      break;
    }
    if (!/^[-+]./.test(argument)) break;
    if (argument.startsWith('--')) {
      if (argument === '--posix') shell.shopts.set('o:posix', true);
      else if (argument === '--version') {
        await shell.write(1, 'GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\n');
        return 0;
      } else if (!/^--(norc|noprofile|login|verbose)$/.test(argument)) {
        await shell.complain(`${shell.arg0}: ${argument}: invalid option`);
        return 2;
      }
      continue;
    }
    const sign = argument[0]!;
    for (const letter of argument.slice(1)) {
      if (letter === 'c' && sign === '-') command = true;
      else if (letter === 's' && sign === '-') standardInput = true;
      else if (letter === 'l' || letter === 'i' || letter === 'r') {
        if (letter !== 'l') {
          await shell.complain(`${shell.arg0}: -${letter}: invalid option`);
          return 2;
        }
      } else if (letter === 'o' || letter === 'O') {
        const name = argv[++at];
        if (name === undefined) break;
        if (letter === 'o') set.push(`${sign}o`, name);
        else if (shell.shopts.has(name)) shell.shopts.set(name, sign === '-');
        else {
          await shell.complain(`${shell.arg0}: ${name}: invalid shell option name`);
          return 2;
        }
      } else set.push(sign + letter);
    }
  }
  const rest = argv.slice(at);
  if (set.length > 1) {
    const status = await setOptions(shell, set, new BuiltinOutput(shell));
    if (status !== 0) return 2;
  }
  if (command) {
    const text = rest[0];
    if (text === undefined) {
      await shell.complain(`${shell.arg0}: -c: option requires an argument`);
      return 2;
    }
    const name = rest[1];
    if (name !== undefined) shell.arg0 = name;
    shell.positional = rest.slice(2);
    shell.commandString = true;
    shell.oneShot = true;
    return finish(shell, () => runSource(shell, new Source(text, 1), `${shell.errorName}: -c`));
  }
  if (standardInput || rest.length === 0) {
    shell.positional = rest;
    shell.readsStandardInput = true;
    shell.frames.push({ kind: 'main', name: 'main', file: 'main', line: 0 });
    return finish(shell, async () => runSource(shell, new Source(await readAll(process, 0), 1), shell.arg0));
  }
  const path = rest[0]!;
  const { arg0 } = shell;
  let text: string;
  try {
    let where = path;
    if (process.stat(where).type === 'directory') {
      await shell.complain(`${arg0}: ${path}: Is a directory`);
      return 126;
    }
    const fd = await process.open(where, { read: true });
    where = path;
    text = await readAll(process, fd);
    process.close(fd);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    await shell.complain(`${arg0}: ${path}: ${error.message}`);
    return error.errno === 'ENOENT' ? 127 : 126;
  }
  if (text.slice(0, 80).split('\n')[0]!.includes('\0')) {
    await shell.complain(`${path}: ${path}: cannot execute binary file`);
    return 126;
  }
  shell.arg0 = path;
  shell.positional = rest.slice(1);
  shell.frames.push({ kind: 'main', name: 'main', file: path, line: 0 });
  return finish(shell, async () => {
    await runSource(shell, new Source(text, 1), path);
    throw new ShellExit(shell.status);
  });
};
