/** Worlds for tests: a process as a body of TypeScript, and after it an audit of the machine. */
import { expect } from 'vitest';
import { bytesOf, textOf } from '../../../bindings/shell/kernel/bytes.ts';
import { SyscallError } from '../../../bindings/shell/kernel/error.ts';
import type { Body, Process, Program } from '../../../bindings/shell/kernel/syscalls.ts';
import { type RunResult, World, type WorldOptions } from '../../../bindings/shell/kernel/world.ts';

export const SECOND = 1_000_000_000n;

/** Writes a line to standard output. */
export async function say(process: Process, text: string): Promise<void> {
  await process.write(1, bytesOf(`${text}\n`));
}

export async function readFile(process: Process, path: string): Promise<string> {
  const fd = await process.open(path, { read: true });
  let text = '';
  for (;;) {
    const bytes = await process.read(fd, 65536);
    if (bytes.length === 0) break;
    text += textOf(bytes);
  }
  process.close(fd);
  return text;
}

/** `printf TEXT > PATH` */
export async function writeFile(process: Process, path: string, text: string): Promise<void> {
  const fd = await process.open(path, { write: true, create: true, truncate: true });
  try {
    await process.write(fd, bytesOf(text));
  } finally {
    process.close(fd);
  }
}

/** The errno that a call fails with, or `ok`. */
export async function errnoOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'ok';
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
}

export async function boot(programs: Record<string, Program> = {}, options: WorldOptions = {}): Promise<World> {
  return World.boot({ kernel: '6.1', programs: new Map(Object.entries(programs)), ...options });
}

/** Runs a body in a world of its own. */
export async function run(body: Body, programs: Record<string, Program> = {}): Promise<RunResult & { world: World }> {
  const world = await boot(programs);
  const result = await world.runBody(body);
  expect(world.machine.audit()).toBeNull();
  return { ...result, world };
}
