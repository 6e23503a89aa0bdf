/** The mounts that a process sees, out of /proc/self/mounts. */
import type { Process } from '../kernel/syscalls.ts';
import { attempt, statOrUndefined } from './command.ts';
import { readFile } from './input.ts';

interface MountEntry {
  source: string;
  target: string;
  type: string;
  options: string;
}

const unquote = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** What `root=` of the kernel's command line names: the device behind /dev/root. */
async function rootDevice(process: Process): Promise<string | undefined> {
  const cmdline = await attempt(() => readFile(process, '/proc/cmdline'));
  const root = 'value' in cmdline ? /(?:^|\s)root=(\S+)/.exec(cmdline.value)?.[1] : undefined;
  const numbers = root === undefined ? null : /^(\d+):(\d+)$/.exec(root);
  if (numbers === null) return root?.startsWith('/dev/') ? root : undefined;
  const device = (Number(numbers[1]) << 8) | Number(numbers[2]);
  for (const name of process.readdir('/dev')) {
    const stat = statOrUndefined(process, `/dev/${name}`);
    if (stat?.type === 'block' && stat.rdev === device) return `/dev/${name}`;
  }
  return undefined;
}

/** All mounts, oldest first. @throws SyscallError when there is no /proc */
export async function mountTable(process: Process): Promise<MountEntry[]> {
  const text = await readFile(process, '/proc/self/mounts');
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [source, target, type, options] = line.split(' ').map(unquote) as [string, string, string, string];
    const shown = source === '/dev/root' ? ((await rootDevice(process)) ?? source) : source;
    entries.push({ source: shown, target, type, options });
  }
  return entries;
}
