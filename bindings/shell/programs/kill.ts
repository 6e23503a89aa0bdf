/** kill(1) of procps */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { signalName, signalNumber } from './signal-names.ts';

export const kill: Program = command(async (c: Command) => {
  const args = [...c.args];
  let signal = 15;
  const usage: () => never = () => c.fail('usage: kill [-s signal | -signal] pid...');
  const signalOf = (text: string): number => {
    const number = signalNumber(text);
    if (number === undefined) c.fail(`invalid argument ${text}`);
    return number;
  };
  const [first] = args;
  if (first === undefined) return usage();
  if (first === '-l' || first === '-L' || first === '--list' || first === '--table') {
    const wanted = args[1];
    if (wanted !== undefined) {
      const number = signalOf(wanted);
      await c.out.write(`${/^\d/.test(wanted) ? signalName(number & 0x7f) : number}\n`);
      return 0;
    }
    const names = Array.from({ length: 31 }, (_, i) => signalName(i + 1)!);
    await c.out.write(`${names.slice(0, 16).join(' ')}\n${names.slice(16).join(' ')}\n`);
    return 0;
  }
  if (first === '-s' || first === '--signal') {
    if (args[1] === undefined) usage();
    signal = signalOf(args[1]);
    args.splice(0, 2);
  } else if (first.startsWith('--signal=')) {
    signal = signalOf(first.slice(9));
    args.shift();
  } else if (first !== '--' && /^-[A-Za-z0-9+-]/.test(first)) {
    signal = signalOf(first.slice(1));
    args.shift();
  }
  if (args[0] === '--') args.shift();
  if (args.length === 0) usage();
  for (const text of args) {
    if (!/^-?\d+$/.test(text)) {
      await c.error(`failed to parse argument: '${text}'`);
      continue;
    }
    const failure = await errorOf(() => c.process.kill(Number(text), signal));
    if (failure !== undefined) await c.error(`(${text}): ${failure.message}`);
  }
  return undefined;
});
