/**
 * Steps on the control files as linux-6.1/prelude.sh takes them on a real kernel, on a machine of ours: `w FILE 'TEXT'` writes,
 * `c` reads, `l` lists, `m` and `r` make and remove a cgroup, `s` starts a process, `v` moves it, `p` lists processes by their names,
 * `k` kills one and waits for it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupFs } from '../../bindings/cgroupfs/cgroupfs.ts';
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
        this.#pids.set(path, this.#host.fork(this.#fs, this.#host.shell));
        return ' ok';
      case 'k':
        this.#host.kill(this.#pids.get(path)!);
        this.#host.reap(this.#pids.get(path)!);
        return ' ok';
      case 'm':
      case 'r':
        try {
          if (verb === 'm') this.#fs.mkdir(path);
          else this.#fs.rmdir(path);
          return ' ok';
        } catch (error) {
          return ` ${failure(error)}`;
        }
      default:
        return this.#read(verb, path);
    }
  }

  #read(verb: string, path: string): string {
    try {
      if (verb === 'l') return ` ${['.', '..', ...this.#fs.list(path)].join(' ')}`;
      const content = this.#fs.read(path);
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
      const file = this.#fs.open(path, { write: true, create: true });
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
