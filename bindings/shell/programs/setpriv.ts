/** setpriv(1) of util-linux: another user or group for a program */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command, errorOf } from './command.ts';
import { execvp, notRun } from './execute.ts';
import { groups, idOf, type NamedId, users } from './names.ts';

const LONG = {
  ...{ 'reuid=': 'reuid', 'regid=': 'regid', 'ruid=': 'ruid', 'euid=': 'euid', 'rgid=': 'rgid', 'egid=': 'egid' },
  ...{ 'clear-groups': 'clear', 'keep-groups': 'keep', 'init-groups': 'init', 'groups=': 'groups' },
  ...{ 'no-new-privs': 'nnp', nnp: 'nnp', dump: 'd', 'inh-caps=': 'inh', 'ambient-caps=': 'ambient' },
  ...{ 'bounding-set=': 'bounding', 'securebits=': 'securebits', 'pdeathsig=': 'pdeathsig', 'reset-env': 'reset' },
};

export const setpriv: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('+d', LONG);
    const p = c.process;
    let uid: number | undefined;
    let gid: number | undefined;
    let groupsChosen = false;
    const number = (known: NamedId[], text: string, what: string): number => {
      const id = idOf(known, text);
      if (id === undefined) c.fail(`failed to parse ${what}: '${text}'`);
      return id;
    };
    for (const { key, value } of options) {
      if (key === 'reuid') uid = number(await users(p), value, 'reuid');
      else if (key === 'regid') gid = number(await groups(p), value, 'regid');
      else if (key === 'clear' || key === 'keep') groupsChosen = true;
      else if (key !== 'nnp') c.fail(`option --${key} is not supported`);
    }
    const [name] = operands;
    if (name === undefined) c.fail('No program specified');
    if (gid !== undefined && !groupsChosen)
      c.fail('--[re]gid requires --keep-groups, --clear-groups, --init-groups, or --groups');
    if (gid !== undefined) {
      const failure = await errorOf(() => p.setgid(gid));
      if (failure !== undefined) c.fail(`setresgid failed: ${failure.message}`);
    }
    if (uid !== undefined) {
      const failure = await errorOf(() => p.setuid(uid));
      if (failure !== undefined) c.fail(`setresuid failed: ${failure.message}`);
    }
    try {
      return await execvp(p, operands);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      c.fail(`failed to execute ${name}: ${error.message}`, notRun(error));
    }
  },
  { utilLinux: true },
);
