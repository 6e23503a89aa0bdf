/** Processes as bodies of TypeScript: who runs when, pipes, signals, wait, exec. */
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../bindings/shell/kernel/bytes.ts';
import type { Process, Program } from '../../../bindings/shell/kernel/syscalls.ts';
import { World } from '../../../bindings/shell/kernel/world.ts';

const say = (process: Process, text: string) => process.write(1, bytesOf(text));

async function boot(programs: Record<string, Program> = {}): Promise<World> {
  return World.boot({ kernel: '6.1', programs: new Map(Object.entries(programs)) });
}

describe('processes', () => {
  it('run one after another: the child starts when the parent blocks', async () => {
    const world = await boot();
    const { stdout, exit } = await world.runBody(async (p) => {
      const child = p.fork(async (c) => {
        await say(c, `child of ${c.ppid}\n`);
        return 7;
      });
      await say(p, 'parent first\n');
      const { pid, status } = (await p.wait(-1))!;
      await say(p, `${pid === child.pid} ${JSON.stringify(status)}\n`);
      return 3;
    });
    expect(stdout).toBe('parent first\nchild of 715\ntrue {"exit":7}\n');
    expect(exit).toBe(3);
    expect(world.machine.audit()).toBeNull();
  });

  it('talk through a pipe', async () => {
    const world = await boot();
    const { stdout } = await world.runBody(async (p) => {
      const [r, w] = p.pipe();
      p.fork(async (c) => {
        c.close(r);
        for (let i = 0; i < 100; i++) await c.write(w, new Uint8Array(4096).fill(97 + (i % 26)));
        return 0;
      });
      p.close(w);
      let total = 0;
      for (;;) {
        const bytes = await p.read(r, 10_000);
        if (bytes.length === 0) break;
        total += bytes.length;
      }
      await p.wait(-1);
      await say(p, `${total}\n`);
      return 0;
    });
    expect(stdout).toBe('409600\n');
    expect(world.machine.audit()).toBeNull();
  });

  it('execute programs', async () => {
    const world = await boot({
      hello: async (p, argv) => {
        await say(p, `${argv.join(' ')} ${p.comm} ${p.env.get('PATH')}\n`);
        return 5;
      },
    });
    expect(await world.run('hello', ['hi', 'x'])).toMatchObject({ stdout: 'hi x hello /usr/bin\n', exit: 5 });
    expect(world.machine.audit()).toBeNull();
  });
});
