/** stat(1) */
import type { FileType, Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { modeText, TYPE_BITS } from './modes.ts';
import { groups, nameOf, users } from './names.ts';
import { quoteIfNeeded, quoteName } from './quote.ts';
import { formatTime, seconds } from './times.ts';

const TYPE_NAMES: Readonly<Record<FileType, string>> = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symbolic link',
  fifo: 'fifo',
  char: 'character special file',
  block: 'block special file',
};

/** f_type of statfs(2) */
const MAGIC: Readonly<Record<string, number>> = {
  tmpfs: 0x01021994,
  devtmpfs: 0x01021994,
  ext4: 0xef53,
  ext2: 0xef53,
  cgroup2fs: 0x63677270,
  cgroup2: 0x63677270,
  proc: 0x9fa0,
  sysfs: 0x62656572,
  hostfs: 0x00c0ffee,
  devpts: 0x1cd1,
};
/** stat's name of a type, where it is not the kernel's */
const TYPE_TEXTS: Readonly<Record<string, string>> = {
  ext4: 'ext2/ext3',
  ext2: 'ext2/ext3',
  cgroup2: 'cgroup2fs',
  devtmpfs: 'tmpfs',
};

const DEFAULT =
  '  File: %N\n  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F\nDevice: %Hd,%Ld\tInode: %-10i  Links: %DEVICE\n' +
  'Access: (%04a/%10.10A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: %w\n';
const TERSE = '%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o\n';
const DEFAULT_FS =
  '  File: "%n"\n    ID: %-8i Namelen: %-7l Type: %T\nBlock size: %-10s Fundamental block size: %S\n' +
  'Blocks: Total: %-10b Free: %-10f Available: %a\n';

const NOT_KNOWN = '?';

/** One conversion: text, or a number that `%0` and precision pad. */
type Value = { text: string } | { number: string };

function apply(flags: string, width: string, precision: string | undefined, value: Value): string {
  let text = 'text' in value ? value.text : value.number;
  if (precision !== undefined && 'text' in value) text = text.slice(0, Number(precision));
  const size = Number(width);
  if (flags.includes('-')) return text.padEnd(size);
  return text.padStart(size, flags.includes('0') && 'number' in value ? '0' : ' ');
}

function escapes(text: string): string {
  const known: Readonly<Record<string, string>> = {
    ...{ a: '\x07', b: '\b', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '"': '"', '\\': '\\' },
  };
  return text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/gs,
    (whole, hex: string, octal: string, letter: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return known[letter] ?? whole;
    },
  );
}

async function expand(
  c: Command,
  format: string,
  conversion: (letter: string, path: string) => Value | undefined,
): Promise<string> {
  let out = '';
  let at = 0;
  for (const match of format.matchAll(/%([-+#0 I']*)(\d*)(?:\.(\d*))?([HL]?.)?/gs)) {
    out += format.slice(at, match.index);
    at = match.index + match[0].length;
    const [whole, flags, width, precision, letter] = match as unknown as [
      string,
      string,
      string,
      string | undefined,
      string,
    ];
    if (letter === undefined) {
      if (whole !== '%') c.fail(`${quoteName(whole)}: invalid directive`);
      out += '%';
    } else if (letter === '%') {
      if (whole !== '%%') c.fail(`${quoteName(whole)}: invalid directive`);
      out += '%';
    } else {
      const value = conversion(letter, flags);
      out += value === undefined ? NOT_KNOWN : apply(flags, width, precision, value);
    }
  }
  return out + format.slice(at);
}

async function fileFormat(c: Command, format: string, path: string, stat: Stat): Promise<string> {
  const knownUsers = await users(c.process);
  const knownGroups = await groups(c.process);
  const number = (value: number | bigint): Value => ({ number: String(value) });
  const text = (value: string): Value => ({ text: value });
  const time = (ns: bigint) => text(formatTime('%Y-%m-%d %H:%M:%S.%N %z', ns));
  const mode = TYPE_BITS[stat.type] | stat.mode;
  const links = () => (stat.type === 'symlink' ? ` -> ${quoteName(c.process.readlink(path))}` : '');
  return expand(c, format, (letter, flags) => {
    switch (letter) {
      case 'a':
        return { number: (flags.includes('#') && stat.mode !== 0 ? '0' : '') + stat.mode.toString(8) };
      case 'A':
        return text(modeText(stat.type, stat.mode));
      case 'b':
        return number(stat.blocks);
      case 'B':
        return number(512);
      case 'C':
        return text('?');
      case 'd':
        return number(stat.dev);
      case 'D':
        return { number: stat.dev.toString(16) };
      case 'Hd':
        return number(stat.dev >> 8);
      case 'Ld':
        return number(stat.dev & 0xff);
      case 'Hr':
        return number(stat.rdev >> 8);
      case 'Lr':
        return number(stat.rdev & 0xff);
      case 'f':
        return { number: mode.toString(16) };
      case 'F':
        return text(stat.type === 'file' && stat.size === 0 ? 'regular empty file' : TYPE_NAMES[stat.type]);
      case 'g':
        return number(stat.gid);
      case 'G':
        return text(nameOf(knownGroups, stat.gid) ?? 'UNKNOWN');
      case 'h':
        return number(stat.nlink);
      case 'i':
        return number(stat.ino);
      case 'n':
        return text(path);
      case 'N':
        return text(quoteName(path) + links());
      case 'o':
        return number(stat.blksize);
      case 'r':
        return number(stat.rdev);
      case 'R':
        return { number: stat.rdev.toString(16) };
      case 's':
        return number(stat.size);
      case 't':
        return { number: (stat.rdev >> 8).toString(16) };
      case 'T':
        return { number: (stat.rdev & 0xff).toString(16) };
      case 'u':
        return number(stat.uid);
      case 'U':
        return text(nameOf(knownUsers, stat.uid) ?? 'UNKNOWN');
      case 'w':
        return text('-');
      case 'W':
        return number(0);
      case 'x':
        return time(stat.atime);
      case 'X':
        return number(seconds(stat.atime));
      case 'y':
        return time(stat.mtime);
      case 'Y':
        return number(seconds(stat.mtime));
      case 'z':
        return time(stat.ctime);
      case 'Z':
        return number(seconds(stat.ctime));
      case 'm':
        c.fail('%m is not supported');
        return undefined;
      default:
        return undefined;
    }
  });
}

async function fsFormat(c: Command, format: string, path: string): Promise<string> {
  const fs = c.process.statfs(path);
  const dev = c.process.stat(path).dev;
  const number = (value: number): Value => ({ number: String(value) });
  return expand(c, format, (letter) => {
    switch (letter) {
      case 'a':
      case 'f':
        return number(fs.bfree);
      case 'b':
        return number(fs.blocks);
      case 'i':
        return { number: dev.toString(16) };
      case 'l':
        return number(255);
      case 'n':
        return { text: path };
      case 's':
      case 'S':
        return number(fs.bsize);
      case 't':
        return { number: (MAGIC[fs.type] ?? 0).toString(16) };
      case 'T':
        return { text: TYPE_TEXTS[fs.type] ?? fs.type };
      case 'c':
      case 'd':
        c.fail(`%${letter} of a file system is not supported`);
        return undefined;
      default:
        return undefined;
    }
  });
}

export const stat: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('c:fLt', {
    ...{ dereference: 'L', 'file-system': 'f', 'format=': 'c', 'printf=': 'printf', terse: 't', 'cached=': 'cached' },
  });
  let format: string | undefined;
  let newline = '';
  const keys = new Set(options.map(({ key }) => key));
  for (const { key, value } of options) {
    if (key === 'c') {
      format = value;
      newline = '\n';
    } else if (key === 'printf') {
      format = escapes(value);
      newline = '';
    }
  }
  if (operands.length === 0) c.usage('missing operand');
  for (const name of operands) {
    if (keys.has('f')) {
      if (format === undefined && keys.has('t')) c.fail('-f -t is not supported');
      const text = await attempt(() => fsFormat(c, format ?? DEFAULT_FS, name));
      if ('error' in text)
        await c.error(`cannot read file system information for ${quoteName(name)}: ${text.error.message}`);
      else await c.out.write(text.value + newline);
      continue;
    }
    const p = c.process;
    const found = await attempt(() => (name === '-' ? p.fstat(0) : keys.has('L') ? p.stat(name) : p.lstat(name)));
    if ('error' in found) {
      await c.error(`cannot statx ${quoteName(name)}: ${found.error.message}`);
      continue;
    }
    const device = found.value.type === 'char' || found.value.type === 'block' ? '%-5h Device type: %Hr,%Lr' : '%h';
    const plain = keys.has('t') ? TERSE : DEFAULT.replace('%N', `${quoteless(name)}%LINK`).replace('%DEVICE', device);
    const target = found.value.type === 'symlink' ? ` -> ${p.readlink(name)}` : '';
    await c.out.write(
      (await fileFormat(c, format ?? plain.replace('%LINK', target.replaceAll('%', '%%')), name, found.value)) +
        newline,
    );
  }
  return undefined;
});

/** A name within a format of our own. */
const quoteless = (name: string): string => quoteIfNeeded(name).replaceAll('%', '%%');
