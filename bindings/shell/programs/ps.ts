/** ps(1) of procps: the common selections and columns */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { readFile } from './input.ts';
import { idOf, type NamedId, nameOf, users } from './names.ts';
import { type ProcessEntry, processTable } from './processes.ts';
import { formatTime } from './times.ts';

const HZ = 100;
const PAGE_KIB = 4;

interface Column {
  head: string;
  width: number;
  right?: boolean;
  value: (entry: ProcessEntry, context: Context) => string;
}
interface Context {
  users: NamedId[];
  now: bigint;
  realtime: bigint;
  /** of memory, for %MEM */
  totalKib: number;
  terminal: string;
}

const cpuTime = (entry: ProcessEntry): number => Math.floor((entry.utime + entry.stime) / HZ);
const two = (value: number): string => String(value).padStart(2, '0');
const hms = (s: number): string => `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
const args = (entry: ProcessEntry): string => (entry.args.length > 0 ? entry.args.join(' ') : `[${entry.comm}]`);
const user = (entry: ProcessEntry, context: Context): string => nameOf(context.users, entry.uid) ?? String(entry.uid);
const elapsed = (entry: ProcessEntry, context: Context): number =>
  Math.max(0, Number(context.now / 1_000_000_000n) - Math.floor(entry.starttime / HZ));
const percent = (entry: ProcessEntry, context: Context): string => {
  const seconds = elapsed(entry, context);
  return (seconds === 0 ? 0 : (cpuTime(entry) / seconds) * 100).toFixed(1);
};
const started = (entry: ProcessEntry, context: Context): string =>
  formatTime('%H:%M', context.realtime - context.now + BigInt(entry.starttime) * (1_000_000_000n / BigInt(HZ)));
const etime = (entry: ProcessEntry, context: Context): string => {
  const s = elapsed(entry, context);
  return s >= 3600 ? hms(s) : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
};
const state = (entry: ProcessEntry): string =>
  entry.state + (entry.session === entry.pid ? 's' : '') + (entry.threads > 1 ? 'l' : '');

const number = (head: string, width: number, value: (entry: ProcessEntry) => number): Column => ({
  ...{ head, width, right: true, value: (entry) => String(value(entry)) },
});

const COLUMNS: Readonly<Record<string, Column>> = {
  pid: number('PID', 7, ({ pid }) => pid),
  ppid: number('PPID', 7, ({ ppid }) => ppid),
  pgid: number('PGID', 7, ({ pgrp }) => pgrp),
  pgrp: number('PGRP', 7, ({ pgrp }) => pgrp),
  sid: number('SID', 7, ({ session }) => session),
  uid: number('UID', 5, ({ uid }) => uid),
  ni: number('NI', 3, ({ nice }) => nice),
  nlwp: number('NLWP', 4, ({ threads }) => threads),
  rss: number('RSS', 5, ({ rss }) => rss * PAGE_KIB),
  rsz: number('RSZ', 5, ({ rss }) => rss * PAGE_KIB),
  vsz: number('VSZ', 6, ({ vsize }) => Math.floor(vsize / 1024)),
  comm: { head: 'COMMAND', width: 15, value: ({ comm }) => comm },
  ucmd: { head: 'CMD', width: 15, value: ({ comm }) => comm },
  args: { head: 'COMMAND', width: 27, value: args },
  cmd: { head: 'CMD', width: 27, value: args },
  command: { head: 'COMMAND', width: 27, value: args },
  user: { head: 'USER', width: 8, value: user },
  euser: { head: 'EUSER', width: 8, value: user },
  s: { head: 'S', width: 1, value: (entry) => entry.state },
  state: { head: 'S', width: 1, value: (entry) => entry.state },
  stat: { head: 'STAT', width: 4, value: state },
  tty: { head: 'TT', width: 8, value: (_, context) => context.terminal },
  tname: { head: 'TTY', width: 8, value: (_, context) => context.terminal },
  time: { head: 'TIME', width: 8, right: true, value: (entry) => hms(cpuTime(entry)) },
  bsdtime: {
    head: 'TIME',
    width: 6,
    right: true,
    value: (entry) => `${Math.floor(cpuTime(entry) / 60)}:${two(cpuTime(entry) % 60)}`,
  },
  etime: { head: 'ELAPSED', width: 11, right: true, value: etime },
  etimes: { head: 'ELAPSED', width: 7, right: true, value: (entry, context) => String(elapsed(entry, context)) },
  pcpu: { head: '%CPU', width: 4, right: true, value: percent },
  pmem: {
    head: '%MEM',
    width: 4,
    right: true,
    value: (entry, { totalKib }) => ((entry.rss * PAGE_KIB * 100) / totalKib).toFixed(1),
  },
  c: { head: 'C', width: 2, right: true, value: () => '0' },
  stime: { head: 'STIME', width: 5, value: started },
  start: { head: 'START', width: 6, value: started },
};
const ALIASES: Readonly<Record<string, string>> = {
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  fname: 'comm',
  sess: 'sid',
  vsize: 'vsz',
  rssize: 'rss',
};

function columnsOf(c: Command, text: string): Column[] {
  const columns: Column[] = [];
  for (const word of text.split(/[ ,]+(?![^=]*$)|[ ,]+/).filter((each) => each !== '')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const column = COLUMNS[ALIASES[name] ?? name];
    if (column === undefined) c.fail(`error: unknown user-defined format specifier "${name}"`);
    columns.push(equals < 0 ? column : { ...column, head: word.slice(equals + 1) });
  }
  return columns;
}

export const ps: Program = command(async (c: Command) => {
  const p = c.process;
  let everyone = false;
  let format: Column[] | undefined;
  let headings = true;
  let full = false;
  let bsd = false;
  const pids: number[] = [];
  const commands: string[] = [];
  const uids: (number | undefined)[] = [];
  const parents: number[] = [];
  const known = await users(p);
  const words = [...c.args];
  const value = (rest: string, option: string): string => {
    const text = rest !== '' ? rest.replace(/^=/, '') : words.shift();
    if (text === undefined) c.fail(`error: list of ${option} must follow`);
    return text;
  };
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === '--no-headers' || word === '--no-heading') headings = false;
    else if (word.startsWith('--pid') || word.startsWith('--ppid')) {
      const to = word.startsWith('--ppid') ? parents : pids;
      to.push(
        ...value(word.replace(/^--p?pid/, ''), 'process IDs')
          .split(/[ ,]+/)
          .map(Number),
      );
    } else if (word.startsWith('--sort')) c.fail('--sort is not supported');
    else if (word.startsWith('-') && word.length > 1) {
      for (let i = 1; i < word.length; i++) {
        const letter = word[i]!;
        const rest = word.slice(i + 1);
        if (letter === 'e' || letter === 'A') everyone = true;
        else if (letter === 'f') full = true;
        else if (letter === 'h') headings = false;
        else if (letter === 'w') continue;
        else if (letter === 'o') format = [...(format ?? []), ...columnsOf(c, value(rest, 'format'))];
        else if (letter === 'p') pids.push(...value(rest, 'process IDs').split(/[ ,]+/).map(Number));
        else if (letter === 'C') commands.push(...value(rest, 'command names').split(','));
        else if (letter === 'u' || letter === 'U')
          uids.push(
            ...value(rest, 'users')
              .split(',')
              .map((text) => idOf(known, text)),
          );
        else c.fail(`option -${letter} is not supported`);
        if ('opCuU'.includes(letter)) break;
      }
    } else if (/^\d/.test(word)) pids.push(...word.split(',').map(Number));
    else {
      bsd = true;
      for (let i = 0; i < word.length; i++) {
        const letter = word[i]!;
        if (letter === 'a' || letter === 'x') everyone = true;
        else if (letter === 'u') format ??= columnsOf(c, 'user,pid,%cpu,%mem,vsz,rss,tname,stat,start,bsdtime,args');
        else if (letter === 'h') headings = false;
        else if (letter === 'w') continue;
        else if (letter === 'o') {
          format = columnsOf(c, value(word.slice(i + 1), 'format'));
          break;
        } else if (letter === 'p') {
          pids.push(
            ...value(word.slice(i + 1), 'process IDs')
              .split(',')
              .map(Number),
          );
          break;
        } else c.fail(`option ${letter} is not supported`);
      }
    }
  }
  format ??= full
    ? columnsOf(c, 'user=UID,pid,ppid,c,stime,tname,time,cmd')
    : bsd
      ? columnsOf(c, 'pid,tname,stat,bsdtime,args')
      : columnsOf(c, 'pid,tname,time,ucmd');
  const table = await processTable(p);
  const self = table.find(({ pid }) => pid === p.pid);
  const selects = pids.length + commands.length + uids.length + parents.length > 0;
  const chosen = table.filter((entry) => {
    if (everyone) return true;
    if (!selects) return entry.uid === p.uid && entry.session === self?.session;
    return (
      pids.includes(entry.pid) ||
      commands.includes(entry.comm) ||
      uids.includes(entry.uid) ||
      parents.includes(entry.ppid)
    );
  });
  const context: Context = {
    users: known,
    now: p.now,
    realtime: p.realtime,
    totalKib: Number(/^MemTotal:\s+(\d+)/m.exec(await readFile(p, '/proc/meminfo'))?.[1] ?? 1),
    terminal: p.isOpen(0) && p.isatty(0) ? 'console' : '?',
  };
  const line = (texts: readonly string[]): string =>
    `${texts
      .map((text, i) => {
        const { width, right } = format[i]!;
        if (i === texts.length - 1 && !right) return text;
        const cut = right ? text : text.slice(0, Math.max(width, format[i]!.head.length));
        return right
          ? cut.padStart(Math.max(width, format[i]!.head.length))
          : cut.padEnd(Math.max(width, format[i]!.head.length));
      })
      .join(' ')}\n`;
  if (headings && format.some(({ head }) => head !== '')) await c.out.write(line(format.map(({ head }) => head)));
  for (const entry of chosen) await c.out.write(line(format.map((column) => column.value(entry, context))));
  return chosen.length > 0 ? 0 : 1;
});
