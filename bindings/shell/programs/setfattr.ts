/** setfattr(1) of attr */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';

/** A value as it was written: text, perhaps in quotes; 0x and digits; 0s and base64. Bytes. Undefined: none of them. */
function decode(text: string): string | undefined {
  if (/^0x([0-9a-f]{2})*$/i.test(text))
    return (text.slice(2).match(/../g) ?? []).map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join('');
  if (/^0x/i.test(text)) return undefined;
  if (/^0s/i.test(text)) {
    if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.slice(2))) return undefined;
    return atob(text.slice(2));
  }
  const bare = /^".*"$/s.test(text) ? text.slice(1, -1) : text;
  return bare.replace(/\\([0-7]{3}|[\\"])/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8) & 255) : code,
  );
}

export const setfattr: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('n:x:v:h', {
    'name=': 'n',
    'remove=': 'x',
    'value=': 'v',
    'no-dereference': 'h',
  });
  let name: string | undefined;
  let value: string | null = '';
  let nofollow = false;
  for (const { key, value: word } of options) {
    if (key === 'n') name = word;
    else if (key === 'x') {
      name = word;
      value = null;
    } else if (key === 'h') nofollow = true;
    else {
      const bytes = decode(word);
      if (bytes === undefined) c.fail('bad input encoding');
      value = bytes;
    }
  }
  if (name === undefined || operands.length === 0)
    c.usage(`Usage: ${c.name} {-n name} [-v value] [-h] file...\n       ${c.name} {-x name} [-h] file...`);
  for (const path of operands) {
    const failure = await errorOf(() => c.process.setxattr(path, name, value, { nofollow }));
    if (failure === undefined) continue;
    await c.error(`${path}: ${failure.errno === 'ENODATA' ? 'No such attribute' : failure.message}`);
  }
  return undefined;
});
