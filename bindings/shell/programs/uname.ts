/** uname(1), out of /proc/sys/kernel */
import type { Process, Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { readFile } from './input.ts';
import { quote } from './quote.ts';

const ORDER = 'snrvmpio';
const LONG = {
  ...{ all: 'a', 'kernel-name': 's', sysname: 's', nodename: 'n', 'kernel-release': 'r', release: 'r' },
  ...{ 'kernel-version': 'v', machine: 'm', processor: 'p', 'hardware-platform': 'i', 'operating-system': 'o' },
};

/** A file of /proc/sys/kernel, or what uname(2) has when there is no such file. */
export async function kernelText(process: Process, name: string, otherwise: string): Promise<string> {
  const text = await attempt(() => readFile(process, `/proc/sys/kernel/${name}`));
  return 'value' in text ? text.value.replace(/\n$/, '') : otherwise;
}

export const uname: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('asnrvmpio', LONG);
  if (operands.length > 0) c.usage(`extra operand ${quote(operands[0]!)}`);
  const wanted = new Set<string>();
  let all = false;
  for (const { key } of options) {
    if (key === 'a') all = true;
    wanted.add(key);
  }
  if (all) for (const letter of 'snrvmo') wanted.add(letter);
  if (wanted.size === 0) wanted.add('s');
  const p = c.process;
  const values: Record<string, string> = {
    s: await kernelText(p, 'ostype', 'Linux'),
    n: await kernelText(p, 'hostname', '(none)'),
    r: await kernelText(p, 'osrelease', 'unknown'),
    v: await kernelText(p, 'version', 'unknown'),
    m: 'x86_64',
    p: 'unknown',
    i: 'unknown',
    o: 'GNU/Linux',
  };
  const shown = [...ORDER].filter((letter) => wanted.has(letter)).map((letter) => values[letter]);
  await c.out.write(`${shown.join(' ')}\n`);
  return 0;
});
