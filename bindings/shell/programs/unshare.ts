/** unshare(1) of util-linux */
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { type Command, command, complain, errorOf, Failure } from './command.ts';
import { execvp, notRun, statusOf, waitFor } from './execute.ts';

const LONG = {
  ...{
    'mount=?': 'm',
    'uts=?': 'u',
    'ipc=?': 'i',
    'net=?': 'n',
    'pid=?': 'p',
    'user=?': 'U',
    'cgroup=?': 'C',
    'time=?': 'T',
  },
  ...{ fork: 'f', 'kill-child=?': 'kill', 'mount-proc=?': 'mount-proc', 'propagation=': 'propagation', 'root=': 'R' },
  ...{ 'map-root-user': 'r', 'map-current-user': 'c', 'wd=': 'w', 'setuid=': 'S', 'setgid=': 'G' },
};

export const unshare: Program = command(
  async (c: Command) => {
    const { options, operands } = c.parse('+mniuUpfCTrcR:w:S:G:', LONG);
    const p = c.process;
    const what = { mount: false, cgroup: false, pid: false, ipc: false, uts: false, net: false, user: false };
    let fork = false;
    let proc: string | undefined;
    let directory: string | undefined;
    for (const { key, value, given } of options) {
      if ('muinpCU'.includes(key) && given) c.fail('persistent namespaces are not supported');
      if (key === 'm') what.mount = true;
      else if (key === 'u') what.uts = true;
      else if (key === 'i') what.ipc = true;
      else if (key === 'n') what.net = true;
      else if (key === 'p') what.pid = true;
      else if (key === 'C') what.cgroup = true;
      // Users keep their numbers, also where -r and -c would show others.
      else if (key === 'U' || key === 'r' || key === 'c') what.user = true;
      else if (key === 'f') fork = true;
      else if (key === 'kill') fork = true;
      else if (key === 'mount-proc') {
        what.mount = true;
        proc = given ? value : '/proc';
      } else if (key === 'w') directory = value;
      else if (key === 'propagation') {
        if (!['slave', 'shared', 'private', 'unchanged'].includes(value))
          c.fail(`unsupported propagation mode: ${value}`);
      } else c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
    }
    const failure = await errorOf(() => p.unshare(what));
    if (failure !== undefined) c.fail(`unshare failed: ${failure.message}`);
    const words = operands.length > 0 ? operands : [p.env.get('SHELL') ?? '/bin/sh'];
    const run = async (process: Process): Promise<number> => {
      if (proc !== undefined) {
        const error = await errorOf(() => process.mount('proc', proc, 'proc', 'nosuid,noexec,nodev'));
        if (error !== undefined) c.fail(`mount ${proc} failed: ${error.message}`);
      }
      if (directory !== undefined) {
        const error = await errorOf(() => process.chdir(directory));
        if (error !== undefined) c.fail(`cannot chdir to '${directory}': ${error.message}`);
      }
      try {
        return await execvp(process, words);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        c.fail(`failed to execute ${words[0]}: ${error.message}`, notRun(error));
      }
    };
    if (!fork) return run(p);
    p.sigaction(2, 'ignore');
    p.sigaction(15, 'ignore');
    const child = p.fork(async (self) => {
      self.sigaction(2, 'default');
      self.sigaction(15, 'default');
      try {
        return await run(self);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        await complain(self, error.message);
        return error.status;
      }
    });
    const status = await waitFor(p, child.pid);
    if ('signal' in status) {
      p.sigaction(status.signal, 'default');
      p.kill(p.pid, status.signal);
    }
    return statusOf(status);
  },
  { utilLinux: true },
);
