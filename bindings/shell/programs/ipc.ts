/** ipcmk(1), ipcrm(1) and ipcs(1) of util-linux: shared memory */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { nameOf, users } from './names.ts';
import { parseSize } from './numbers.ts';

export const ipcmk: Program = command(
  async (c: Command) => {
    const { options } = c.parse('M:S:Qp:', { 'shmem=': 'M', 'semaphore=': 'S', queue: 'Q', 'mode=': 'p' });
    let size: number | undefined;
    let mode = 0o644;
    for (const { key, value } of options) {
      if (key === 'M') {
        size = parseSize(value);
        if (size === undefined) c.fail(`failed to parse size: '${value}'`);
      } else if (key === 'p') {
        if (!/^[0-7]+$/.test(value)) c.fail(`failed to parse mode: '${value}'`);
        mode = Number.parseInt(value, 8);
      } else c.fail('semaphores and message queues are not supported');
    }
    if (size === undefined) c.usage('bad usage');
    const bytes = size;
    // A key of its own, as random(4) would give one.
    const used = new Set(c.process.shmList().map(({ key }) => key));
    let key = 0x5f00_0000 + c.process.pid;
    while (used.has(key)) key++;
    const made = await attempt(() => c.process.shmget(key, bytes, { create: true, exclusive: true, mode }));
    if ('error' in made) c.fail(`create share memory failed: ${made.error.message}`);
    await c.out.write(`Shared memory id: ${made.value}\n`);
    return 0;
  },
  { utilLinux: true },
);

const REMOVE_LONG = {
  ...{ 'shmem-id=': 'm', 'shmem-key=': 'M', 'queue-id=': 'q', 'queue-key=': 'Q', 'semaphore-id=': 's' },
  ...{ 'semaphore-key=': 'S', 'all=?': 'a', verbose: 'v' },
};

export const ipcrm: Program = command(
  async (c: Command) => {
    const p = c.process;
    const remove = async (id: number, shown: string, what: 'id' | 'key'): Promise<void> => {
      const failure = await errorOf(() => p.shmRemove(id));
      if (failure === undefined) return;
      const text = {
        EACCES: `permission denied for ${what}`,
        EPERM: `permission denied for ${what}`,
        EIDRM: `already removed ${what}`,
      }[failure.errno];
      await c.error(`${text ?? `invalid ${what}`} (${shown})`);
    };
    const idOf = (text: string): number => {
      if (!/^\d+$/.test(text)) c.fail(`failed to parse argument: '${text}'`);
      return Number(text);
    };
    const [kind] = c.args;
    if (kind === 'shm' || kind === 'msg' || kind === 'sem') {
      if (kind !== 'shm') c.fail('semaphores and message queues are not supported');
      if (c.args.length === 1) c.fail('not enough arguments');
      for (const text of c.args.slice(1)) await remove(idOf(text), text, 'id');
      return undefined;
    }
    const { options, operands } = c.parse('a::vm:M:q:Q:s:S:', REMOVE_LONG);
    for (const { key, value } of options) {
      if (key === 'm') await remove(idOf(value), value, 'id');
      else if (key === 'M') {
        const wanted = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
        if (Number.isNaN(wanted)) c.fail(`failed to parse argument: '${value}'`);
        if (wanted === 0) {
          await c.error(`illegal key (${value})`);
          continue;
        }
        const found = p.shmList().find((segment) => segment.key === wanted);
        if (found === undefined) await c.error(`invalid key (${value})`);
        else await remove(found.id, value, 'key');
      } else if (key === 'a') {
        if (value !== '' && value !== 'shm') c.fail('semaphores and message queues are not supported');
        for (const { id } of p.shmList()) await remove(id, String(id), 'id');
      } else if (key !== 'v') c.fail('semaphores and message queues are not supported');
    }
    if (operands.length > 0) c.usage(`unknown argument: ${operands[0]}`);
    return undefined;
  },
  { utilLinux: true },
);

const SHOW_LONG = {
  shmems: 'm',
  queues: 'q',
  semaphores: 's',
  all: 'a',
  'id=': 'i',
  bytes: 'b',
  human: 'human',
  limits: 'l',
};

export const ipcs: Program = command(
  async (c: Command) => {
    const { options } = c.parse('i:aqmsctplubh', SHOW_LONG);
    const keys = new Set(options.map(({ key }) => key));
    for (const key of ['i', 'c', 't', 'p', 'l', 'u', 'human'])
      if (keys.has(key)) c.fail(`option -${key} is not supported`);
    const which = ['q', 'm', 's'].filter((key) => keys.has(key));
    const all = which.length === 0 || keys.has('a');
    const known = await users(c.process);
    if (all || which.includes('q'))
      await c.out.write(
        '\n------ Message Queues --------\nkey        msqid      owner      perms      used-bytes   messages    \n',
      );
    if (all || which.includes('m')) {
      let text =
        '\n------ Shared Memory Segments --------\nkey        shmid      owner      perms      bytes      nattch     status      \n';
      for (const segment of c.process.shmList()) {
        const owner = nameOf(known, segment.uid) ?? String(segment.uid);
        text += `0x${(segment.key >>> 0).toString(16).padStart(8, '0')} ${String(segment.id).padEnd(10)} ${owner.padEnd(10)} `;
        text += `${(segment.mode & 0o777).toString(8).padEnd(10)} ${String(segment.size).padEnd(10)} ${String(segment.nattch).padEnd(10)} `;
        text += `${' '.repeat(6)} ${' '.repeat(6)}\n`;
      }
      await c.out.write(text);
    }
    if (all || which.includes('s'))
      await c.out.write('\n------ Semaphore Arrays --------\nkey        semid      owner      perms      nsems     \n');
    await c.out.write('\n');
    return 0;
  },
  { utilLinux: true },
);
