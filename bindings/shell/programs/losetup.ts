/** losetup(8) of util-linux */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf, statOrUndefined } from './command.ts';
import { attachLoop, boundLoops, detachLoop, freeLoop, isLoop, type LoopStatus, loopStatus } from './loop-device.ts';
import { parseSize } from './numbers.ts';
import { tableText } from './table.ts';

const LONG = {
  ...{ all: 'a', 'set-capacity': 'c', 'detach=': 'd', 'detach-all': 'D', find: 'f', nooverlap: 'L', list: 'l' },
  ...{ json: 'J', 'associated=': 'j', noheadings: 'n', 'offset=': 'o', 'output=': 'O', 'output-all': 'output-all' },
  ...{ partscan: 'P', 'read-only': 'r', raw: 'raw', show: 'show', 'sizelimit=': 'sizelimit', 'sector-size=': 'b' },
  ...{ 'direct-io=?': 'direct-io', verbose: 'v' },
};

type Bound = { path: string; status: LoopStatus };

const COLUMNS: Readonly<Record<string, { right?: boolean; value: (bound: Bound) => string }>> = {
  NAME: { value: ({ path }) => path },
  SIZELIMIT: { right: true, value: ({ status }) => String(status.sizelimit) },
  OFFSET: { right: true, value: ({ status }) => String(status.offset) },
  AUTOCLEAR: { right: true, value: ({ status }) => String(Number(status.autoclear)) },
  RO: { right: true, value: ({ status }) => String(Number(status.readonly)) },
  'BACK-FILE': { value: ({ status }) => status.path },
  'BACK-INO': { right: true, value: ({ status }) => String(status.ino) },
  'BACK-MAJ:MIN': { value: ({ status }) => `${status.dev >> 8}:${status.dev & 0xff}` },
  DIO: { right: true, value: () => '0' },
  'LOG-SEC': { right: true, value: () => '512' },
};
const DEFAULT = 'NAME,SIZELIMIT,OFFSET,AUTOCLEAR,RO,BACK-FILE,DIO,LOG-SEC';

function oldText({ path, status }: Bound): string {
  let text = `${path}: [${String(status.dev).padStart(4, '0')}]:${status.ino} (${status.path})`;
  if (status.offset > 0) text += `, offset ${status.offset}`;
  if (status.sizelimit > 0) text += `, sizelimit ${status.sizelimit}`;
  return `${text}\n`;
}

export const losetup: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('acd:Dfhj:Jlno:O:PrvL', LONG);
    const p = c.process;
    const keys = new Set(options.map(({ key }) => key));
    for (const key of ['P', 'L', 'J', 'raw', 'output-all', 'b'])
      if (keys.has(key)) c.fail(`option ${key} is not supported`);
    const size = (letter: string, what: string): number => {
      const option = options.findLast(({ key }) => key === letter);
      const value = option === undefined ? 0 : parseSize(option.value);
      if (value === undefined) c.fail(`failed to parse ${what}: '${option!.value}'`);
      return value;
    };
    const loop = {
      offset: size('o', 'offset'),
      sizelimit: size('sizelimit', 'size'),
      readonly: keys.has('r'),
      autoclear: false,
    };
    const detach = async (device: string): Promise<void> => {
      if (!isLoop(p, device)) {
        await c.error(`${device}: failed to use device: No such device`);
        return;
      }
      const failure = await errorOf(() => detachLoop(p, device));
      if (failure !== undefined) await c.error(`${device}: detach failed: ${failure.message}`);
    };
    if (keys.has('D')) {
      for (const { path } of await boundLoops(p)) await detach(path);
      return undefined;
    }
    if (keys.has('d')) {
      for (const { key, value } of options) if (key === 'd') await detach(value);
      for (const device of operands) await detach(device);
      return undefined;
    }
    if (keys.has('c')) {
      const [device = ''] = operands;
      const failure = await errorOf(async () => {
        const fd = await p.open(device, { read: true, write: true });
        try {
          await p.ioctl(fd, 'LOOP_SET_CAPACITY');
        } finally {
          p.close(fd);
        }
      });
      if (failure !== undefined) c.fail(`${device}: set capacity failed: ${failure.message}`);
      return 0;
    }
    const lists = ['a', 'l', 'j', 'O', 'n'].some((key) => keys.has(key));
    if (lists || (operands.length === 0 && !keys.has('f'))) return list(c, options, operands, keys);
    let [device, file] = operands;
    if (keys.has('f')) {
      file = operands[0];
      if (operands.length > 1) c.fail('unexpected arguments');
    } else if (file === undefined) return one(c, device!);
    for (;;) {
      if (keys.has('f')) {
        const free = await attempt(() => freeLoop(p));
        if ('error' in free) c.fail(`cannot find an unused loop device: ${free.error.message}`);
        device = free.value;
      }
      if (file === undefined) {
        await c.out.write(`${device}\n`);
        return 0;
      }
      const backing = file;
      const failure = await errorOf(() => attachLoop(p, device!, backing, loop));
      if (failure === undefined) break;
      if (failure.errno === 'EBUSY' && keys.has('f')) continue;
      const bad = statOrUndefined(p, device!) === undefined ? device : backing;
      c.fail(`${bad}: failed to set up loop device: ${failure.message}`);
    }
    const stat = p.stat(file);
    const length = stat.type === 'file' ? stat.size : 0;
    if (stat.type === 'file' && length < 512)
      await c.warn(
        `${file}: Warning: file is smaller than 512 bytes; the loop device may be useless or invisible for system tools.`,
      );
    else if (length % 512 !== 0)
      await c.warn(`${file}: Warning: file does not fit into a 512-byte sector; the end of the file will be ignored.`);
    if (keys.has('show')) await c.out.write(`${device}\n`);
    return 0;
  },
  { utilLinux: true },
);

/** `losetup /dev/loop0`: what it is bound to. */
async function one(c: Command, device: string): Promise<number> {
  if (!isLoop(c.process, device)) c.fail(`${device}: failed to use device: No such device`);
  const status = await loopStatus(c.process, device);
  if (status === undefined) c.fail(`${device}: No such file or directory`);
  await c.out.write(oldText({ path: device, status }));
  return 0;
}

async function list(
  c: Command,
  options: readonly { key: string; value: string }[],
  operands: readonly string[],
  keys: ReadonlySet<string>,
): Promise<number> {
  const p = c.process;
  let bound = await boundLoops(p);
  const [device] = operands;
  if (device !== undefined) {
    if (!isLoop(p, device)) c.fail(`${device}: failed to use device: No such device`);
    bound = bound.filter(({ path }) => path === device);
  }
  const file = options.findLast(({ key }) => key === 'j')?.value;
  if (file !== undefined) {
    const stat = statOrUndefined(p, file);
    bound = bound.filter(({ status }) => stat !== undefined && status.dev === stat.dev && status.ino === stat.ino);
  }
  const table = keys.has('l') || keys.has('O') || keys.has('n') || (!keys.has('a') && !keys.has('j'));
  if (!table) {
    for (const each of bound) await c.out.write(oldText(each));
    return 0;
  }
  const names = (options.findLast(({ key }) => key === 'O')?.value ?? DEFAULT).toUpperCase().split(',');
  for (const name of names) if (COLUMNS[name] === undefined) c.fail(`unknown column: ${name}`);
  if (bound.length === 0) return 0;
  await c.out.write(
    tableText(
      names.map((name) => ({ name, right: COLUMNS[name]!.right === true })),
      bound.map((each) => names.map((name) => COLUMNS[name]!.value(each))),
      !keys.has('n'),
    ),
  );
  return 0;
}
