/**
 * Which cgroup a process is in, where the recording does not say: `pid:1234=/jobs/a`, `comm:python3=/jobs/b`, `*=/rest`, from the
 * command line or one a line of a file. A pid beats a command, a command beats `*`. A command may end in `*`.
 */
import { readFile } from 'node:fs/promises';
import { fileError, InputError } from './input-error.ts';

export class CgroupMap {
  readonly #pids = new Map<number, string>();
  readonly #comms = new Map<string, string>();
  readonly #prefixes: [prefix: string, path: string][] = [];
  #rest: string | null = null;

  /**
   * The map of `--cgroups` options: rules, or `@FILE` with a rule a line (`#` begins a comment). Throws InputError that names the
   * option or the line.
   */
  static async parse(options: readonly string[]): Promise<CgroupMap> {
    const map = new CgroupMap();
    for (const option of options) {
      if (!option.startsWith('@')) {
        map.#add(option, '--cgroups');
        continue;
      }
      const path = option.slice(1);
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        throw fileError(path, error);
      }
      text.split('\n').forEach((line, i) => {
        const rule = line.trim();
        if (rule !== '' && !rule.startsWith('#')) map.#add(rule, `${path}:${i + 1}`);
      });
    }
    return map;
  }

  /** Path of the cgroup that a process begins in; null: no rule says. `comm` is what it is called at the time. */
  of(pid: number, comm: string): string | null {
    const byPid = this.#pids.get(pid);
    if (byPid !== undefined) return byPid;
    const byComm = this.#comms.get(comm);
    if (byComm !== undefined) return byComm;
    for (const [prefix, path] of this.#prefixes) if (comm.startsWith(prefix)) return path;
    return this.#rest;
  }

  /** Some rule goes by command, so that a process that calls itself otherwise may have to move. */
  get byCommand(): boolean {
    return this.#comms.size > 0 || this.#prefixes.length > 0;
  }

  #add(rule: string, where: string): void {
    const parts = /^(?:(pid|comm):(.+)|(\*))=(\/[^=]*)$/.exec(rule);
    if (parts === null) throw new InputError(`${where}: ${rule}: not pid:NUMBER=/PATH, comm:NAME=/PATH or *=/PATH`);
    const [, key, value, , path] = parts as unknown as [string, string | undefined, string, string, string];
    if (path !== '/' && (path.endsWith('/') || path.includes('//')))
      throw new InputError(`${where}: ${rule}: ${path} is not a path of a cgroup`);
    if (key === undefined) this.#rest = path;
    else if (key === 'comm') {
      if (value.endsWith('*')) this.#prefixes.push([value.slice(0, -1), path]);
      else this.#comms.set(value, path);
    } else {
      if (!/^\d{1,10}$/.test(value)) throw new InputError(`${where}: ${rule}: ${value} is not a pid`);
      this.#pids.set(Number(value), path);
    }
  }
}
