/** find(1) of findutils: the common tests and actions */
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program, Stat } from '../kernel/syscalls.ts';
import { attempt, type Command, command, complain, errorOf, statOrUndefined } from './command.ts';
import { execvp, notRun, waitFor } from './execute.ts';
import { globToRegExp } from './grep.ts';
import { modeText, parseMode } from './modes.ts';
import { groups, idOf, type NamedId, nameOf, users } from './names.ts';
import { baseName, dirName, joinPath } from './paths.ts';
import { quoteName } from './quote.ts';
import { Regex } from './regex.ts';
import { formatTime, seconds } from './times.ts';

interface Visit {
  path: string;
  /** the starting point that it is under */
  root: string;
  depth: number;
  stat: Stat;
  prune: boolean;
}

type Test = (visit: Visit) => Promise<boolean>;
const TYPES: Readonly<Record<string, Stat['type']>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  c: 'char',
  b: 'block',
};
const LETTERS = { file: 'f', directory: 'd', symlink: 'l', fifo: 'p', char: 'c', block: 'b' };
const DAY = 86_400n * 1_000_000_000n;
const MINUTE = 60n * 1_000_000_000n;

class Parser {
  readonly #c: Command;
  readonly #p: Process;
  readonly #words: readonly string[];
  #at = 0;
  /** whether an action other than -prune is among them */
  acts = false;
  least = 0;
  most = Number.POSITIVE_INFINITY;
  depthFirst = false;
  oneDevice = false;
  quit = false;
  /** -exec … {} + gathers */
  readonly #batches: { words: string[]; paths: string[] }[] = [];
  readonly #users: NamedId[];
  readonly #groups: NamedId[];

  constructor(c: Command, words: readonly string[], knownUsers: NamedId[], knownGroups: NamedId[]) {
    this.#c = c;
    this.#p = c.process;
    this.#words = words;
    this.#users = knownUsers;
    this.#groups = knownGroups;
  }

  parse(): Test {
    if (this.#words.length === 0) return async () => true;
    const test = this.#comma();
    if (this.#at < this.#words.length) {
      if (this.#words[this.#at] === ')') this.#c.fail("invalid expression; you have too many ')'");
      this.#c.fail(`paths must precede expression: \`${this.#words[this.#at]}'`);
    }
    return test;
  }

  #comma(): Test {
    let left = this.#or();
    while (this.#words[this.#at] === ',') {
      this.#at++;
      const [a, b] = [left, this.#or()];
      left = async (visit) => {
        await a(visit);
        return b(visit);
      };
    }
    return left;
  }

  #or(): Test {
    let left = this.#and();
    while (this.#words[this.#at] === '-o' || this.#words[this.#at] === '-or') {
      this.#at++;
      const [a, b] = [left, this.#and()];
      left = async (visit) => (await a(visit)) || b(visit);
    }
    return left;
  }

  #and(): Test {
    let left = this.#not();
    for (;;) {
      const word = this.#words[this.#at];
      if (word === undefined || word === '-o' || word === '-or' || word === ',' || word === ')') return left;
      if (word === '-a' || word === '-and') this.#at++;
      const [a, b] = [left, this.#not()];
      left = async (visit) => (await a(visit)) && b(visit);
    }
  }

  #not(): Test {
    const word = this.#words[this.#at];
    if (word === '!' || word === '-not') {
      this.#at++;
      if (this.#at >= this.#words.length) this.#c.fail(`expected an expression after '${word}'`);
      const test = this.#not();
      return async (visit) => !(await test(visit));
    }
    if (word === '(') {
      this.#at++;
      const test = this.#comma();
      if (this.#words[this.#at] !== ')')
        this.#c.fail("invalid expression; I was expecting to find a ')' somewhere but did not see one.");
      this.#at++;
      return test;
    }
    return this.#primary();
  }

  #argument(name: string): string {
    const word = this.#words[this.#at++];
    if (word === undefined) this.#c.fail(`missing argument to \`${name}'`);
    return word;
  }

  /** `+5`, `-5`, `5` */
  #compare(name: string, text: string): (value: bigint) => boolean {
    const match = /^([-+]?)(\d+)$/.exec(text);
    if (match === null) this.#c.fail(`invalid argument \`${text}' to \`${name}'`);
    const wanted = BigInt(match[2]!);
    if (match[1] === '+') return (value) => value > wanted;
    if (match[1] === '-') return (value) => value < wanted;
    return (value) => value === wanted;
  }

  #primary(): Test {
    const name = this.#words[this.#at++];
    const c: Command = this.#c;
    const p = this.#p;
    if (name === undefined) c.fail('expression expected');
    switch (name) {
      case '-true':
        return async () => true;
      case '-false':
        return async () => false;
      case '-name':
      case '-iname': {
        const text = this.#argument(name);
        const glob = globToRegExp(name === '-iname' ? text.toLowerCase() : text);
        return async ({ path }) => glob.test(name === '-iname' ? baseName(path).toLowerCase() : baseName(path));
      }
      case '-path':
      case '-wholename':
      case '-ipath': {
        const text = this.#argument(name);
        const glob = globToRegExp(name === '-ipath' ? text.toLowerCase() : text);
        return async ({ path }) => glob.test(name === '-ipath' ? path.toLowerCase() : path);
      }
      case '-regex': {
        const regex = new Regex(`^\\(${this.#argument(name)}\\)$`, { extended: false });
        return async ({ path }) => regex.test(path);
      }
      case '-type': {
        const letters = this.#argument(name).split(',');
        for (const letter of letters) if (TYPES[letter] === undefined) c.fail(`Unknown argument to -type: ${letter}`);
        return async ({ stat }) => letters.some((letter) => TYPES[letter] === stat.type);
      }
      case '-maxdepth':
      case '-mindepth': {
        const text = this.#argument(name);
        if (!/^\d+$/.test(text))
          c.fail(`Expected a positive decimal integer argument to ${name}, but got ${quoteName(text)}`);
        if (name === '-maxdepth') this.most = Number(text);
        else this.least = Number(text);
        return async () => true;
      }
      case '-depth':
      case '-d':
        this.depthFirst = true;
        return async () => true;
      case '-xdev':
      case '-mount':
        this.oneDevice = true;
        return async () => true;
      case '-empty':
        return async ({ path, stat }) => {
          if (stat.type === 'directory') return p.readdir(path).length === 0;
          return stat.type === 'file' && stat.size === 0;
        };
      case '-size': {
        const text = this.#argument(name);
        const match = /^([-+]?\d+)([cwbkMG]?)$/.exec(text);
        if (match === null) c.fail(`Invalid argument \`${text}' to -size`);
        const unit = { c: 1, w: 2, b: 512, '': 512, k: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2]!]!;
        const compare = this.#compare(name, match[1]!);
        return async ({ stat }) => compare(BigInt(Math.ceil(stat.size / unit)));
      }
      case '-perm': {
        const text = this.#argument(name);
        const kind = /^[-/]/.test(text) ? text[0]! : '';
        const change = parseMode(kind === '' ? text : text.slice(1), 0);
        if (change === undefined) c.fail(`invalid mode ${quoteName(text)}`);
        const wanted = change(0, false);
        return async ({ stat }) => {
          if (kind === '-') return (stat.mode & wanted) === wanted;
          if (kind === '/') return wanted === 0 || (stat.mode & wanted) !== 0;
          return stat.mode === wanted;
        };
      }
      case '-user':
      case '-group': {
        const text = this.#argument(name);
        const id = idOf(name === '-user' ? this.#users : this.#groups, text);
        if (id === undefined)
          c.fail(
            name === '-user'
              ? `${quoteName(text)} is not the name of a known user`
              : `${quoteName(text)} is not the name of an existing group`,
          );
        return async ({ stat }) => (name === '-user' ? stat.uid : stat.gid) === id;
      }
      case '-newer': {
        const text = this.#argument(name);
        const other = statOrUndefined(p, text);
        if (other === undefined) c.fail(`${quoteName(text)}: No such file or directory`);
        return async ({ stat }) => stat.mtime > other.mtime;
      }
      case '-links': {
        const compare = this.#compare(name, this.#argument(name));
        return async ({ stat }) => compare(BigInt(stat.nlink));
      }
      case '-inum': {
        const compare = this.#compare(name, this.#argument(name));
        return async ({ stat }) => compare(BigInt(stat.ino));
      }
      case '-mtime':
      case '-atime':
      case '-ctime':
      case '-mmin':
      case '-amin':
      case '-cmin': {
        const compare = this.#compare(name, this.#argument(name));
        const which = ({ m: 'mtime', a: 'atime', c: 'ctime' } as const)[name[1] as 'm' | 'a' | 'c'];
        const unit = name.endsWith('min') ? MINUTE : DAY;
        return async ({ stat }) => {
          const age = p.realtime - stat[which];
          return compare(age < 0n ? 0n : unit === MINUTE ? (age + unit - 1n) / unit : age / unit);
        };
      }
      case '-readable':
        return async ({ path }) => p.access(path, { read: true });
      case '-writable':
        return async ({ path }) => p.access(path, { write: true });
      case '-executable':
        return async ({ path }) => p.access(path, { execute: true });
      case '-prune':
        return async (visit) => {
          visit.prune = true;
          return true;
        };
      case '-print':
      case '-print0':
        this.acts = true;
        return async ({ path }) => {
          await c.out.write(path + (name === '-print' ? '\n' : '\0'));
          return true;
        };
      case '-printf': {
        this.acts = true;
        const format = this.#argument(name);
        return async (visit) => {
          await c.out.write(this.#printf(format, visit));
          return true;
        };
      }
      case '-delete':
        this.acts = true;
        this.depthFirst = true;
        return async ({ path, stat }) => {
          if (path === '.') return true;
          const failure = await errorOf(() => (stat.type === 'directory' ? p.rmdir(path) : p.unlink(path)));
          if (failure === undefined) return true;
          await c.error(`cannot delete ${quoteName(path)}: ${failure.message}`);
          return false;
        };
      case '-quit':
        this.acts = true;
        return async () => {
          this.quit = true;
          return true;
        };
      case '-exec':
      case '-execdir':
        return this.#exec(name);
      default:
        c.fail(name.startsWith('-') ? `unknown predicate \`${name}'` : `paths must precede expression: \`${name}'`);
    }
  }

  #exec(name: string): Test {
    this.acts = true;
    if (name === '-execdir') this.#c.fail('-execdir is not supported');
    const words: string[] = [];
    for (;;) {
      const word = this.#words[this.#at++];
      if (word === undefined) this.#c.fail("missing argument to `-exec'");
      if (word === ';') break;
      if (word === '+' && words.at(-1) === '{}') {
        const batch = { words: words.slice(0, -1), paths: [] as string[] };
        this.#batches.push(batch);
        return async ({ path }) => {
          batch.paths.push(path);
          return true;
        };
      }
      words.push(word);
    }
    if (words.length === 0) this.#c.fail("invalid argument `;' to `-exec'");
    return async ({ path }) => (await this.#run(words.map((word) => word.replaceAll('{}', path)))) === 0;
  }

  async #run(words: readonly string[]): Promise<number> {
    await this.#c.out.flush();
    const child = this.#p.fork(async (self) => {
      try {
        return await execvp(self, words);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        await complain(self, `${this.#c.name}: ${quoteName(words[0]!)}: ${error.message}\n`);
        return notRun(error);
      }
    });
    const status = await waitFor(this.#p, child.pid);
    return 'exit' in status ? status.exit : 128 + status.signal;
  }

  /** Runs what -exec … + has gathered. */
  async finish(): Promise<void> {
    for (const { words, paths } of this.#batches)
      if (paths.length > 0 && (await this.#run([...words, ...paths])) !== 0) this.#c.status = 1;
  }

  #printf(format: string, { path, root, depth, stat }: Visit): string {
    const time = (ns: bigint) => formatTime('%a %b %e %H:%M:%S.%N0 %Y', ns);
    return format.replace(
      /\\([abfnrtv0\\]|[0-7]{1,3})|%([-0#+ ]*)(\d*)(?:\.(\d+))?([A-Za-z%])([@A-Za-z+]?)/g,
      (whole, escaped: string | undefined, flags: string, width: string, _precision, letter: string, next: string) => {
        if (escaped !== undefined)
          return (
            { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' }[escaped] ??
            String.fromCharCode(Number.parseInt(escaped, 8))
          );
        const values: Record<string, () => string> = {
          '%': () => '%',
          p: () => path,
          f: () => baseName(path),
          h: () => (path.includes('/') ? dirName(path) : '.'),
          P: () => (path === root ? '' : path.slice(root.length).replace(/^\/+/, '')),
          H: () => root,
          d: () => String(depth),
          s: () => String(stat.size),
          k: () => String(Math.ceil(stat.blocks / 2)),
          b: () => String(stat.blocks),
          m: () => stat.mode.toString(8),
          M: () => modeText(stat.type, stat.mode),
          n: () => String(stat.nlink),
          i: () => String(stat.ino),
          D: () => String(stat.dev),
          U: () => String(stat.uid),
          G: () => String(stat.gid),
          u: () => nameOf(this.#users, stat.uid) ?? String(stat.uid),
          g: () => nameOf(this.#groups, stat.gid) ?? String(stat.gid),
          y: () => LETTERS[stat.type],
          l: () => (stat.type === 'symlink' ? this.#p.readlink(path) : ''),
          t: () => time(stat.mtime),
          a: () => time(stat.atime),
          c: () => time(stat.ctime),
        };
        let rest = next;
        let text: string;
        if ('TAC'.includes(letter) && next !== '') {
          const ns = { T: stat.mtime, A: stat.atime, C: stat.ctime }[letter as 'T' | 'A' | 'C'];
          text = next === '@' ? `${seconds(ns)}.${formatTime('%N', ns)}0` : formatTime(`%${next}`, ns);
          rest = '';
        } else {
          const value = values[letter];
          if (value === undefined) return whole;
          text = value();
        }
        text = flags.includes('-')
          ? text.padEnd(Number(width))
          : text.padStart(Number(width), flags.includes('0') ? '0' : ' ');
        return text + rest;
      },
    );
  }
}

export const find: Program = command(async (c: Command) => {
  const words = [...c.args];
  const p = c.process;
  let follow = false;
  while (/^-[HLP]$/.test(words[0] ?? '')) follow = words.shift() === '-L';
  const roots: string[] = [];
  while (words.length > 0 && !/^(-.|[(!,])/.test(words[0]!)) roots.push(words.shift()!);
  const parser = new Parser(c, words, await users(p), await groups(p));
  const test = parser.parse();
  const walk = async (path: string, root: string, depth: number, dev: number | undefined): Promise<void> => {
    if (parser.quit) return;
    let found = await attempt(() => (follow ? p.stat(path) : p.lstat(path)));
    if ('error' in found && follow) found = await attempt(() => p.lstat(path));
    if ('error' in found) {
      await c.error(`${quoteName(path)}: ${found.error.message}`);
      return;
    }
    const visit: Visit = { path, root, depth, stat: found.value, prune: false };
    const inRange = depth >= parser.least && depth <= parser.most;
    const apply = async () => {
      if (inRange && !parser.quit && (await test(visit)) && !parser.acts) await c.out.write(`${path}\n`);
    };
    if (!parser.depthFirst) await apply();
    const elsewhere = parser.oneDevice && dev !== undefined && dev !== visit.stat.dev;
    if (visit.stat.type === 'directory' && depth < parser.most && !elsewhere && !(visit.prune && !parser.depthFirst)) {
      const names = await attempt(() => p.readdir(path));
      if ('error' in names) await c.error(`${quoteName(path)}: ${names.error.message}`);
      else for (const name of names.value) await walk(joinPath(path, name), root, depth + 1, visit.stat.dev);
    }
    if (parser.depthFirst) await apply();
  };
  for (const root of roots.length === 0 ? ['.'] : roots) await walk(root, root, 0, undefined);
  await parser.finish();
  return undefined;
});
