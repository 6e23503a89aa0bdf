/** Signals: what they do by default, handlers, stopping, killing; process groups. */
import { describe, expect, it } from 'vitest';
import { errnoOf, readFile, run, SECOND, say, writeFile } from './helpers.ts';

describe('signals', () => {
  it('end a process that sleeps, at once', async () => {
    const { stdout } = await run(async (p) => {
      for (const signal of [15, 9, 2, 1]) {
        const { pid } = p.fork(async (c) => {
          await c.sleep(1000n * SECOND);
          return 0;
        });
        await p.sleep(SECOND);
        p.kill(pid, signal);
        await say(p, JSON.stringify((await p.wait(pid))!.status));
      }
      return 0;
    });
    expect(stdout).toBe('{"signal":15}\n{"signal":9}\n{"signal":2}\n{"signal":1}\n');
  });

  it('by default nothing comes of SIGCHLD, SIGCONT, SIGURG and SIGWINCH; ignored ones do nothing', async () => {
    const { stdout } = await run(async (p) => {
      p.sigaction(15, 'ignore');
      for (const signal of [17, 18, 23, 28, 15]) p.kill(p.pid, signal);
      await say(p, 'alive');
      return 0;
    });
    expect(stdout).toBe('alive\n');
  });

  it('handlers run when a syscall returns: sleep is cut short, wait answers EINTR, a read goes on', async () => {
    const { stdout } = await run(async (p) => {
      const seen: number[] = [];
      for (const signal of [10, 17]) p.sigaction(signal, (s) => void seen.push(s));
      const { pid } = p;
      const poke = (after: bigint) =>
        p.fork(async (c) => {
          await c.sleep(after);
          c.kill(pid, 10);
          await c.sleep(100n * SECOND);
          return 0;
        });
      poke(SECOND);
      const from = p.now;
      await say(p, `${await p.sleep(50n * SECOND)} ${(p.now - from) / SECOND} ${seen}`);
      const child = poke(SECOND);
      await say(p, `${await errnoOf(() => p.wait(child.pid))} ${seen}`);
      const [r, w] = p.pipe();
      poke(SECOND);
      p.fork(async (c) => {
        await c.sleep(3n * SECOND);
        await c.write(w, new Uint8Array(5));
        return 0;
      });
      await say(p, `${(await p.read(r, 10)).length} ${seen}`);
      return 0;
    });
    expect(stdout).toBe('false 1 10\nEINTR 10,10\n5 10,10,10,17\n');
  });

  it('SIGKILL and SIGSTOP have no handlers', async () => {
    const { stdout } = await run(async (p) => {
      for (const signal of [9, 19, 0, 65]) await say(p, await errnoOf(() => p.sigaction(signal, 'ignore')));
      return 0;
    });
    expect(stdout).toBe('EINVAL\n'.repeat(4));
  });

  it('a stopped process goes on with SIGCONT, and SIGKILL reaches it', async () => {
    const { stdout } = await run(async (p) => {
      const state = async (pid: number) => /State:\t(.)/.exec(await readFile(p, `/proc/${pid}/status`))![1];
      const child = p.fork(async (c) => {
        for (;;) await c.sleep(SECOND / 10n);
      });
      await p.sleep(SECOND);
      const seen = [await state(child.pid)];
      p.kill(child.pid, 19);
      await p.sleep(SECOND);
      seen.push(await state(child.pid));
      p.kill(child.pid, 18);
      await p.sleep(SECOND);
      seen.push(await state(child.pid));
      p.kill(child.pid, 19);
      await p.sleep(SECOND);
      p.kill(child.pid, 9);
      seen.push(JSON.stringify((await p.wait(-1))!.status));
      await say(p, seen.join(' '));
      return 0;
    });
    expect(stdout).toBe('S T S {"signal":9}\n');
  });

  it('kill says ESRCH, EINVAL and EPERM; 0 asks only', async () => {
    const { stdout } = await run(async (p) => {
      await say(p, await errnoOf(() => p.kill(9999, 15)));
      await say(p, await errnoOf(() => p.kill(p.pid, 99)));
      await say(p, await errnoOf(() => p.kill(p.pid, 0)));
      await say(p, await errnoOf(() => p.kill(-9999, 15)));
      const parent = p.pid;
      p.fork(async (c) => {
        c.setuid(1000);
        await say(c, await errnoOf(() => c.kill(parent, 15)));
        return 0;
      });
      await p.wait(-1);
      return 0;
    });
    expect(stdout).toBe('ESRCH\nEINVAL\nok\nESRCH\nEPERM\n');
  });

  it('a negative pid is a process group', async () => {
    const { stdout } = await run(async (p) => {
      const leader = p.fork(async (c) => {
        c.setpgid(0, 0);
        c.fork(async (g) => {
          await g.sleep(100n * SECOND);
          return 0;
        });
        await c.sleep(100n * SECOND);
        return 0;
      });
      const other = p.fork(async (c) => {
        await c.sleep(2n * SECOND);
        return 4;
      });
      await p.sleep(SECOND);
      p.kill(-leader.pid, 15);
      await say(p, JSON.stringify((await p.wait(leader.pid))!.status));
      await say(p, JSON.stringify((await p.wait(other.pid))!.status));
      await say(p, await errnoOf(() => p.kill(-leader.pid, 0)));
      return 0;
    });
    expect(stdout).toBe('{"signal":15}\n{"exit":4}\nESRCH\n');
  });

  it('setsid makes a session, once', async () => {
    const { stdout } = await run(async (p) => {
      p.fork(async (c) => {
        await say(c, String(c.setsid() === c.pid && c.getpgid() === c.pid));
        await say(c, await errnoOf(() => c.setsid()));
        return 0;
      });
      await p.wait(-1);
      return 0;
    });
    expect(stdout).toBe('true\nEPERM\n');
  });
});

describe('the OOM killer', () => {
  it('ends the process whose charge cannot be had, and gives everything back', async () => {
    const { stdout, world } = await run(async (p) => {
      const dir = '/sys/fs/cgroup/a';
      await p.mkdir(dir);
      await writeFile(p, `${dir}/memory.max`, '8M');
      await writeFile(p, `${dir}/memory.swap.max`, '0');
      const child = p.fork(async (c) => {
        await c.sleep(SECOND);
        await c.touch(c.mmap(4096), { write: true });
        return 0;
      });
      await writeFile(p, `${dir}/cgroup.procs`, String(child.pid));
      await say(p, JSON.stringify((await p.wait(-1))!.status));
      await say(p, /oom_kill \d+/.exec(await readFile(p, `${dir}/memory.events`))![0]);
      await say(p, await readFile(p, `${dir}/cgroup.procs`));
      await p.rmdir(dir);
      return 0;
    });
    expect(stdout).toBe('{"signal":9}\noom_kill 1\n\n');
    expect(world.machine.kills()).toHaveLength(1);
  });

  it('a limit that is written too low kills who sleeps there', async () => {
    const { stdout } = await run(async (p) => {
      const dir = '/sys/fs/cgroup/a';
      await p.mkdir(dir);
      p.fork(async (c) => {
        await writeFile(c, `${dir}/cgroup.procs`, '0');
        await c.touch(c.mmap(1000), { write: true });
        await c.sleep(100n * SECOND);
        return 0;
      });
      await p.sleep(SECOND);
      await writeFile(p, `${dir}/memory.max`, '1M');
      await say(p, JSON.stringify((await p.wait(-1))!.status));
      return 0;
    });
    expect(stdout).toBe('{"signal":9}\n');
  });
});
