/** paste(1) */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input } from './input.ts';
import { quoteIfNeeded } from './quote.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '0': '', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' },
};

export const paste: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('d:sz', { 'delimiters=': 'd', serial: 's', 'zero-terminated': 'z' });
  const keys = new Set(options.map(({ key }) => key));
  const list = options.findLast(({ key }) => key === 'd')?.value ?? '\t';
  if (/(^|[^\\])(\\\\)*\\$/.test(list)) c.fail(`delimiter list ends with an unescaped backslash: ${list}`);
  const delimiters = [...list.matchAll(/\\(.)|(.)/gs)].map(
    ([, escaped, plain]) => plain ?? ESCAPES[escaped!] ?? escaped!,
  );
  if (delimiters.length === 0) delimiters.push('');
  const end = keys.has('z') ? '\0' : '\n';
  const p = c.process;
  const stdin = new Input(p, 0);
  const inputs: (Input | undefined)[] = [];
  for (const name of operands.length === 0 ? ['-'] : operands) {
    const opened = name === '-' ? { value: 0 } : await attempt(() => p.open(name, { read: true }));
    if ('value' in opened) inputs.push(opened.value === 0 ? stdin : new Input(p, opened.value));
    else if (keys.has('s')) await c.error(`${quoteIfNeeded(name)}: ${opened.error.message}`);
    else c.fail(`${quoteIfNeeded(name)}: ${opened.error.message}`);
  }
  if (keys.has('s')) {
    for (const input of inputs) {
      const lines: string[] = [];
      for (let line = await input!.line(end); line !== null; line = await input!.line(end)) lines.push(line.text);
      await c.out.write(
        lines.map((line, i) => (i === 0 ? '' : delimiters[(i - 1) % delimiters.length]) + line).join('') + end,
      );
    }
    return undefined;
  }
  for (;;) {
    const columns: (string | undefined)[] = [];
    for (const [i, input] of inputs.entries()) {
      const line = input === undefined ? null : await input.line(end);
      if (line === null) inputs[i] = undefined;
      columns.push(line?.text);
    }
    if (columns.every((column) => column === undefined)) return undefined;
    await c.out.write(
      columns.map((column, i) => (i === 0 ? '' : delimiters[(i - 1) % delimiters.length]) + (column ?? '')).join('') +
        end,
    );
  }
});
