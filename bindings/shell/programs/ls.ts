/** ls(1), dir and vdir's ways aside */
import type { Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { humanCeiling } from './human.ts';
import { modeText } from './modes.ts';
import { groups, type NamedId, nameOf, users } from './names.ts';
import { parseNumber } from './numbers.ts';
import { joinPath } from './paths.ts';
import { escapeByte, quote, quoteForTerminal, quoteName } from './quote.ts';
import { formatTime } from './times.ts';

/** half a Gregorian year, in ns: older files show the year */
const HALF_YEAR = 15_778_476n * 1_000_000_000n;
/** the serious trouble of a command line operand */
const SERIOUS = 2;

interface Look {
  format: 'long' | 'columns' | 'one' | 'across' | 'commas';
  all: '' | 'almost' | 'all';
  directory: boolean;
  recursive: boolean;
  inode: boolean;
  blocks: boolean;
  human: 0 | 1000 | 1024;
  numeric: boolean;
  owner: boolean;
  group: boolean;
  sort: 'name' | 'size' | 'time' | 'none' | 'extension' | 'version';
  reverse: boolean;
  time: 'mtime' | 'atime' | 'ctime';
  timeStyle: string;
  indicator: '' | 'F' | 'p' | 'file-type';
  follow: boolean;
  followArguments: boolean;
  quoting: (name: string) => string;
  directoriesFirst: boolean;
  width: number;
  blockSize: number;
}

interface Entry {
  name: string;
  path: string;
  stat: Stat;
  target: string | undefined;
}

const LONG = {
  ...{ all: 'a', 'almost-all': 'A', author: 'author', escape: 'b', 'block-size=': 'block-size', 'ignore-backups': 'B' },
  ...{ 'color=?': 'color', directory: 'd', classify: 'F', 'file-type': 'file-type', 'format=': 'format' },
  ...{ 'full-time': 'full-time', 'no-group': 'G', 'human-readable': 'h', si: 'si', dereference: 'L' },
  ...{ 'dereference-command-line': 'H', 'group-directories-first': 'first', inode: 'i', 'numeric-uid-gid': 'n' },
  ...{ literal: 'N', 'hide-control-chars': 'q', 'quote-name': 'Q', reverse: 'r', recursive: 'R', size: 's' },
  ...{ 'sort=': 'sort', 'time=': 'time', 'time-style=': 'time-style', kibibytes: 'k', 'width=': 'w', zero: 'zero' },
};

function lookOf(c: Command, terminal: boolean): { look: Look; operands: string[] } {
  const { options, operands } = c.parse('abcdfghiklmnopqrstuvw:xABCDFGHI:LNQRST:UXZ1', LONG);
  const look: Look = {
    ...{ format: terminal ? 'columns' : 'one', all: '', directory: false, recursive: false, inode: false },
    ...{ blocks: false, human: 0, numeric: false, owner: true, group: true, sort: 'name', reverse: false },
    ...{ time: 'mtime', timeStyle: '', indicator: '', follow: false, followArguments: false },
    ...{ directoriesFirst: false, width: 80, blockSize: 1024 },
    quoting: terminal ? quoteForTerminal : (name) => name,
  };
  let timeSort = false;
  let sortGiven = false;
  for (const { key, value } of options) {
    switch (key) {
      case 'a':
        look.all = 'all';
        break;
      case 'A':
        look.all = 'almost';
        break;
      case 'b':
        look.quoting = (name) => [...name].map((char) => (char === ' ' ? '\\ ' : escapeByte(char))).join('');
        break;
      case 'c':
        look.time = 'ctime';
        timeSort = true;
        break;
      case 'u':
        look.time = 'atime';
        timeSort = true;
        break;
      case 'd':
        look.directory = true;
        break;
      case 'f':
        look.all = 'all';
        look.sort = 'none';
        sortGiven = true;
        if (look.format === 'long') look.format = terminal ? 'columns' : 'one';
        break;
      case 'F':
      case 'p':
      case 'file-type':
        look.indicator = key;
        break;
      case 'g':
        look.format = 'long';
        look.owner = false;
        break;
      case 'G':
        look.group = false;
        break;
      case 'o':
        look.format = 'long';
        look.group = false;
        break;
      case 'h':
        look.human = 1024;
        break;
      case 'si':
        look.human = 1000;
        break;
      case 'H':
        look.followArguments = true;
        break;
      case 'L':
        look.follow = true;
        break;
      case 'i':
        look.inode = true;
        break;
      case 'k':
        look.blockSize = 1024;
        break;
      case 'l':
        look.format = 'long';
        break;
      case 'm':
        look.format = 'commas';
        break;
      case 'n':
        look.format = 'long';
        look.numeric = true;
        break;
      case 'N':
        look.quoting = (name) => name;
        break;
      case 'q':
        look.quoting = (name) => name.replace(/[^ -~]/g, '?');
        break;
      case 'Q':
        look.quoting = (name) => `"${[...name].map((char) => (char === '"' ? '\\"' : escapeByte(char))).join('')}"`;
        break;
      case 'r':
        look.reverse = true;
        break;
      case 'R':
        look.recursive = true;
        break;
      case 's':
        look.blocks = true;
        break;
      case 'S':
        look.sort = 'size';
        sortGiven = true;
        break;
      case 't':
        look.sort = 'time';
        sortGiven = true;
        break;
      case 'U':
        look.sort = 'none';
        sortGiven = true;
        break;
      case 'v':
        look.sort = 'version';
        sortGiven = true;
        break;
      case 'X':
        look.sort = 'extension';
        sortGiven = true;
        break;
      case 'x':
        look.format = 'across';
        break;
      case 'C':
        look.format = 'columns';
        break;
      case '1':
        if (look.format !== 'long') look.format = 'one';
        break;
      case 'w': {
        const width = parseNumber(value, '');
        if (typeof width !== 'number') c.fail(`invalid line width: ${quote(value)}`);
        look.width = width === 0 ? Number.POSITIVE_INFINITY : width;
        break;
      }
      case 'first':
        look.directoriesFirst = true;
        break;
      case 'full-time':
        look.format = 'long';
        look.timeStyle = 'full-iso';
        break;
      case 'time-style':
        look.timeStyle = value;
        break;
      case 'block-size': {
        const size = parseNumber(value, 'KMGTPE0');
        if (typeof size !== 'number') c.fail(`invalid --block-size argument ${quote(value)}`);
        look.blockSize = size;
        break;
      }
      case 'color':
        if (['always', 'yes', 'force', ''].includes(value)) c.fail('colours are not supported');
        break;
      case 'time': {
        const which = { atime: 'atime', access: 'atime', use: 'atime', ctime: 'ctime', status: 'ctime' }[value];
        if (which === undefined && value !== 'mtime' && value !== 'modification')
          c.fail(`--time=${value} is not supported`);
        look.time = (which ?? 'mtime') as Look['time'];
        timeSort = true;
        break;
      }
      case 'sort':
        if (!['none', 'size', 'time', 'extension', 'version', 'name'].includes(value))
          c.fail(`--sort=${value} is not supported`);
        look.sort = value as Look['sort'];
        sortGiven = true;
        break;
      default:
        c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
    }
  }
  if (timeSort && !sortGiven && look.format !== 'long') look.sort = 'time';
  return { look, operands };
}

/** Natural order of numbers in names, as `sort -V` and `ls -v` have it for plain names. */
export function versionCompare(a: string, b: string): number {
  const parts = (text: string) => text.match(/\d+|\D+/g) ?? [];
  const left = parts(a);
  const right = parts(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i]!;
    const y = right[i]!;
    if (/^\d/.test(x) && /^\d/.test(y)) {
      const difference = BigInt(x) - BigInt(y);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
    } else if (x !== y) return x < y ? -1 : 1;
  }
  return left.length - right.length || (a < b ? -1 : a > b ? 1 : 0);
}

function order(entries: Entry[], look: Look): Entry[] {
  const byName = (a: Entry, b: Entry) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const extension = (entry: Entry) => {
    const dot = entry.name.lastIndexOf('.');
    return dot < 0 ? '' : entry.name.slice(dot);
  };
  const compare = (a: Entry, b: Entry): number => {
    if (look.sort === 'size') return b.stat.size - a.stat.size || byName(a, b);
    if (look.sort === 'time') {
      const difference = b.stat[look.time] - a.stat[look.time];
      return difference < 0n ? -1 : difference > 0n ? 1 : byName(a, b);
    }
    if (look.sort === 'extension') {
      const x = extension(a);
      const y = extension(b);
      return x < y ? -1 : x > y ? 1 : byName(a, b);
    }
    if (look.sort === 'version') return versionCompare(a.name, b.name);
    return byName(a, b);
  };
  const sorted =
    look.sort === 'none' ? entries : [...entries].sort((a, b) => (look.reverse ? compare(b, a) : compare(a, b)));
  if (!look.directoriesFirst) return sorted;
  return [...sorted.filter((e) => e.stat.type === 'directory'), ...sorted.filter((e) => e.stat.type !== 'directory')];
}

class Lister {
  readonly #c: Command;
  readonly #look: Look;
  #users: NamedId[] = [];
  #groups: NamedId[] = [];
  #first = true;

  constructor(c: Command, look: Look) {
    this.#c = c;
    this.#look = look;
  }

  async run(operands: readonly string[]): Promise<void> {
    const look = this.#look;
    if (look.format === 'long' && !look.numeric) {
      this.#users = await users(this.#c.process);
      this.#groups = await groups(this.#c.process);
    }
    const names = operands.length === 0 ? ['.'] : operands;
    const entries: Entry[] = [];
    for (const name of names) {
      const entry = await this.#entry(name, name, true);
      if (entry !== undefined) entries.push(entry);
    }
    const isDirectory = (entry: Entry) => !look.directory && entry.stat.type === 'directory';
    const files = entries.filter((entry) => !isDirectory(entry));
    const directories = entries.filter(isDirectory);
    if (files.length > 0) {
      await this.#print(order(files, look));
      this.#first = false;
    }
    const heading = look.recursive || names.length > 1;
    for (const directory of order(directories, look)) await this.#directory(directory.path, heading, true);
  }

  async #entry(name: string, path: string, argument: boolean): Promise<Entry | undefined> {
    const p = this.#c.process;
    const look = this.#look;
    // Directories named by links are followed unless their own data are wanted.
    const byDefault = argument && !look.directory && look.format !== 'long' && look.indicator !== 'F';
    const follow = look.follow || (argument && (look.followArguments || byDefault));
    let found = await attempt(() => (follow ? p.stat(path) : p.lstat(path)));
    if ('error' in found && follow && argument && !look.follow && !look.followArguments)
      found = await attempt(() => p.lstat(path));
    if ('error' in found) {
      await this.#c.error(`cannot access ${quoteName(path)}: ${found.error.message}`, argument ? SERIOUS : 1);
      return undefined;
    }
    const stat = found.value;
    const target = stat.type === 'symlink' ? await attempt(() => p.readlink(path)) : undefined;
    return { name, path, stat, target: target !== undefined && 'value' in target ? target.value : undefined };
  }

  async #directory(path: string, heading: boolean, argument: boolean): Promise<void> {
    const look = this.#look;
    const c = this.#c;
    const names = await attempt(() => c.process.readdir(path));
    if ('error' in names) {
      await c.error(`cannot open directory ${quoteName(path)}: ${names.error.message}`, argument ? SERIOUS : 1);
      return;
    }
    if (heading) await c.out.write(`${this.#first ? '' : '\n'}${look.quoting(path)}:\n`);
    this.#first = false;
    const shown = names.value.filter((name) => look.all !== '' || !name.startsWith('.'));
    const entries: Entry[] = [];
    for (const name of look.all === 'all' ? ['.', '..', ...shown] : shown) {
      const entry = await this.#entry(name, joinPath(path, name), false);
      if (entry !== undefined) entries.push(entry);
    }
    const sorted = order(entries, look);
    if (look.format === 'long' || look.blocks) {
      const blocks = sorted.reduce((sum, entry) => sum + entry.stat.blocks, 0);
      await c.out.write(`total ${this.#blocks(blocks)}\n`);
    }
    await this.#print(sorted);
    if (look.recursive)
      for (const entry of sorted)
        if (entry.stat.type === 'directory' && entry.name !== '.' && entry.name !== '..')
          await this.#directory(entry.path, true, false);
  }

  #blocks(blocks: number): string {
    const { human, blockSize } = this.#look;
    return human !== 0 ? humanCeiling(blocks * 512, human) : String(Math.ceil((blocks * 512) / blockSize));
  }

  #size(stat: Stat): string {
    const { human } = this.#look;
    if (stat.type === 'char' || stat.type === 'block') return `${stat.rdev >> 8}, ${stat.rdev & 0xff}`;
    return human !== 0 ? humanCeiling(stat.size, human) : String(stat.size);
  }

  #time(ns: bigint): string {
    const style = this.#look.timeStyle;
    const now = this.#c.process.realtime;
    const recent = ns <= now && ns > now - HALF_YEAR;
    if (style.startsWith('+')) {
      const [old, fresh] = style.slice(1).split('\n') as [string, string | undefined];
      return formatTime(recent ? (fresh ?? old) : old, ns);
    }
    if (style === 'full-iso') return formatTime('%Y-%m-%d %H:%M:%S.%N %z', ns);
    if (style === 'long-iso') return formatTime('%Y-%m-%d %H:%M', ns);
    if (style === 'iso') return formatTime(recent ? '%m-%d %H:%M' : '%Y-%m-%d ', ns);
    return formatTime(recent ? '%b %e %H:%M' : '%b %e  %Y', ns);
  }

  #indicator(stat: Stat, target = false): string {
    const { indicator } = this.#look;
    if (indicator === '') return '';
    if (stat.type === 'directory') return '/';
    if (indicator === 'p') return '';
    if (stat.type === 'symlink') return target ? '' : '@';
    if (stat.type === 'fifo') return '|';
    return indicator === 'F' && stat.type === 'file' && stat.mode & 0o111 ? '*' : '';
  }

  async #print(entries: Entry[]): Promise<void> {
    const look = this.#look;
    const inodes = entries.map(({ stat }) => String(stat.ino));
    const inodeWidth = Math.max(0, ...inodes.map((text) => text.length));
    const blocks = entries.map(({ stat }) => this.#blocks(stat.blocks));
    const blockWidth = Math.max(0, ...blocks.map((text) => text.length));
    const prefix = (i: number, padded: boolean) =>
      (look.inode ? `${padded ? inodes[i]!.padStart(inodeWidth) : inodes[i]} ` : '') +
      (look.blocks ? `${padded ? blocks[i]!.padStart(blockWidth) : blocks[i]} ` : '');
    if (look.format === 'long') {
      await this.#long(entries, (i) => prefix(i, true));
      return;
    }
    const cells = entries.map(
      (entry, i) => prefix(i, look.format !== 'commas') + look.quoting(entry.name) + this.#indicator(entry.stat),
    );
    if (look.format === 'columns' && look.width === Number.POSITIVE_INFINITY)
      await this.#c.out.write(cells.length > 0 ? `${cells.join('  ')}\n` : '');
    else if (look.format === 'one') for (const cell of cells) await this.#c.out.write(`${cell}\n`);
    else if (look.format === 'commas') await this.#commas(cells);
    else await this.#columns(cells, look.format === 'across');
  }

  async #commas(cells: readonly string[]): Promise<void> {
    let line = '';
    let out = '';
    for (const [i, cell] of cells.entries()) {
      if (i > 0) {
        if (line.length + 2 + cell.length < this.#look.width) line += ', ';
        else {
          out += `${line},\n`;
          line = '';
        }
      }
      line += cell;
    }
    if (cells.length > 0) await this.#c.out.write(`${out}${line}\n`);
  }

  /** As many columns as fit; blanks and tabs between them. */
  async #columns(cells: readonly string[], across: boolean): Promise<void> {
    if (cells.length === 0) return;
    const { width } = this.#look;
    const most = Math.max(
      1,
      Math.min(cells.length, width === Number.POSITIVE_INFINITY ? cells.length : Math.floor(width / 3)),
    );
    for (let columns = most; columns >= 1; columns--) {
      const rows = Math.ceil(cells.length / columns);
      const column = (i: number) => (across ? i % columns : Math.floor(i / rows));
      const widths = new Array<number>(columns).fill(3);
      for (const [i, cell] of cells.entries()) {
        const at = column(i);
        widths[at] = Math.max(widths[at]!, cell.length + (at === columns - 1 ? 0 : 2));
      }
      if (columns > 1 && widths.reduce((sum, each) => sum + each, 0) >= width) continue;
      for (let row = 0; row < rows; row++) {
        let line = '';
        let position = 0;
        for (let at = 0; at < columns; at++) {
          const i = across ? row * columns + at : at * rows + row;
          if (i >= cells.length) break;
          line = indent(line, position);
          line += cells[i];
          position += widths[at]!;
        }
        await this.#c.out.write(`${line}\n`);
      }
      return;
    }
  }

  async #long(entries: Entry[], prefix: (i: number) => string): Promise<void> {
    const look = this.#look;
    const name = (known: readonly NamedId[], id: number) =>
      (look.numeric ? undefined : nameOf(known, id)) ?? String(id);
    const width = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
    const links = entries.map(({ stat }) => String(stat.nlink));
    const owners = entries.map(({ stat }) => name(this.#users, stat.uid));
    const owning = entries.map(({ stat }) => name(this.#groups, stat.gid));
    const sizes = entries.map(({ stat }) => this.#size(stat));
    const majors = Math.max(
      0,
      ...entries.map(({ stat }) => (/char|block/.test(stat.type) ? String(stat.rdev >> 8).length : 0)),
    );
    const minors = Math.max(
      0,
      ...entries.map(({ stat }) => (/char|block/.test(stat.type) ? String(stat.rdev & 0xff).length : 0)),
    );
    const sizeWidth = Math.max(
      width(entries.map(({ stat }, i) => (/char|block/.test(stat.type) ? '' : sizes[i]!))),
      majors > 0 ? majors + 2 + minors : 0,
    );
    const pad = (text: string, size: number) => (/^\d+$/.test(text) ? text.padStart(size) : text.padEnd(size));
    for (const [i, entry] of entries.entries()) {
      const { stat } = entry;
      const device = /char|block/.test(stat.type);
      const size = device
        ? `${String(stat.rdev >> 8).padStart(sizeWidth - 2 - minors)}, ${String(stat.rdev & 0xff).padStart(minors)}`
        : sizes[i]!.padStart(sizeWidth);
      const columns = [modeText(stat.type, stat.mode), links[i]!.padStart(width(links))];
      if (look.owner) columns.push(pad(owners[i]!, width(owners)));
      if (look.group) columns.push(pad(owning[i]!, width(owning)));
      columns.push(size, this.#time(stat[look.time]));
      let line = `${prefix(i)}${columns.join(' ')} ${look.quoting(entry.name)}`;
      if (entry.target === undefined) line += this.#indicator(stat);
      else {
        line += ` -> ${look.quoting(entry.target)}`;
        const followed = look.indicator === '' ? undefined : await attempt(() => this.#c.process.stat(entry.path));
        if (followed !== undefined && 'value' in followed) line += this.#indicator(followed.value, true);
      }
      await this.#c.out.write(`${line}\n`);
    }
  }
}

/** From the end of `line` to a column, by tabs of eight where they reach and blanks. */
function indent(line: string, to: number): string {
  let out = line;
  let from = line.length === 0 ? 0 : columnOf(line);
  while (from < to) {
    if (Math.floor(to / 8) > Math.floor((from + 1) / 8)) {
      out += '\t';
      from += 8 - (from % 8);
    } else {
      out += ' ';
      from++;
    }
  }
  return out;
}

function columnOf(line: string): number {
  let column = 0;
  for (const char of line) column += char === '\t' ? 8 - (column % 8) : 1;
  return column;
}

export const ls: Program = command(
  async (c: Command) => {
    const terminal = c.process.isOpen(1) && c.process.isatty(1);
    const { look, operands } = lookOf(c, terminal);
    await new Lister(c, look).run(operands);
    return undefined;
  },
  { trouble: 2 },
);
