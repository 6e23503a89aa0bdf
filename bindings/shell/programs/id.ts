/** id(1) and whoami(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { entryOf, groups, nameOf, users } from './names.ts';
import { quote } from './quote.ts';

const LONG = { user: 'u', group: 'g', groups: 'G', name: 'n', real: 'r', zero: 'z', context: 'Z' };

export const id: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('agnruzGZ', LONG);
  const keys = new Set(options.map(({ key }) => key));
  const which = [...'ugG'].filter((key) => keys.has(key));
  if (keys.has('Z')) c.fail('--context (-Z) works only on an SELinux-enabled kernel');
  if (which.length > 1) c.fail('cannot print "only" of more than one choice');
  if (which.length === 0 && (keys.has('n') || keys.has('r')))
    c.fail('cannot print only names or real IDs in default format');
  if (operands.length > 1) c.usage(`extra operand ${quote(operands[1]!)}`);
  const knownUsers = await users(c.process);
  const knownGroups = await groups(c.process);
  let { uid, gid } = c.process;
  if (operands[0] !== undefined) {
    const name = operands[0];
    const entry =
      knownUsers.find((user) => user.name === name) ??
      (/^\d+$/.test(name) ? entryOf(knownUsers, Number(name)) : undefined);
    if (entry === undefined) c.fail(`${quote(name)}: no such user`);
    uid = entry.id;
    gid = entry.group;
  }
  const end = keys.has('z') ? '\0' : '\n';
  const userName = nameOf(knownUsers, uid);
  const groupName = nameOf(knownGroups, gid);
  if (which.length === 0) {
    const text = (value: number, name: string | undefined) => `${value}${name === undefined ? '' : `(${name})`}`;
    const own = text(gid, groupName);
    await c.out.write(`uid=${text(uid, userName)} gid=${own} groups=${own}${end}`);
    return 0;
  }
  const [value, name, what] = which[0] === 'u' ? [uid, userName, 'user'] : [gid, groupName, 'group'];
  if (keys.has('n') && name === undefined) await c.error(`cannot find name for ${what} ID ${value}`);
  await c.out.write((keys.has('n') ? (name ?? String(value)) : String(value)) + end);
  return undefined;
});

export const whoami: Program = command(async (c: Command) => {
  const { operands } = c.parse('');
  if (operands.length > 0) c.usage(`extra operand ${quote(operands[0]!)}`);
  const name = nameOf(await users(c.process), c.process.uid);
  if (name === undefined) c.fail(`cannot find name for user ID ${c.process.uid}`);
  await c.out.write(`${name}\n`);
  return 0;
});
