/**
 * memtouch [-dp] [-m CGROUP] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE | memfd SIZE: touches one byte in every page of a fresh
 * mapping and exits; with -d it stays behind as a daemon once everything is touched, prints its pid and holds the memory until it is killed. -p:
 * nothing is touched, it is mapped with MAP_POPULATE, and the number of pages that this brought is printed. -m: the cgroup that pays for the segment or
 * the memfd, under a charging policy that has that.
 */
import { bytesOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Mapping, Process, Program } from '../kernel/syscalls.ts';
import { attempt, Command, writeAll } from './command.ts';

const USAGE =
  'usage: memtouch [-dp] [-m CGROUP] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE | memfd SIZE\n';

interface Options {
  daemon: boolean;
  populate: boolean;
  payer?: string;
}

/** The options, and how many words they are. Null: one is wrong. */
function optionsOf(argv: readonly string[]): { options: Options; words: number } | null {
  const options: Options = { daemon: false, populate: false };
  let at = 1;
  for (; argv[at]?.startsWith('-'); at++) {
    if (argv[at] === '-m' && argv[at + 1] !== undefined) options.payer = argv[++at]!;
    else if (argv[at] === '-d') options.daemon = true;
    else if (argv[at] === '-p') options.populate = true;
    else return null;
  }
  return { options, words: at };
}

/** strtoll(3) and a suffix */
function sizeOf(text: string): number {
  const match = /^\s*([+-]?\d+)(.?)/.exec(text);
  if (match === null) return 0;
  return Number(match[1]) * ({ k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[match[2]!.toLowerCase()] ?? 1);
}

async function touch(process: Process, args: readonly string[], options: Options): Promise<number> {
  const { populate, payer } = options;
  const chosen = payer === undefined ? {} : { payer };
  const [how, first = '', second = ''] = args;
  let mapping: Mapping;
  let write = true;
  const size = sizeOf(how === 'anon' || how === 'memfd' ? first : second);
  const pages = Math.ceil(size / 4096);
  const trouble = async (what: string, error: SyscallError) => {
    await writeAll(process, 2, bytesOf(`${what}: ${error.message}\n`));
    return 1;
  };
  const map = (call: () => Mapping) =>
    attempt(() => {
      if (size <= 0) throw new SyscallError(size < 0 ? 'ENOMEM' : 'EINVAL');
      return call();
    });
  if (how === 'anon') {
    const result = await map(() => process.mmap(pages));
    if ('error' in result) return trouble('memtouch: map', result.error);
    mapping = result.value;
  } else if (how === 'shm') {
    const id = await attempt(() =>
      process.shmget(Number.parseInt(first, 10) || 0, size, { create: true, mode: 0o600, ...chosen }),
    );
    if ('error' in id) return trouble('memtouch: shmget', id.error);
    const result = await attempt(() => process.shmat(id.value));
    if ('error' in result) return trouble('memtouch: map', result.error);
    mapping = result.value;
  } else {
    const memfd = how === 'memfd';
    write = how === 'write' || memfd;
    const opened = await attempt(async () =>
      memfd
        ? process.memfdCreate('memtouch', chosen)
        : process.open(first, write ? { read: true, write: true, create: true } : { read: true }, 0o600),
    );
    if ('error' in opened) return trouble(memfd ? 'memtouch: memfd_create' : first, opened.error);
    const fd = opened.value;
    if (write) {
      const result = await attempt(() => process.ftruncate(fd, size));
      if ('error' in result) return trouble('memtouch: ftruncate', result.error);
    }
    const result = await map(() => process.mmapFile(fd, { pages, write, random: true }));
    if ('error' in result) return trouble('memtouch: map', result.error);
    mapping = result.value;
  }
  if (!populate) {
    await process.touch(mapping, { write });
    return 0;
  }
  const there = await process.populate(mapping, { write });
  await writeAll(process, 1, bytesOf(`${there}\n`));
  return 0;
}

export const memtouch: Program = async (process, argv) => {
  const running = new Command(process, argv, {});
  const { options, words } = optionsOf(argv) ?? { options: null, words: 0 };
  const args = argv.slice(words);
  const least = args[0] === 'anon' || args[0] === 'memfd' ? 2 : 3;
  if (options === null || args.length < least) {
    await running.print(USAGE);
    return 2;
  }
  if (!options.daemon) return touch(process, args, options);
  const [from, to] = process.pipe();
  const child = process.fork(async (self) => {
    self.setsid();
    const status = await touch(self, args, options);
    await self.write(to, Uint8Array.of(status));
    if (status !== 0) return status;
    for (const fd of [0, 1, 2]) if (self.isOpen(fd)) self.close(fd);
    for (;;) await self.pause();
  });
  process.close(to);
  const answer = await process.read(from, 1);
  if (answer.length === 0) {
    await process.wait(child.pid);
    await running.print('memtouch: killed\n');
    return 137;
  }
  if (answer[0] !== 0) return answer[0]!;
  await running.out.write(`${child.pid}\n`);
  return running.close(0);
};
