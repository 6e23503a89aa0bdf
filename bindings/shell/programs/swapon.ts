/** swapon(8) and swapoff(8) of util-linux, and mkswap(8) */
import { bytesOf, textOf } from '../kernel/bytes.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { canonical } from './canonical.ts';
import { attempt, type Command, command, errorOf, statOrUndefined, writeAll } from './command.ts';
import { shortSize } from './human.ts';
import { readFile } from './input.ts';
import { tableText } from './table.ts';

const PAGE = 4096;
const MAGIC = 'SWAPSPACE2';
/** struct swap_header_v1_2: version, last page, bad pages after the boot block */
const INFO_AT = 1024;
/** swapon's trouble is -1 */
const TROUBLE = 255;
const SWAPOFF_FAILED = 4;
const SWAPOFF_USAGE = 16;

const LONG = {
  ...{ all: 'a', 'discard=?': 'd', ifexists: 'e', fixpgsz: 'f', 'options=': 'o', 'priority=': 'p', summary: 's' },
  ...{
    'show=?': 'show',
    noheadings: 'noheadings',
    raw: 'raw',
    bytes: 'bytes',
    verbose: 'v',
    'output-all': 'output-all',
  },
};

interface SwapEntry {
  name: string;
  type: string;
  /** bytes */
  size: number;
  used: number;
  priority: number;
}

async function swapEntries(process: Process): Promise<SwapEntry[]> {
  const text = await readFile(process, '/proc/swaps');
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [name, type, size, used, priority] = line.split(/\s+/) as [string, string, string, string, string];
      return { name, type, size: Number(size) * 1024, used: Number(used) * 1024, priority: Number(priority) };
    });
}

const COLUMNS = ['NAME', 'TYPE', 'SIZE', 'USED', 'PRIO'];

async function show(c: Command, columns: string, headings: boolean, bytes: boolean): Promise<number> {
  const names = columns.toUpperCase().split(',');
  for (const name of names) if (!COLUMNS.includes(name)) c.fail(`unknown column: ${name}`);
  const entries = await swapEntries(c.process);
  if (entries.length === 0) return 0;
  const size = (value: number) => (bytes ? String(value) : shortSize(value));
  const cell = (entry: SwapEntry, name: string) =>
    ({
      NAME: entry.name,
      TYPE: entry.type,
      SIZE: size(entry.size),
      USED: size(entry.used),
      PRIO: String(entry.priority),
    })[name]!;
  await c.out.write(
    tableText(
      names.map((name) => ({ name, right: ['SIZE', 'USED', 'PRIO'].includes(name) })),
      entries.map((entry) => names.map((name) => cell(entry, name))),
      headings,
    ),
  );
  return 0;
}

/** The first page of a swap area: 'SWAPSPACE2' at its end. */
async function hasHeader(process: Process, fd: number): Promise<boolean> {
  process.lseek(fd, 0, 'set');
  const got = await attempt(() => process.read(fd, PAGE));
  return 'value' in got && textOf(got.value.subarray(PAGE - MAGIC.length)) === MAGIC;
}

async function add(c: Command, given: string): Promise<boolean> {
  const p = c.process;
  const failed = async (text: string) => {
    await c.error(text, TROUBLE);
    return false;
  };
  const found = await attempt(() => canonical(p, given, 'all'));
  const name = 'value' in found ? found.value : given;
  const opened = await attempt(() => p.open(name, { read: true }));
  if ('error' in opened) return failed(`cannot open ${name}: ${opened.error.message}`);
  const fd = opened.value;
  try {
    const stat = p.fstat(fd);
    const allowed = stat.type === 'block' ? 0o660 : 0o600;
    const others = stat.type === 'block' ? 0o7007 : 0o7077;
    const octal = (mode: number) => mode.toString(8).padStart(4, '0');
    if (stat.mode & others)
      await c.warn(`${name}: insecure permissions ${octal(stat.mode)}, ${octal(allowed)} suggested.`);
    if (stat.type === 'file' && stat.uid !== 0)
      await c.warn(`${name}: insecure file owner ${stat.uid}, 0 (root) suggested.`);
    if (stat.type === 'file' && stat.blocks * 512 < stat.size)
      return failed(`${name}: skipping - it appears to have holes.`);
    if (!(await hasHeader(p, fd))) return failed(`${name}: read swap header failed`);
  } finally {
    p.close(fd);
  }
  const failure = await errorOf(() => p.swapon(name));
  return failure === undefined || failed(`${name}: swapon failed: ${failure.message}`);
}

export const swapon: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('ad::efo:p:svU:L:', LONG);
    const keys = new Set(options.map(({ key }) => key));
    for (const key of ['p', 'o', 'U', 'L', 'raw', 'output-all'])
      if (keys.has(key)) c.fail(`option ${key} is not supported`);
    if (keys.has('s')) {
      const entries = await swapEntries(c.process);
      if (entries.length > 0) await c.out.write(summary(entries));
      return 0;
    }
    const shown = options.findLast(({ key }) => key === 'show');
    if (shown !== undefined || (operands.length === 0 && !keys.has('a'))) {
      const columns = shown?.value !== undefined && shown.value !== '' ? shown.value : COLUMNS.join(',');
      return show(c, columns, !keys.has('noheadings'), keys.has('bytes'));
    }
    if (keys.has('a')) {
      const fstab = statOrUndefined(c.process, '/etc/fstab');
      if (fstab === undefined) c.fail('failed to parse /etc/fstab: No such file or directory');
      return 0;
    }
    for (const name of operands) {
      if (keys.has('v')) await c.out.write(`${c.name}: ${name}\n`);
      if (keys.has('e') && statOrUndefined(c.process, name) === undefined) continue;
      await add(c, name);
    }
    return undefined;
  },
  { utilLinux: true },
);

function summary(entries: readonly SwapEntry[]): string {
  const row = (entry: SwapEntry) =>
    `${entry.name.padEnd(39)} ${entry.type}\t${entry.size / 1024}\t\t${entry.used / 1024}\t\t${entry.priority}\n`;
  return `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${entries.map(row).join('')}`;
}

export const swapoff: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('avU:L:', { all: 'a', verbose: 'v' });
    const keys = new Set(options.map(({ key }) => key));
    if (keys.has('U') || keys.has('L')) c.fail('labels and UUIDs are not supported', SWAPOFF_USAGE);
    if (operands.length === 0 && !keys.has('a')) c.usage('bad usage', SWAPOFF_USAGE);
    const names = [...operands];
    if (keys.has('a')) names.push(...(await swapEntries(c.process)).map(({ name }) => name));
    for (const name of names) {
      if (keys.has('v')) await c.out.write(`${c.name} ${name}\n`);
      const failure = await errorOf(() => c.process.swapoff(name));
      if (failure === undefined) continue;
      if (failure.errno === 'EPERM') c.fail('Not superuser.');
      await c.error(`${name}: swapoff failed: ${failure.message}`, SWAPOFF_FAILED);
    }
    return undefined;
  },
  { utilLinux: true, trouble: 1 },
);

/** mkswap(8): writes the header; its UUID is a fixed one, since nothing is random here. */
export const mkswap: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('cfp:L:U:v:', {
      check: 'c',
      force: 'f',
      'pagesize=': 'p',
      'label=': 'L',
      'uuid=': 'U',
    });
    for (const { key } of options) if (key !== 'f') c.fail(`option -${key} is not supported`);
    const [name, extra] = operands;
    if (name === undefined) c.usage('error: Nowhere to set up swap on?');
    if (extra !== undefined) c.fail('giving a size is not supported');
    const p = c.process;
    const opened = await attempt(() => p.open(name, { read: true, write: true }));
    if ('error' in opened) c.fail(`cannot open ${name}: ${opened.error.message}`);
    const fd = opened.value;
    const stat = p.fstat(fd);
    const octal = (mode: number) => mode.toString(8).padStart(4, '0');
    const others = stat.type === 'block' ? 0o7007 : 0o7077;
    if (stat.mode & others)
      await c.warn(
        `${name}: insecure permissions ${octal(stat.mode)}, fix with: chmod ${octal(stat.type === 'block' ? 0o660 : 0o600)} ${name}`,
      );
    const size = stat.type === 'block' ? Number(await p.ioctl(fd, 'BLKGETSIZE64')) : stat.size;
    const pages = Math.floor(size / PAGE);
    if (pages < 10) c.fail(`error: swap area needs to be at least 40 KiB`);
    const page = new Uint8Array(PAGE);
    const view = new DataView(page.buffer);
    view.setUint32(INFO_AT, 1, true);
    view.setUint32(INFO_AT + 4, pages - 1, true);
    page.set(bytesOf(MAGIC), PAGE - MAGIC.length);
    p.lseek(fd, 0, 'set');
    await writeAll(p, fd, page);
    await p.fsync(fd);
    const bytes = (pages - 1) * PAGE;
    await c.out.write(
      `Setting up swapspace version 1, size = ${shortSize(bytes, true)} (${bytes} bytes)\nno label, UUID=00000000-0000-0000-0000-000000000000\n`,
    );
    return 0;
  },
  { utilLinux: true },
);
