/** grep(1) of GNU */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, Failure } from './command.ts';
import { getopt, OptionError } from './getopt.ts';
import { Input, readAll } from './input.ts';
import { joinPath } from './paths.ts';
import { Regex, RegexError } from './regex.ts';

/** what grep(1) reads at once */
const CHUNK = 96 * 1024;
const TROUBLE = 2;

const LONG = {
  ...{ 'basic-regexp': 'G', 'extended-regexp': 'E', 'fixed-strings': 'F', 'perl-regexp': 'P', 'after-context=': 'A' },
  ...{ 'before-context=': 'B', 'context=': 'C', count: 'c', 'color=?': 'color', 'colour=?': 'color', 'regexp=': 'e' },
  ...{
    'file=': 'f',
    help: '--help',
    'no-filename': 'h',
    'with-filename': 'H',
    'ignore-case': 'i',
    'no-ignore-case': 'y-',
  },
  ...{
    'files-with-matches': 'l',
    'files-without-match': 'L',
    'line-number': 'n',
    'max-count=': 'm',
    'only-matching': 'o',
  },
  ...{ quiet: 'q', silent: 'q', recursive: 'r', 'dereference-recursive': 'R', 'no-messages': 's', 'invert-match': 'v' },
  ...{ 'word-regexp': 'w', 'line-regexp': 'x', 'null-data': 'z', null: 'Z', 'line-buffered': 'line-buffered' },
  ...{ 'include=': 'include', 'exclude=': 'exclude', 'exclude-dir=': 'exclude-dir', 'byte-offset': 'b', text: 'a' },
  ...{ 'binary-files=': 'binary-files', 'label=': 'label', 'group-separator=': 'separator', 'initial-tab': 'T' },
  ...{ 'no-group-separator': 'no-separator', 'directories=': 'd', 'devices=': 'D', binary: 'U', version: '--version' },
};

interface Job {
  /** the first match from a place on, [start, end] */
  find: (line: string, from: number) => [number, number] | null;
  invert: boolean;
  count: boolean;
  list: '' | 'l' | 'L';
  quiet: boolean;
  only: boolean;
  numbers: boolean;
  offsets: boolean;
  names: boolean;
  silent: boolean;
  before: number;
  after: number;
  most: number;
  end: string;
  nameEnd: string | undefined;
  label: string;
  text: 'binary' | 'text' | 'without-match';
  separator: string | undefined;
}

/** A shell pattern of --include and --exclude. */
export function globToRegExp(glob: string): RegExp {
  let out = '';
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!;
    if (char === '*') out += '[^]*';
    else if (char === '?') out += '[^]';
    else if (char === '[') {
      const end = glob.indexOf(']', glob[i + 1] === '!' || glob[i + 1] === '^' ? i + 3 : i + 2);
      if (end < 0) out += '\\[';
      else {
        const body = glob
          .slice(i + 1, end)
          .replace(/^[!^]/, '')
          .replace(/[\\[\]]/g, '\\$&');
        out += `[${/^[!^]/.test(glob.slice(i + 1)) ? '^' : ''}${body}]`;
        i = end;
      }
    } else if (char === '\\' && i + 1 < glob.length) out += glob[++i]!.replace(/[^\w]/g, '\\$&');
    else out += char.replace(/[^\w]/g, '\\$&');
  }
  return new RegExp(`^${out}$`);
}

const isWord = (char: string | undefined): boolean => char !== undefined && /\w/.test(char);

/** The matcher of all patterns together. @throws RegexError */
function matcher(
  patterns: readonly string[],
  kind: string,
  ignoreCase: boolean,
  whole: '' | 'w' | 'x',
  warnings: string[],
): Job['find'] {
  type Finder = (line: string, from: number) => [number, number] | null;
  const fold = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const finders: Finder[] = patterns.map((pattern) => {
    if (kind === 'F') {
      const wanted = ignoreCase ? fold(pattern) : pattern;
      return (line, from) => {
        const at = (ignoreCase ? fold(line) : line).indexOf(wanted, from);
        return at < 0 ? null : [at, at + wanted.length];
      };
    }
    const regex = new Regex(pattern, { extended: kind === 'E', ignoreCase, grep: true });
    warnings.push(...regex.warnings);
    return (line, from) => {
      const match = regex.exec(line, from);
      return match === null ? null : [match.start, match.end];
    };
  });
  const exact =
    whole === ''
      ? []
      : patterns.map((pattern) => {
          if (kind === 'F') return (line: string) => (ignoreCase ? fold(line) === fold(pattern) : line === pattern);
          const [open, close] = kind === 'E' ? ['(', ')'] : ['\\(', '\\)'];
          // Groups of the pattern move up by one.
          const moved = pattern.replace(/\\([1-8])/g, (_, digit: string) => `\\${Number(digit) + 1}`);
          const regex = new Regex(`${whole === 'x' ? '^' : ''}${open}${moved}${close}$`, {
            extended: kind === 'E',
            ignoreCase,
            grep: true,
          });
          return (line: string) => {
            const match = regex.exec(line);
            return match !== null && match.start === 0;
          };
        });
  if (whole === 'x') return (line, from) => (from === 0 && exact.some((test) => test(line)) ? [0, line.length] : null);
  const first: Finder = (line, from) => {
    let best: [number, number] | null = null;
    for (const find of finders) {
      const found = find(line, from);
      if (found === null) continue;
      if (best === null || found[0] < best[0] || (found[0] === best[0] && found[1] > best[1])) best = found;
    }
    return best;
  };
  if (whole === '') return first;
  // -w: a match that is a word; if the longest one is none, shorter ones from the same start, then later starts.
  return (line, from) => {
    for (let at = from; at <= line.length; ) {
      const found = first(line, at);
      if (found === null) return null;
      const [start] = found;
      if (!isWord(line[start - 1]))
        for (let end = found[1]; end >= start && (end > start || found[1] === start); end--)
          if (!isWord(line[end])) {
            const part = line.slice(start, end);
            if (end === found[1] || exact.some((test) => test(part))) return [start, end];
          }
      at = start + 1;
    }
    return null;
  };
}

class Search {
  readonly #c: Command;
  readonly #job: Job;
  matched = false;

  constructor(c: Command, job: Job) {
    this.#c = c;
    this.#job = job;
  }

  /** Lines of one open file; true when something was selected. */
  async file(fd: number, name: string): Promise<void> {
    const c = this.#c;
    const job = this.#job;
    const input = new Input(c.process, fd, CHUNK);
    const held: { text: string; number: number; offset: number }[] = [];
    let selected = 0;
    let trailing = 0;
    let number = 0;
    let offset = 0;
    let last = -1;
    let binary = false;
    const quiet = job.quiet || job.list !== '' || job.count;
    for (;;) {
      if (selected >= job.most && trailing === 0) break;
      const line = await input.line(job.end);
      if (line === null) break;
      number++;
      const { text } = line;
      const at = offset;
      offset += text.length + 1;
      if (!binary && job.text !== 'text' && job.end === '\n' && text.includes('\0')) {
        if (job.text === 'without-match') break;
        binary = true;
      }
      const hit = selected < job.most ? job.find(text, 0) : null;
      if (selected < job.most && (hit !== null) !== job.invert) {
        selected++;
        this.matched = true;
        if (job.quiet) return;
        if (job.list !== '') break;
        if (quiet) continue;
        if (binary) {
          await c.warn(`${name}: binary file matches`);
          return;
        }
        if (
          last >= 0 &&
          number - held.length > last + 1 &&
          (job.before >= 0 || job.after >= 0) &&
          job.separator !== undefined
        )
          await c.out.write(`${job.separator}\n`);
        for (const context of held) await this.#print(context.text, name, context.number, context.offset, '-');
        held.length = 0;
        if (job.only) {
          if (!job.invert) await this.#parts(text, name, number, at, hit!);
        } else await this.#print(text, name, number, at, ':');
        last = number;
        trailing = job.after;
        continue;
      }
      if (quiet) continue;
      if (trailing > 0) {
        trailing--;
        if (!job.only) await this.#print(text, name, number, at, '-');
        last = number;
      } else if (job.before > 0 && selected < job.most) {
        held.push({ text, number, offset: at });
        if (held.length > job.before) held.shift();
      }
    }
    // What was read too much is given back when -m ended the search.
    if (
      selected >= job.most &&
      job.most !== Number.POSITIVE_INFINITY &&
      input.ahead > 0 &&
      c.process.fstat(fd).type === 'file'
    )
      c.process.lseek(fd, -input.ahead, 'cur');
    const shown = job.nameEnd === undefined ? `${name}\n` : `${name}${job.nameEnd}`;
    if (job.count) await c.out.write(`${job.names ? `${name}${job.nameEnd ?? ':'}` : ''}${selected}\n`);
    if (job.list === 'l' && selected > 0) await c.out.write(shown);
    if (job.list === 'L' && selected === 0) await c.out.write(shown);
  }

  #prefix(name: string, number: number, offset: number, separator: string): string {
    const job = this.#job;
    let out = job.names ? name + (job.nameEnd ?? separator) : '';
    if (job.numbers) out += `${number}${separator}`;
    if (job.offsets) out += `${offset}${separator}`;
    return out;
  }

  async #print(text: string, name: string, number: number, offset: number, separator: string): Promise<void> {
    if (this.#job.only && separator === '-') return;
    await this.#c.out.write(this.#prefix(name, number, offset, separator) + text + this.#job.end);
  }

  async #parts(text: string, name: string, number: number, offset: number, first: [number, number]): Promise<void> {
    for (let hit: [number, number] | null = first; hit !== null; ) {
      const [start, end] = hit;
      if (end > start)
        await this.#c.out.write(
          this.#prefix(name, number, offset + start, ':') + text.slice(start, end) + this.#job.end,
        );
      const next = end > start ? end : end + 1;
      if (next > text.length) return;
      hit = this.#job.find(text, next);
    }
  }
}

const USAGE = (name: string) =>
  `Usage: ${name} [OPTION]... PATTERNS [FILE]...\nTry '${name} --help' for more information.\n`;

async function run(c: Command, kindOf: '' | 'E' | 'F'): Promise<number> {
  const p = c.process;
  let line: ReturnType<typeof getopt>;
  try {
    // `-5` is -C 5.
    const args = c.args.map((arg) => arg);
    line = getopt(
      args.flatMap((arg) => (/^-\d+$/.test(arg) ? [`-C${arg.slice(1)}`] : [arg])),
      'A:B:C:D:EFGHILPTUVX:abcd:e:f:hiLlm:noqRrsuvwxyZz',
      LONG,
    );
  } catch (error) {
    if (error instanceof OptionError) throw new Failure(`${c.name}: ${error.message}\n${USAGE(c.name)}`, TROUBLE);
    throw error;
  }
  let kind: string = kindOf === '' ? 'G' : kindOf;
  let ignoreCase = false;
  let whole: '' | 'w' | 'x' = '';
  let recursive: '' | 'r' | 'R' = '';
  let names: boolean | undefined;
  let patterns: string[] | undefined;
  let directories = 'read';
  const includes: RegExp[] = [];
  const excludes: RegExp[] = [];
  const excludeDirectories: RegExp[] = [];
  const job: Omit<Job, 'find' | 'names'> = {
    ...{ invert: false, count: false, list: '', quiet: false, only: false, numbers: false, offsets: false },
    ...{ silent: false, before: -1, after: -1, most: Number.POSITIVE_INFINITY, end: '\n', nameEnd: undefined },
    ...{ label: '(standard input)', text: 'binary', separator: '--' },
  };
  let context = -1;
  const length = (text: string): number => {
    if (!/^\d+$/.test(text)) c.fail(`${text}: invalid context length argument`);
    return Number(text);
  };
  for (const { key, value } of line.options) {
    switch (key) {
      case 'G':
      case 'E':
      case 'F':
        kind = key;
        break;
      case 'P':
        c.fail('Perl matching (-P) is not supported');
        break;
      case 'A':
        job.after = length(value);
        break;
      case 'B':
        job.before = length(value);
        break;
      case 'C':
        context = length(value);
        break;
      case 'c':
        job.count = true;
        break;
      case 'color':
        if (['always', 'yes', 'force'].includes(value)) c.fail('colours are not supported');
        break;
      case 'e':
        patterns = [...(patterns ?? []), ...value.split('\n')];
        break;
      case 'f': {
        const text = await attempt(async () => {
          const fd = value === '-' ? 0 : await p.open(value, { read: true });
          return readAll(p, fd);
        });
        if ('error' in text) c.fail(`${value}: ${text.error.message}`);
        patterns = [...(patterns ?? []), ...(text.value === '' ? [] : text.value.replace(/\n$/, '').split('\n'))];
        break;
      }
      case 'h':
        names = false;
        break;
      case 'H':
        names = true;
        break;
      case 'i':
      case 'y':
        ignoreCase = true;
        break;
      case 'y-':
        ignoreCase = false;
        break;
      case 'l':
      case 'L':
        job.list = key;
        break;
      case 'm':
        if (!/^-?\d+$/.test(value)) c.fail('invalid max count');
        job.most = Number(value) < 0 ? Number.POSITIVE_INFINITY : Number(value);
        break;
      case 'n':
        job.numbers = true;
        break;
      case 'b':
        job.offsets = true;
        break;
      case 'o':
        job.only = true;
        break;
      case 'q':
        job.quiet = true;
        break;
      case 'r':
      case 'R':
        recursive = key;
        directories = 'recurse';
        break;
      case 's':
        job.silent = true;
        break;
      case 'v':
        job.invert = true;
        break;
      case 'w':
      case 'x':
        whole = whole === 'x' ? 'x' : key;
        break;
      case 'z':
        job.end = '\0';
        break;
      case 'Z':
        job.nameEnd = '\0';
        break;
      case 'a':
        job.text = 'text';
        break;
      case 'I':
        job.text = 'without-match';
        break;
      case 'binary-files':
        if (!['binary', 'text', 'without-match'].includes(value)) c.fail('invalid argument for --binary-files');
        job.text = value as Job['text'];
        break;
      case 'include':
        includes.push(globToRegExp(value));
        break;
      case 'exclude':
        excludes.push(globToRegExp(value));
        break;
      case 'exclude-dir':
        excludeDirectories.push(globToRegExp(value.replace(/\/+$/, '')));
        break;
      case 'label':
        job.label = value;
        break;
      case 'separator':
        job.separator = value;
        break;
      case 'no-separator':
        job.separator = undefined;
        break;
      case 'd':
        directories = value;
        if (value === 'recurse') recursive = 'r';
        break;
      case 'line-buffered':
      case 'U':
      case 'u':
        break;
      default:
        c.fail(`option ${key.startsWith('--') ? key : key.length > 1 ? `--${key}` : `-${key}`} is not supported`);
    }
  }
  if (job.after < 0) job.after = context;
  if (job.before < 0) job.before = context;
  const operands = [...line.operands];
  if (patterns === undefined) {
    const first = operands.shift();
    if (first === undefined) throw new Failure(USAGE(c.name), TROUBLE);
    patterns = first.split('\n');
  }
  let find: Job['find'];
  try {
    const warnings: string[] = [];
    find = matcher(patterns, kind, ignoreCase, whole, warnings);
    for (const warning of warnings) await c.warn(`warning: ${warning}`);
  } catch (error) {
    if (error instanceof RegexError) c.fail(error.message);
    throw error;
  }
  if (job.most === 0 && !job.count && job.list !== 'L') return 1;
  const files = operands.length > 0 ? operands : recursive !== '' ? ['.'] : ['-'];
  const search = new Search(c, {
    ...job,
    find,
    names:
      names ??
      (files.length > 1 ||
        (recursive !== '' &&
          !(
            files.length === 1 &&
            p.access(files[0]!, {}) &&
            files[0] !== '-' &&
            p.stat(files[0]!).type !== 'directory'
          ))),
  });
  let trouble = false;
  const complain = async (name: string, error: SyscallError) => {
    trouble = true;
    if (!job.silent) await c.warn(`${name}: ${error.message}`);
  };
  const visit = async (path: string, name: string, top: boolean): Promise<void> => {
    if (path !== '-') {
      const stat = await attempt(() => (top || recursive === 'R' ? p.stat(path) : p.lstat(path)));
      if ('error' in stat) return complain(name, stat.error);
      const base = path.slice(path.lastIndexOf('/') + 1);
      if (stat.value.type === 'symlink') return;
      if (stat.value.type === 'directory') {
        if (directories === 'skip') return;
        if (recursive !== '') {
          if (!top && excludeDirectories.some((glob) => glob.test(base))) return;
          const names = await attempt(() => p.readdir(path));
          if ('error' in names) return complain(name, names.error);
          for (const each of names.value) {
            const child = operands.length === 0 && top ? each : joinPath(name, each);
            await visit(joinPath(path, each), child, false);
            if (job.quiet && search.matched) return;
          }
          return;
        }
      } else {
        if (!top && recursive !== '' && /char|block|fifo/.test(stat.value.type)) return;
        if (includes.length > 0 && !includes.some((glob) => glob.test(base))) return;
        if (excludes.some((glob) => glob.test(base))) return;
      }
    }
    const opened = path === '-' ? { value: 0 } : await attempt(() => p.open(path, { read: true }));
    if ('error' in opened) return complain(name, opened.error);
    try {
      const to = p.isOpen(1) ? p.fstat(1) : undefined;
      const from = p.fstat(opened.value);
      if (
        to?.type === 'file' &&
        from.type === 'file' &&
        to.dev === from.dev &&
        to.ino === from.ino &&
        !job.quiet &&
        job.list === '' &&
        job.most > 1
      ) {
        await c.warn(`${name}: input file is also the output`);
        trouble = true;
      } else await search.file(opened.value, path === '-' ? job.label : name);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errno === 'EISDIR') {
        if (!job.silent) await c.warn(`${name}: Is a directory`);
        // A directory is no match, and trouble since 2.11 only when it was named.
        trouble = true;
      } else await complain(name, error);
    } finally {
      if (opened.value !== 0) p.close(opened.value);
    }
  };
  for (const file of files) {
    await visit(file, file, true);
    if (job.quiet && search.matched) return 0;
  }
  return trouble ? TROUBLE : search.matched ? 0 : 1;
}

export const grep: Program = command((c) => run(c, ''), { trouble: TROUBLE });
/** Debian's egrep and fgrep are grep -E and grep -F without a word about it. */
export const egrep: Program = command((c) => run(c, 'E'), { trouble: TROUBLE });
export const fgrep: Program = command((c) => run(c, 'F'), { trouble: TROUBLE });
