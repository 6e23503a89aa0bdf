/**
 * Steps on the control files as linux-6.1/prelude.sh takes them on a real kernel, on a machine of ours: `w FILE 'TEXT'` writes,
 * `c` reads, `l` lists, `S` is stat(2), `m` and `r` make and remove a cgroup, `o` and `h` are chown and chmod, `U` says which user does
 * it from here on. `s` starts a process, `t` one with threads, `v` moves it, `p` lists processes by their names, `q` asks where one is;
 * `k` kills one and waits for it, `x` ends the leader of threads, `z` starts a process that nobody will wait for, and `d` kills that.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupFs } from '../../bindings/cgroupfs/cgroupfs.ts';
import type { Credentials } from '../../bindings/cgroupfs/file-type.ts';
import { EngineError } from '../../bindings/engine/error.ts';
import { strerror } from '../../bindings/shell/kernel/strerror.ts';
import type { Host } from './host.ts';

export interface Step {
  /** the whole line: `w /a/memory.max '1M' => ok` */
  line: string;
  words: string[];
}

/** A recording's lines. */
export function readSteps(name: string): Step[] {
  return readFileSync(join(import.meta.dirname, 'linux-6.1', name), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' =>'))
    .map((line) => {
      const step = line.slice(0, line.indexOf(' =>'));
      const [verb = '', path = ''] = step.split(' ');
      const rest = step.slice(verb.length + path.length + 2);
      return { line, words: [verb, path, verb === 'w' ? rest.slice(1, -1) : rest] };
    });
}

function failure(error: unknown): string {
  if (error instanceof EngineError) return strerror(error.errno);
  throw error;
}

export class Steps {
  readonly #fs: CgroupFs;
  readonly #host: Host;
  readonly #pids = new Map<string, number>();
  #by: { credentials: Credentials } = { credentials: { uid: 0, gid: 0 } };

  constructor(fs: CgroupFs, host: Host) {
    this.#fs = fs;
    this.#host = host;
  }

  /** The step with what came of it, as the recording has it. */
  run({ words: [verb, path, text] }: Step): string {
    const what = verb === 'w' ? `w ${path} '${text}'` : [verb, path, text].filter((word) => word !== '').join(' ');
    const shown = verb === 'r' && path === '' ? 'r ' : what;
    return `${shown} =>${this.#result(verb!, path!, text!)}`;
  }

  #result(verb: string, path: string, text: string): string {
    switch (verb) {
      case 'w':
        return ` ${this.#write(path, text.replaceAll('\\n', '\n').replaceAll('\\t', '\t'))}`;
      case 'v':
        return ` ${this.#write(text, `${this.#pids.get(path)}\n`)}`;
      case 's':
      case 't':
      case 'z':
      case 'k':
      case 'x':
      case 'd':
        this.#process(verb, path, Number(text));
        return ' ok';
      case 'U':
        this.#by = { credentials: { uid: Number(path), gid: Number(path) } };
        return ' ok';
      case 'q':
        return ` ${this.#fs.cgroupOf(this.#pids.get(path)!)}`;
      case 'm':
      case 'r':
      case 'o':
      case 'h':
      case 'S':
        try {
          return ` ${this.#change(verb, path, text)}`;
        } catch (error) {
          return ` ${failure(error)}`;
        }
      default:
        return this.#read(verb, path);
    }
  }

  #process(verb: string, name: string, threads: number): void {
    const host = this.#host;
    const pid = this.#pids.get(name)!;
    if (verb === 'k') {
      host.kill(pid);
      host.reap(pid);
    } else if (verb === 'd') host.kill(pid);
    else if (verb === 'x') host.exitThread(pid);
    else {
      const born = host.fork(this.#fs, host.shell);
      this.#pids.set(name, born);
      if (verb === 'z') host.orphans.add(born);
      if (verb === 't')
        for (let i = 1; i <= threads; i++) this.#pids.set(`${name}.${i}`, host.fork(this.#fs, born, true));
    }
  }

  #change(verb: string, path: string, text: string): string {
    if (verb === 'm') this.#fs.mkdir(path, this.#by);
    else if (verb === 'r') this.#fs.rmdir(path, this.#by);
    else if (verb === 'o') this.#fs.chown(path, Number(text), Number(text));
    else if (verb === 'h') this.#fs.chmod(path, Number.parseInt(text, 8), this.#by);
    else {
      const { mode, uid, gid, nlink, inode } = this.#fs.stat(path);
      return `${mode.toString(8)} ${uid} ${gid} ${nlink} ${inode}`;
    }
    return 'ok';
  }

  #read(verb: string, path: string): string {
    try {
      if (verb === 'l') return ` ${['.', '..', ...this.#fs.list(path, this.#by)].join(' ')}`;
      const content = this.#fs.read(path, verb === 'p' ? {} : this.#by);
      if (verb === 'c') return ` ${content.replace(/\n+$/, '').replaceAll('\n', '|')}`;
      const names = new Map([...this.#pids].map(([name, pid]) => [pid, name]));
      return content
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => ` ${names.get(Number(line)) ?? '?'}`)
        .join('');
    } catch (error) {
      return ` error ${failure(error)}`;
    }
  }

  /** By a process of its own, as a subshell of bash. */
  #write(path: string, text: string): string {
    const writer = this.#host.fork(this.#fs, this.#host.shell);
    let opened = false;
    try {
      const file = this.#fs.open(path, { write: true, create: true }, this.#by);
      opened = true;
      // bash's echo writes line by line.
      for (const line of text.split(/(?<=\n)/)) file.write(line, writer);
      file.close();
      return 'ok';
    } catch (error) {
      return `${opened ? 'write' : 'open'}: ${failure(error)}`;
    } finally {
      this.#host.kill(writer);
      this.#host.reapAll();
    }
  }
}
