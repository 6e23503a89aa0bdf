/** mkdir(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf, statOrUndefined } from './command.ts';
import { type ModeChange, parseMode } from './modes.ts';
import { quote, quoteName } from './quote.ts';

async function make(c: Command, path: string, mode: ModeChange | undefined, verbose: boolean): Promise<boolean> {
  const failure = await errorOf(() => c.process.mkdir(path, 0o777));
  if (failure !== undefined) {
    await c.error(`cannot create directory ${quoteName(path)}: ${failure.message}`);
    return false;
  }
  if (mode !== undefined) c.process.chmod(path, mode(0o777, true));
  if (verbose) await c.out.write(`${c.name}: created directory ${quoteName(path)}\n`);
  return true;
}

/** The path and its parents, what is missing of them. */
async function makeAll(c: Command, path: string, mode: ModeChange | undefined, verbose: boolean): Promise<void> {
  const parts = path.split(/(?<=\/)(?=[^/])/);
  let sofar = '';
  for (const [i, part] of parts.entries()) {
    sofar += part;
    const last = i === parts.length - 1;
    const name = last ? sofar : sofar.replace(/\/+$/, '') || '/';
    const stat = statOrUndefined(c.process, name);
    if (stat?.type === 'directory') continue;
    if (stat !== undefined) {
      const error = last ? 'File exists' : 'Not a directory';
      await c.error(`cannot create directory ${quoteName(name)}: ${error}`);
      return;
    }
    if (!(await make(c, name, last ? mode : undefined, verbose))) return;
  }
}

export const mkdir: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('pm:vZ', {
    'mode=': 'm',
    parents: 'p',
    verbose: 'v',
    'context=?': 'Z',
  });
  let parents = false;
  let verbose = false;
  let modeText: string | undefined;
  for (const { key, value } of options) {
    if (key === 'p') parents = true;
    else if (key === 'v') verbose = true;
    else if (key === 'm') modeText = value;
  }
  if (operands.length === 0) c.usage('missing operand');
  const mode = modeText === undefined ? undefined : parseMode(modeText, c.process.umask);
  if (modeText !== undefined && mode === undefined) c.fail(`invalid mode ${quote(modeText)}`);
  for (const name of operands) await (parents ? makeAll : make)(c, name, mode, verbose);
  return undefined;
});
