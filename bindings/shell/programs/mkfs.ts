/** mkfs(8) and its like: the world's disk has its file system already, so they say that they do nothing */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';

export const mkfs: Program = command(
  async (c: Command) => c.fail('making a file system is not supported; /disk has an ext4 of its own, tmpfs needs none'),
  { utilLinux: true },
);
