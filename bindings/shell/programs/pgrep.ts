/** pgrep(1), pkill(1) and pidof(1) of procps */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { idOf, users } from './names.ts';
import { type ProcessEntry, processTable } from './processes.ts';
import { Regex, RegexError } from './regex.ts';
import { signalNumber } from './signal-names.ts';

const USAGE = 2;
const FATAL = 3;

const LONG = {
  ...{
    full: 'f',
    exact: 'x',
    'ignore-case': 'i',
    newest: 'n',
    oldest: 'o',
    inverse: 'v',
    count: 'c',
    'list-name': 'l',
  },
  ...{
    'list-full': 'a',
    'delimiter=': 'd',
    'parent=': 'P',
    'pgroup=': 'g',
    'session=': 's',
    'euid=': 'u',
    'uid=': 'U',
  },
  ...{ 'signal=': 'signal', echo: 'e', 'runstates=': 'r', 'older=': 'O' },
};

async function run(c: Command, kill: boolean): Promise<number> {
  const p = c.process;
  let signal = 15;
  const args = [...c.args];
  if (kill) {
    const at = args.findIndex(
      (arg) => /^-(SIG)?[A-Z][A-Z0-9+-]*$|^-\d+$/.test(arg) && signalNumber(arg.slice(1)) !== undefined,
    );
    if (at >= 0) signal = signalNumber(args.splice(at, 1)[0]!.slice(1))!;
  }
  const { options, operands } = c.parse('acd:efF:g:G:ilnoO:P:r:s:t:u:U:vwx', LONG, args);
  const keys = new Set(options.map(({ key }) => key));
  for (const key of ['r', 'O', 'F', 'G', 't', 'w']) if (keys.has(key)) c.fail(`option -${key} is not supported`, FATAL);
  const list = (key: string) => options.findLast((option) => option.key === key)?.value.split(',');
  const named = options.findLast(({ key }) => key === 'signal')?.value;
  if (named !== undefined) {
    const number = signalNumber(named);
    if (number === undefined) c.fail(`Unknown signal "${named}".`, USAGE);
    signal = number;
  }
  const filters = ['P', 'g', 's', 'u', 'U'].filter((key) => keys.has(key));
  if (operands.length > 1) c.usage('only one pattern can be provided', USAGE);
  if (operands.length === 0 && filters.length === 0) c.usage('no matching criteria specified', USAGE);
  let regex: Regex | undefined;
  if (operands[0] !== undefined)
    try {
      const source = keys.has('x') ? `^(${operands[0]})$` : operands[0];
      regex = new Regex(source, { extended: true, ignoreCase: keys.has('i') });
    } catch (error) {
      if (error instanceof RegexError) c.fail(error.message, USAGE);
      throw error;
    }
  const known = await users(p);
  const ids = (key: string) => list(key)?.map((text) => idOf(known, text));
  const [uids, ruids] = [ids('u'), ids('U')];
  const own = (text: string, value: number) => (text === '0' ? value : Number(text));
  const table = await processTable(p);
  const self = table.find(({ pid }) => pid === p.pid);
  const groups = list('g')?.map((text) => own(text, self?.pgrp ?? 0));
  const sessions = list('s')?.map((text) => own(text, self?.session ?? 0));
  const parents = list('P')?.map(Number);
  let found = table.filter((entry) => {
    if (entry.pid === p.pid) return false;
    const text = keys.has('f') && entry.args.length > 0 ? entry.args.join(' ') : entry.comm;
    const matches =
      (regex === undefined || regex.test(text)) &&
      (uids === undefined || uids.includes(entry.uid)) &&
      (ruids === undefined || ruids.includes(entry.uid)) &&
      (groups === undefined || groups.includes(entry.pgrp)) &&
      (sessions === undefined || sessions.includes(entry.session)) &&
      (parents === undefined || parents.includes(entry.ppid));
    return matches !== keys.has('v');
  });
  const age = (a: ProcessEntry, b: ProcessEntry) => a.starttime - b.starttime || a.pid - b.pid;
  if (keys.has('n')) found = [...found].sort(age).slice(-1);
  if (keys.has('o')) found = [...found].sort(age).slice(0, 1);
  if (kill) {
    for (const entry of found) {
      const failure = await errorOf(() => p.kill(entry.pid, signal));
      if (failure !== undefined) await c.error(`killing pid ${entry.pid} failed: ${failure.message}`);
      else if (keys.has('e')) await c.out.write(`${entry.comm} killed (pid ${entry.pid})\n`);
    }
    if (keys.has('c')) await c.out.write(`${found.length}\n`);
    return found.length > 0 ? 0 : 1;
  }
  if (keys.has('c')) await c.out.write(`${found.length}\n`);
  else {
    const delimiter = list('d')?.join(',') ?? '\n';
    const show = (entry: ProcessEntry) => {
      if (keys.has('a')) return `${entry.pid} ${entry.args.length > 0 ? entry.args.join(' ') : entry.comm}`;
      return keys.has('l') ? `${entry.pid} ${entry.comm}` : String(entry.pid);
    };
    if (found.length > 0) await c.out.write(`${found.map(show).join(delimiter)}\n`);
  }
  return found.length > 0 ? 0 : 1;
}

export const pgrep: Program = command((c) => run(c, false), { trouble: USAGE });
export const pkill: Program = command((c) => run(c, true), { trouble: USAGE });

export const pidof: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('cs:nqxo:S:w', { 'single-shot': 's' });
  const single = options.some(({ key }) => key === 's');
  const omitted = options.filter(({ key }) => key === 'o').map(({ value }) => Number(value));
  const found: number[] = [];
  const table = await processTable(c.process);
  for (const name of operands) {
    const base = name.slice(name.lastIndexOf('/') + 1);
    for (const { pid, comm, args } of table.toReversed()) {
      const [program = ''] = args;
      if (pid === c.process.pid || omitted.includes(pid)) continue;
      if (program === name || program.slice(program.lastIndexOf('/') + 1) === base || comm === base) found.push(pid);
    }
  }
  if (found.length > 0) await c.out.write(`${(single ? found.slice(0, 1) : found).join(' ')}\n`);
  return found.length > 0 ? 0 : 1;
});
