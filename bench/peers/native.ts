/** The C peers: compiled when the bench runs, each a child process that replays a round when it is told to. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import type { Workload } from '../workload.ts';

const sourceAt = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const FLAGS = ['-O3', '-march=native'];

/** Variants of engine.c by name, with their defines. */
export const NATIVE_VARIANTS: ReadonlyMap<string, string[]> = new Map([
  ['C', []],
  ['C, atomic', ['-DATOMIC']],
  ['C, prefetch', ['-DPREFETCH']],
  ['C, linked list', ['-DLINKED']],
]);

/** Variants of yardstick.c. */
export const YARDSTICK_VARIANTS: ReadonlyMap<string, string[]> = new Map([
  ['C, linked list', []],
  ['C, linked list, prefetch', ['-DPREFETCH']],
  ['C, logs, prefetch', ['-DLOGS', '-DPREFETCH']],
]);

/** Name and version of the C compiler; null where there is none. */
export function compilerVersion(): string | null {
  const { status, stdout } = spawnSync('cc', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n', 1)[0]! : null;
}

/** Compiles `source` with these defines into `directory`; answers the program's path. */
export function compileNative(
  name: string,
  directory: string,
  source = 'engine.c',
  defines = NATIVE_VARIANTS.get(name)!,
): string {
  const program = join(directory, `${source} ${name}`.replaceAll(/\W+/g, '-'));
  execFileSync('cc', [...FLAGS, ...defines, '-o', program, sourceAt(source)]);
  return program;
}

/** Writes a workload where the C peers read it: eight words, parents, cgroups of the tasks, then the columns. */
export function writeWorkload(workload: Workload, path: string): void {
  const { columns, parents, taskCgroups } = workload;
  const words = [...parents, ...taskCgroups];
  const head = new Uint32Array((8 + words.length + 1) & ~1);
  head.set([parents.length - 1, taskCgroups.length - 1, workload.cpus, workload.frames]);
  head.set([columns.length, workload.prefill, head.byteLength, 0, ...words], 4);
  const fd = openSync(path, 'w');
  try {
    writeSync(fd, head);
    for (const bytes of columns.bytes()) {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      if (bytes.length % 8) writeSync(fd, new Uint8Array(8 - (bytes.length % 8)));
    }
  } finally {
    closeSync(fd);
  }
}

export function nativePeer(name: string, program: string, workloadPath: string): Peer {
  const child = spawn(program, [workloadPath], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (command: string) => {
    child.stdin.write(`${command}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} ended at "${command}"`);
    return value;
  };
  return {
    name,
    reset: async () => void (await ask('reset')),
    round: async () => Number(await ask('round')),
    state: async () => (await ask('state')).split(' ').map(Number),
    close: () => child.stdin.end(),
  };
}
