/** The scripts of this folder and what real kernels printed for them: recordings/NAME.KERNEL.json, three runs each. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;

/** A kernel that there are recordings of. */
export type Kernel = '6.1' | '6.18';

/** One script of test/parity. */
export interface Script {
  /** File name without `.sh`. */
  readonly name: string;
  readonly source: string;
}

/** All scripts, by number; those that were given with the issue come first and have recordings of both kernels. */
export function scripts(): Script[] {
  return readdirSync(here)
    .filter((file) => file.endsWith('.sh'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.sh'.length), source: readFileSync(join(here, file), 'utf8') }));
}

const path = (name: string, kernel: Kernel): string => join(here, 'recordings', `${name}.${kernel}.json`);

/** A script's lines in each recorded run, or null if that kernel has not been recorded. */
export function recorded(name: string, kernel: Kernel): string[][] | null {
  const file = path(name, kernel);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { runs: string[][] }).runs : null;
}

/** Keeps the lines of a script's runs. */
export function record(name: string, kernel: Kernel, runs: readonly (readonly string[])[]): void {
  const lines = runs.map((run) => `    [${run.map((line) => JSON.stringify(line)).join(', ')}]`);
  writeFileSync(path(name, kernel), `{\n  "runs": [\n${lines.join(',\n')}\n  ]\n}\n`);
}
