/**
 * memtouch [-d] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE: touches one byte in every page of a fresh mapping and exits;
 * with -d it stays behind as a daemon once everything is touched, prints its pid and holds the memory until it is killed.
 */
import { bytesOf } from '../kernel/bytes.ts';
import { SyscallError } from '../kernel/error.ts';
import type { Mapping, Process, Program } from '../kernel/syscalls.ts';
import { attempt, Command, writeAll } from './command.ts';

const USAGE = 'usage: memtouch [-d] anon SIZE | read PATH SIZE | write PATH SIZE | shm KEY SIZE\n';

/** strtoll(3) and a suffix */
function sizeOf(text: string): number {
  const match = /^\s*([+-]?\d+)(.?)/.exec(text);
  if (match === null) return 0;
  return Number(match[1]) * ({ k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[match[2]!.toLowerCase()] ?? 1);
}

async function touch(process: Process, args: readonly string[]): Promise<number> {
  const [how, first = '', second = ''] = args;
  let mapping: Mapping;
  let write = true;
  const size = sizeOf(how === 'anon' ? first : second);
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
      process.shmget(Number.parseInt(first, 10) || 0, size, { create: true, mode: 0o600 }),
    );
    if ('error' in id) return trouble('memtouch: shmget', id.error);
    const result = await attempt(() => process.shmat(id.value));
    if ('error' in result) return trouble('memtouch: map', result.error);
    mapping = result.value;
  } else {
    write = how === 'write';
    const opened = await attempt(() =>
      process.open(first, write ? { read: true, write: true, create: true } : { read: true }, 0o600),
    );
    if ('error' in opened) return trouble(first, opened.error);
    const fd = opened.value;
    if (write) {
      const result = await attempt(() => process.ftruncate(fd, size));
      if ('error' in result) return trouble('memtouch: ftruncate', result.error);
    }
    const result = await map(() => process.mmapFile(fd, { pages, write, random: true }));
    if ('error' in result) return trouble('memtouch: map', result.error);
    mapping = result.value;
  }
  await process.touch(mapping, { write });
  return 0;
}

export const memtouch: Program = async (process, argv) => {
  const running = new Command(process, argv, {});
  const daemon = argv[1] === '-d';
  const args = argv.slice(daemon ? 2 : 1);
  if (args.length < 2 || (args[0] !== 'anon' && args.length < 3)) {
    await running.print(USAGE);
    return 2;
  }
  if (!daemon) return touch(process, args);
  const [from, to] = process.pipe();
  const child = process.fork(async (self) => {
    self.setsid();
    const status = await touch(self, args);
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
