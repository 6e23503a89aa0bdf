/** Who runs when; fork, wait, exec, exit. */
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../bindings/shell/kernel/bytes.ts';
import { DeadlockError } from '../../../bindings/shell/kernel/scheduler.ts';
import type { Process } from '../../../bindings/shell/kernel/syscalls.ts';
import { boot, errnoOf, run, SECOND, say, writeFile } from './helpers.ts';

describe('the order of processes', () => {
  it('a child starts when its parent blocks', async () => {
    const { stdout, exit } = await run(async (p) => {
      const child = p.fork(async (c) => {
        await say(c, `child of ${c.ppid}`);
        return 7;
      });
      await say(p, 'parent first');
      const { pid, status } = (await p.wait(-1))!;
      await say(p, `${pid === child.pid} ${JSON.stringify(status)}`);
      return 3;
    });
    expect(stdout).toBe('parent first\nchild of 715\ntrue {"exit":7}\n');
    expect(exit).toBe(3);
  });

  it('children run in the order of their forks', async () => {
    const { stdout } = await run(async (p) => {
      for (const name of ['a', 'b', 'c'])
        p.fork(async (c) => {
          await say(c, name);
          await c.sleep(name === 'a' ? SECOND : 0n);
          await say(c, `${name} again`);
          return 0;
        });
      for (let i = 0; i < 3; i++) await p.wait(-1);
      return 0;
    });
    expect(stdout).toBe('a\nb\nc\nb again\nc again\na again\n');
  });

  it('a slice of 10 ms ends where another process could run, and else not', async () => {
    const { stdout } = await run(async (p) => {
      const turns: string[] = [];
      const compute = (name: string) => async (c: Process) => {
        for (let i = 0; i < 4; i++) {
          turns.push(name);
          await c.cpu(6_000_000);
        }
        return 0;
      };
      p.fork(compute('a'));
      p.fork(compute('b'));
      await p.wait(-1);
      await p.wait(-1);
      await say(p, turns.join(''));
      return 0;
    });
    expect(stdout).toBe('aabbaabb\n');
  });

  it('time jumps to the next timer where nobody can run', async () => {
    const { stdout } = await run(async (p) => {
      const from = p.now;
      await p.sleep(3600n * SECOND);
      await say(p, String((p.now - from) / SECOND));
      return 0;
    });
    expect(stdout).toBe('3600\n');
  });

  it('a deadlock ends the run', async () => {
    const world = await boot();
    const running = world.runBody(async (p) => {
      const [r] = p.pipe();
      await p.read(r, 1);
      return 0;
    });
    await expect(running).rejects.toThrow(DeadlockError);
    await expect(running).rejects.toThrow('init (715) would wait for ever');
  });

  it('is the same in every run', async () => {
    const once = async () => {
      const { world } = await run(async (p) => {
        for (let i = 0; i < 5; i++)
          p.fork(async (c) => {
            const m = c.mmap(50 * (i + 1));
            for (let page = 0; page < m.pages; page++) await c.touch(m, { from: page, pages: 1, write: true });
            return i;
          });
        while ((await errnoOf(() => p.wait(-1))) === 'ok');
        return 0;
      });
      return world.machine.digest();
    };
    expect(await once()).toBe(await once());
  });
});

describe('wait', () => {
  it('answers children in the order of their forks, ECHILD without any, null with nohang while none has ended', async () => {
    const { stdout } = await run(async (p) => {
      await say(p, await errnoOf(() => p.wait(-1)));
      const pids = [2n, 1n].map((s) => p.fork(async (c) => ((await c.sleep(s * SECOND)) ? Number(s) : 9)).pid);
      await say(p, String(await p.wait(-1, { nohang: true })));
      await p.sleep(5n * SECOND);
      for (let i = 0; i < 2; i++) {
        const { pid, status } = (await p.wait(-1))!;
        await say(p, `${pids.indexOf(pid)} ${JSON.stringify(status)}`);
      }
      await say(p, await errnoOf(() => p.wait(pids[0]!)));
      return 0;
    });
    expect(stdout).toBe('ECHILD\nnull\n0 {"exit":2}\n1 {"exit":1}\nECHILD\n');
  });

  it("orphans become init's, which reaps them", async () => {
    const { stdout, world } = await run(async (p) => {
      p.fork(async (c) => {
        c.fork(async (g) => {
          await g.sleep(SECOND);
          await say(g, `parent is ${g.ppid}`);
          return 0;
        });
        return 0;
      });
      await p.wait(-1);
      await p.sleep(2n * SECOND);
      await say(
        p,
        p
          .readdir('/proc')
          .filter((name) => /^\d+$/.test(name))
          .length.toString(),
      );
      return 0;
    });
    expect(stdout.split('\n')[0]).toBe('parent is 1');
    expect(world.kernel.processes.size).toBe(1);
  });

  it('whose parent ignores SIGCHLD leaves no zombie', async () => {
    const { stdout } = await run(async (p) => {
      p.sigaction(17, 'ignore');
      p.fork(async () => 0);
      await say(p, await errnoOf(() => p.wait(-1)));
      return 0;
    });
    expect(stdout).toBe('ECHILD\n');
  });
});

describe('exec', () => {
  const args = async (p: Process, argv: readonly string[]) => {
    await say(p, `${argv.join('|')} ${p.comm} ${p.env.get('X')}`);
    return 5;
  };

  it('runs a program by path, with its own name and environment', async () => {
    const { stdout, exit } = await run((p) => p.exec('/bin/args', ['a0', 'x'], new Map([['X', '1']])), { args });
    expect(stdout).toBe('a0|x args 1\n');
    expect(exit).toBe(5);
  });

  it('runs the interpreter of a script with one argument', async () => {
    const { stdout } = await run(
      async (p) => {
        await writeFile(p, '/root/script', '#! /usr/bin/args  -a b  \nrest');
        p.chmod('/root/script', 0o755);
        return p.exec('/root/script', ['script', 'x'], p.env);
      },
      { args },
    );
    expect(stdout).toBe('/usr/bin/args|-a b|/root/script|x script undefined\n');
  });

  it('fails as execve(2) does', async () => {
    const { stdout } = await run(async (p) => {
      const file = async (name: string, text: string, mode: number) => {
        await writeFile(p, name, text);
        p.chmod(name, mode);
      };
      await file('/root/plain', 'echo hi\n', 0o755);
      await file('/root/empty', '', 0o755);
      await file('/root/no', 'echo', 0o644);
      await file('/root/loop', '#!/root/loop\n', 0o755);
      await file('/root/nointerpreter', '#!/nosuch\n', 0o755);
      for (const path of [
        '/root/plain',
        '/root/empty',
        '/root/no',
        '/root',
        '/nosuch',
        '/root/plain/x',
        '/root/loop',
        '/root/nointerpreter',
        '',
      ])
        await say(p, await errnoOf(() => p.exec(path, [path], p.env)));
      return 0;
    });
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      'ENOEXEC',
      'ENOEXEC',
      'EACCES',
      'EACCES',
      'ENOENT',
      'ENOTDIR',
      'ELOOP',
      'ENOENT',
      'ENOENT',
    ]);
  });

  it('closes what is to be closed, and forgets handlers but not what is ignored', async () => {
    const { stdout } = await run(
      async (p) => {
        const fd = await p.open('/dev/null', { read: true });
        const kept = p.dupAbove(fd, 10);
        p.setCloseOnExec(fd, true);
        p.sigaction(10, () => {});
        p.sigaction(12, 'ignore');
        return p.exec('/usr/bin/look', [String(fd), String(kept)], p.env);
      },
      {
        look: async (p, [fd, kept]) => {
          await say(p, `${p.isOpen(Number(fd))} ${p.isOpen(Number(kept))} ${p.disposition(10)} ${p.disposition(12)}`);
          return 0;
        },
      },
    );
    expect(stdout).toBe('false true default ignore\n');
  });

  it('a copy of a program is the program', async () => {
    const { stdout } = await run(
      async (p) => {
        const from = await p.open('/usr/bin/args', { read: true });
        const to = await p.open('/root/copy', { write: true, create: true }, 0o755);
        await p.write(to, await p.read(from, 1 << 20));
        return p.exec('/root/copy', ['copy'], p.env);
      },
      { args },
    );
    expect(stdout).toBe('copy copy undefined\n');
  });
});

describe('descriptors', () => {
  it('are the lowest that are free; dup and fork share the offset, open does not', async () => {
    const { stdout } = await run(async (p) => {
      await writeFile(p, '/root/f', 'abcdefghij');
      const a = await p.open('/root/f', { read: true });
      const b = p.dupAbove(a, 0);
      const c = await p.open('/root/f', { read: true });
      const take = async (q: Process, fd: number) => String.fromCharCode(...(await q.read(fd, 2)));
      const seen = [await take(p, a), await take(p, b), await take(p, c)];
      p.fork(async (child) => {
        seen.push(await take(child, a));
        return 0;
      });
      await p.wait(-1);
      seen.push(await take(p, b));
      p.close(a);
      await say(p, `${a} ${b} ${c} ${seen.join(' ')} ${await p.open('/dev/null', { read: true })}`);
      await say(p, await errnoOf(() => p.close(99)));
      await say(p, await errnoOf(() => p.read(p.dupAbove(1, 20) + 1, 1)));
      await say(p, await errnoOf(async () => p.write(b, bytesOf('x'))));
      return 0;
    });
    expect(stdout).toBe('3 4 5 ab cd ab ef gh 3\nEBADF\nEBADF\nEBADF\n');
  });

  it('append writes at the end, wherever the offset is', async () => {
    const { stdout } = await run(async (p) => {
      const a = await p.open('/root/f', { write: true, create: true, append: true });
      const b = await p.open('/root/f', { write: true });
      await p.write(a, bytesOf('12345'));
      await p.write(b, bytesOf('ab'));
      await p.write(a, bytesOf('67'));
      await say(p, String(p.lseek(a, 0, 'cur')));
      const r = await p.open('/root/f', { read: true });
      await say(p, String.fromCharCode(...(await p.read(r, 100))));
      return 0;
    });
    expect(stdout).toBe('7\nab34567\n');
  });
});
