/** mount(8) of util-linux */
import type { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { canonical } from './canonical.ts';
import { attempt, type Command, command, errorOf, statOrUndefined } from './command.ts';
import { readFile } from './input.ts';
import { attachLoop, detachLoop, freeLoop } from './loop-device.ts';
import { mountTable } from './mount-table.ts';
import { parseSize } from './numbers.ts';

/** mount(2) failed */
const FAILED = 32;
const DMESG = '       dmesg(1) may have more information after failed mount system call.\n';
/** mnt_fstype_is_pseudofs(): their sources are just names */
const PSEUDO = new Set([
  ...['autofs', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devfs', 'devpts', 'devtmpfs', 'efivarfs', 'fuse'],
  ...[
    'hugetlbfs',
    'mqueue',
    'none',
    'nfsd',
    'overlay',
    'proc',
    'pstore',
    'ramfs',
    'securityfs',
    'sysfs',
    'tmpfs',
    'tracefs',
  ],
]);

const LONG = {
  ...{ all: 'a', bind: 'B', rbind: 'R', move: 'M', 'types=': 't', 'options=': 'o', 'read-only': 'r', rw: 'w' },
  ...{ 'read-write': 'w', verbose: 'v', 'no-mtab': 'n', 'no-canonicalize': 'c', fake: 'f', source: 'source' },
  ...{ 'source=': 'source', 'target=': 'target', 'make-shared': 'make-shared', 'make-slave': 'make-slave' },
  ...{ 'make-private': 'make-private', 'make-unbindable': 'make-unbindable', 'make-rshared': 'make-rshared' },
  ...{ 'make-rslave': 'make-rslave', 'make-rprivate': 'make-rprivate', 'label=': 'L', 'uuid=': 'U', mkdir: 'mkdir' },
};

/** What mount says of an error of mount(2). */
function explain(
  c: Command,
  error: SyscallError,
  source: string,
  target: string,
  type: string,
  options: string,
): string {
  const p = c.process;
  const there = statOrUndefined(p, target);
  switch (error.errno) {
    case 'EPERM':
      return p.uid === 0 ? 'permission denied.' : 'must be superuser to use mount.';
    case 'EBUSY':
      return `${source} already mounted or mount point busy.`;
    case 'ENOENT':
      if (there === undefined) return 'mount point does not exist.';
      if (!PSEUDO.has(type) && statOrUndefined(p, source) === undefined)
        return `special device ${source} does not exist.`;
      return `mount(2) system call failed: ${error.message}.`;
    case 'ENOTDIR':
      return there !== undefined && there.type !== 'directory'
        ? 'mount point is not a directory.'
        : `special device ${source} does not exist (a path prefix is not a directory).`;
    case 'EINVAL':
      if (options.split(',').includes('remount') || type === '') return 'mount point not mounted or bad option.';
      return `wrong fs type, bad option, bad superblock on ${source}, missing codepage or helper program, or other error.`;
    case 'ENODEV':
      if (!PSEUDO.has(type) && statOrUndefined(p, source) === undefined)
        return `special device ${source} does not exist.`;
      return `unknown filesystem type '${type}'.`;
    case 'ENOTBLK':
      return `${source} is not a block device.`;
    // (What may not be written is tried once more, read-only.)
    case 'EACCES':
    case 'EROFS':
      return `cannot mount ${source} read-only.`;
    default:
      return `mount(2) system call failed: ${error.message}.`;
  }
}

/** File systems that lie on devices, for a mount without -t. */
async function diskTypes(c: Command): Promise<string[]> {
  const text = await attempt(() => readFile(c.process, '/proc/filesystems'));
  if ('error' in text) return [];
  return text.value
    .split('\n')
    .filter((line) => line.startsWith('\t'))
    .map((line) => line.trim());
}

export const mount: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('aBcfilL:Mno:rRsU:t:vw', LONG);
    const p = c.process;
    let type = '';
    const words: string[] = [];
    let verbose = false;
    let action = '';
    for (const { key, value } of options) {
      if (key === 't') type = value;
      else if (key === 'o') words.push(...value.split(',').filter((word) => word !== ''));
      else if (key === 'r') words.push('ro');
      else if (key === 'w') words.push('rw');
      else if (key === 'v') verbose = true;
      else if (key === 'B') action = 'bind';
      else if (key === 'R') action = 'rbind';
      else if (key.startsWith('make-')) action = key.slice(5);
      else if (key === 'a') action = 'all';
      else if (!['n', 'i', 's', 'c', 'l'].includes(key))
        c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
    }
    if (words.includes('bind') || words.includes('rbind')) {
      action = words.includes('rbind') ? 'rbind' : 'bind';
      for (const word of ['bind', 'rbind'])
        if (words.includes(word) && !words.includes('remount')) words.splice(words.indexOf(word), 1);
    }
    if (operands.length === 0 && action === '' && words.length === 0) {
      const types = type === '' ? undefined : type.replace(/^no/, '').split(',');
      for (const entry of await mountTable(p))
        if (types === undefined || types.includes(entry.type) !== type.startsWith('no'))
          await c.out.write(`${entry.source} on ${entry.target} type ${entry.type} (${entry.options})\n`);
      return 0;
    }
    // Nothing is in /etc/fstab of the world.
    if (action === 'all') return 0;
    if (operands.length === 0 || operands.length > 2) c.usage('bad usage');
    const remount = words.includes('remount');
    const propagation = /^r?(private|slave|shared|unbindable)$/.test(action);
    if (operands.length === 1 && !remount && !propagation) c.fail(`${operands[0]}: can't find in /etc/fstab.`);
    const given = operands.at(-1)!;
    const source = operands.length === 1 ? 'none' : operands[0]!;
    const found = await attempt(() => canonical(p, given, 'all'));
    const target = 'value' in found ? found.value : given;
    const all = propagation || action === 'bind' || action === 'rbind' ? [action, ...words] : words;
    let device = source;
    let loop: string | undefined;
    const loopAt = all.findIndex((word) => word === 'loop' || word.startsWith('loop='));
    const regular = statOrUndefined(p, source)?.type === 'file' && !PSEUDO.has(type) && action === '';
    if (loopAt >= 0 || regular) {
      const value = (name: string) =>
        parseSize(all.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? '0') ?? 0;
      const wanted = loopAt < 0 ? undefined : all[loopAt]!.split('=')[1];
      const loopOptions = {
        offset: value('offset'),
        sizelimit: value('sizelimit'),
        readonly: all.includes('ro'),
        autoclear: true,
      };
      const attached = await attempt(async () => {
        const chosen = wanted ?? (await freeLoop(p));
        await attachLoop(p, chosen, source, loopOptions);
        return chosen;
      });
      if ('error' in attached) c.fail(`${target}: failed to setup loop device for ${source}.`, FAILED);
      loop = device = attached.value;
    }
    const text = all
      .filter((word) => !/^(loop(=.*)?|offset=.*|sizelimit=.*|defaults|auto|noauto|_netdev)$/.test(word))
      .join(',');
    const types = type !== '' && type !== 'auto' ? [type] : action !== '' || remount ? [''] : await diskTypes(c);
    let failure: SyscallError | undefined;
    let tried = type;
    for (const each of types.length === 0 ? [''] : types) {
      tried = each;
      failure = await errorOf(() => p.mount(device, target, each, text));
      if (failure === undefined || failure.errno !== 'EINVAL') break;
    }
    if (failure !== undefined) {
      if (loop !== undefined) await errorOf(() => detachLoop(p, loop));
      await c.print(`${c.name}: ${target}: ${explain(c, failure, device, target, tried, text)}\n${DMESG}`);
      return FAILED;
    }
    if (verbose && !propagation)
      await c.out.write(`${c.name}: ${source} ${remount ? 're' : ''}mounted on ${target}.\n`);
    return 0;
  },
  { utilLinux: true },
);
