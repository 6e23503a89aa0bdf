/**
 * npm run parity -- --calibrate: what programs and objects of the kernel use, measured on the live kernel. How is in calibration.md.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileFootprint, FootprintData, ProgramFootprint } from '../../../bindings/shell/kernel/footprint-data.ts';
import { runOnGuest } from '../guest/guest.ts';
import { type CachedFile, type Held, held, sections } from './parse.ts';
import { HELD } from './programs.ts';
import { DAEMON, DAEMON_PAGES, forkScript, heldScript, objectScript } from './scripts.ts';

const output = join(import.meta.dirname, '../../../bindings/shell/kernel/footprint-data-6.1.ts');
const ROUNDS = 3;

type Sections = ReadonlyMap<string, Held>;

async function measure(source: string, name: string): Promise<Sections> {
  const { lines } = await runOnGuest(source, name, 300_000);
  return new Map([...sections(lines)].map(([section, text]) => [section, held(text)]));
}

const slabOf = ({ stat }: Held): number => stat.get('slab_reclaimable')! + stat.get('slab_unreclaimable')!;
const cachedOf = ({ ranges }: CachedFile): number => ranges.reduce((sum, [, count]) => sum + count, 0);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Nodes of a page cache: leaves of 64 pages and, above more than one, their parents. A page at index 0 alone needs none. */
function cacheNodes({ ranges }: CachedFile): number {
  const pages = ranges.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
  let level = new Set(pages);
  let nodes = 0;
  while (level.size > 1 || [...level].some((index) => index > 0)) {
    level = new Set([...level].map((index) => Math.floor(index / 64)));
    nodes += level.size;
  }
  return nodes;
}

function filesOf(one: Held): FileFootprint[] {
  return [...one.files].map(([path, file]) => {
    return { path, pages: file.pages, cached: cachedOf(file), mapped: one.mapped.get(path) ?? 0 };
  });
}

/** Measures everything and puts it together. */
async function footprint(): Promise<FootprintData> {
  const objects = await measure(objectScript(), 'objects.sh');
  const forks = await measure(forkScript(), 'forks.sh');
  const rounds: Sections[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await measure(heldScript(Object.keys(HELD)), 'programs.sh'));

  const object = (name: string): number => slabOf(objects.get(name)!);
  const left = (name: string): number => slabOf(objects.get(`left by ${name}`)!);
  const none = object('none');
  const file = object('open file') - none;
  const tmpfsInode = left('tmpfs 1 page');
  const cacheNode = left('tmpfs 63 pages') - tmpfsInode;
  const bufferHead = (left('disk 256 pages') - left('disk 256 pages read')) / 256;
  const ext4Inode = left('disk 1 page') - bufferHead;
  const pipe = slabOf(forks.get('substitution')!) - slabOf(forks.get('one subshell')!) - 2 * file;

  const before = rounds[0]!.get('before')!;
  const resident = new Set(before.files.keys());
  const programInode = object('open program') - object('open file');
  const task = slabOf(forks.get('one subshell')!) - 2 * slabOf(forks.get('bash')!);

  const daemon = forks.get(DAEMON)!;
  const program = (name: string): ProgramFootprint => {
    const seen = rounds.map((round) => round.get(name)!);
    const own = [...seen[0]!.files].filter(([path]) => !resident.has(path)).map(([, one]) => one);
    const ofFiles = own.reduce((sum, one) => sum + programInode + cacheNode * cacheNodes(one), 0);
    return {
      anon: median(seen.map((one) => one.anon)),
      tables: median(seen.map((one) => one.stat.get('pagetables')! / 4096)),
      slab: median(seen.map(slabOf)) - ofFiles,
      files: filesOf(seen[0]!),
      ...(name === 'memtouch' && {
        forked: { anon: daemon.anon - DAEMON_PAGES, mapped: daemon.mapped.get('/usr/bin/memtouch')! },
      }),
    };
  };
  const subshell = forks.get('one subshell')!;
  return {
    kernel: '6.1',
    origin: 'measured by npm run parity -- --calibrate on user-mode-linux with the programs of Debian 12',
    stackOrder: Math.log2(subshell.stat.get('kernel_stack')! / 4096),
    slab: task,
    objects: {
      file,
      pipe,
      tmpfsInode,
      ext4Inode,
      procInode: object('proc file read') - none,
      programInode,
      cacheNode,
      bufferHead,
      memcgPercpu: objects.get('left by child cgroup with memory')!.stat.get('percpu')!,
    },
    held: filesOf(before),
    programs: Object.fromEntries(Object.keys(HELD).map((name) => [name, program(name)])),
  };
}

/** Measures, and writes the data of Linux 6.1. */
export async function calibrate(): Promise<void> {
  const data = await footprint();
  const text = `/** What programs use on Linux 6.1. Written by \`npm run parity -- --calibrate\`: measure again rather than edit. */
import type { FootprintData } from './footprint-data.ts';

export const FOOTPRINT_6_1: FootprintData = ${JSON.stringify(data, null, 2)};
`;
  writeFileSync(output, text);
  execFileSync('npx', ['biome', 'check', '--write', output], { stdio: 'ignore' });
  console.log(`${output}: ${Object.keys(data.programs).length} programs`);
}
