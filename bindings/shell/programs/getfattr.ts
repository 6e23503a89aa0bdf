/** getfattr(1) of attr */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';

/** A value in quotes, what is not printable in octal. */
function encode(value: string): string {
  const show = (char: string) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    return char >= ' ' && char <= '~' ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
  };
  return `"${Array.from(value, show).join('')}"`;
}

export const getfattr: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('n:dhm:', {
    'name=': 'n',
    dump: 'd',
    'no-dereference': 'h',
    'match=': 'm',
    'only-values': 'values',
    'absolute-names': 'absolute',
  });
  let name: string | undefined;
  let match = '^user\\.';
  const has = (key: string) => options.some((option) => option.key === key);
  for (const { key, value } of options) {
    if (key === 'n') name = value;
    else if (key === 'm') match = value === '-' ? '' : value;
  }
  if (operands.length === 0) c.usage(`Usage: ${c.name} [-hRLP] [-n name|-d] [-e en] [-m pattern] path...`);
  let told = false;
  for (const path of operands) {
    const nofollow = has('h');
    const names = name === undefined ? await attempt(() => c.process.listxattr(path, { nofollow })) : { value: [name] };
    if ('error' in names) {
      await c.error(`${path}: ${names.error.message}`);
      continue;
    }
    const lines: string[] = [];
    for (const each of names.value.filter((word) => name !== undefined || new RegExp(match).test(word))) {
      const value = await attempt(() => c.process.getxattr(path, each, { nofollow }));
      if ('error' in value) {
        const { errno, message } = value.error;
        c.status = 1;
        await c.print(`${path}: ${each}: ${errno === 'ENODATA' ? 'No such attribute' : message}\n`);
      } else if (has('values')) await c.out.write(value.value);
      else lines.push(name === undefined && !has('d') ? `${each}\n` : `${each}=${encode(value.value)}\n`);
    }
    if (lines.length === 0) continue;
    const strip = path.startsWith('/') && !has('absolute');
    if (strip && !told) await c.warn("Removing leading '/' from absolute path names");
    told ||= strip;
    await c.out.write(`# file: ${strip ? path.replace(/^\/+/, '') : path}\n${lines.join('')}\n`);
  }
  return undefined;
});
