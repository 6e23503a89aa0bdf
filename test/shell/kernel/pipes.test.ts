/** Pipes and fifos: 64 KiB, blocking, EPIPE. */
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../bindings/shell/kernel/bytes.ts';
import type { Process } from '../../../bindings/shell/kernel/syscalls.ts';
import { errnoOf, readFile, run, SECOND, say, writeFile } from './helpers.ts';

describe('a pipe', () => {
  it('passes everything on, in order, through a reader of other sizes', async () => {
    const { stdout } = await run(async (p) => {
      const [r, w] = p.pipe();
      p.fork(async (c) => {
        c.close(r);
        let value = 0;
        for (let i = 0; i < 200; i++) {
          const bytes = new Uint8Array((i * 997) % 9000);
          for (let k = 0; k < bytes.length; k++) bytes[k] = value++ & 255;
          for (let done = 0; done < bytes.length; ) done += await c.write(w, bytes.subarray(done));
        }
        return 0;
      });
      p.close(w);
      let total = 0;
      let wrong = 0;
      for (let i = 0; ; i++) {
        const bytes = await p.read(r, 1 + ((i * 613) % 7000));
        if (bytes.length === 0) break;
        for (const byte of bytes) if (byte !== (total++ & 255)) wrong++;
      }
      await say(p, `${total} ${wrong}`);
      return 0;
    });
    let sum = 0;
    for (let i = 0; i < 200; i++) sum += (i * 997) % 9000;
    expect(stdout).toBe(`${sum} 0\n`);
  });

  it('holds 64 KiB: 16 buffers of a page each; small writes share one', async () => {
    const { stdout } = await run(async (p) => {
      const [, w] = p.pipe();
      const [, v] = p.pipe();
      let full = 0;
      let small = 0;
      p.fork(async (c) => {
        for (;;) full += await c.write(w, new Uint8Array(4096));
      });
      p.fork(async (c) => {
        for (;;) small += await c.write(v, new Uint8Array(1000));
      });
      await p.sleep(SECOND);
      await say(p, `${full} ${small}`);
      return 0;
    });
    // Four writes of 1000 bytes fit in a page, the fifth takes another one.
    expect(stdout).toBe('65536 64000\n');
  });

  it('without readers: SIGPIPE, and EPIPE for who ignores it', async () => {
    const { stdout } = await run(async (p) => {
      const [r, w] = p.pipe();
      p.fork(async (c) => {
        c.close(r);
        await c.sleep(SECOND);
        await c.write(w, bytesOf('x'));
        return 0;
      });
      p.fork(async (c) => {
        c.close(r);
        c.sigaction(13, 'ignore');
        await c.sleep(SECOND);
        await say(c, await errnoOf(() => c.write(w, bytesOf('x'))));
        return 0;
      });
      p.close(r);
      for (let i = 0; i < 2; i++) await say(p, JSON.stringify((await p.wait(-1))!.status));
      return 0;
    });
    expect(stdout).toBe('{"signal":13}\nEPIPE\n{"exit":0}\n');
  });

  it('cannot be sought', async () => {
    const { stdout } = await run(async (p) => {
      const [r] = p.pipe();
      await say(p, await errnoOf(() => p.lseek(r, 0, 'cur')));
      return 0;
    });
    expect(stdout).toBe('ESPIPE\n');
  });

  it('charges its pages to who writes, and gives them back', async () => {
    const { stdout } = await run(async (p) => {
      await p.mkdir('/sys/fs/cgroup/a');
      const current = async (q: Process) => Number(await readFile(q, '/sys/fs/cgroup/a/memory.current'));
      const pipes = Array.from({ length: 16 }, () => p.pipe());
      p.fork(async (c) => {
        await writeFile(c, '/sys/fs/cgroup/a/cgroup.procs', '0');
        const before = await current(c);
        for (const [, w] of pipes) await c.write(w, new Uint8Array(65536));
        // The CPU's stock holds up to 64 pages more.
        const more = ((await current(c)) - before) / 4096;
        await say(c, String(more >= 256 - 64 && more <= 256 + 64));
        return 0;
      });
      await p.wait(-1);
      for (const fd of pipes.flat()) p.close(fd);
      await p.sleep(5n * SECOND);
      // The CPU's stock of bytes may hold a page.
      const kernel = Number(/^kernel (\d+)$/m.exec(await readFile(p, '/sys/fs/cgroup/a/memory.stat'))![1]);
      await say(p, String(kernel <= 4096));
      return 0;
    });
    expect(stdout).toBe('true\ntrue\n');
  });
});

describe('a fifo', () => {
  it('waits for its other end', async () => {
    const { stdout } = await run(async (p) => {
      p.mknod('/root/f', 'fifo', 0o600);
      p.fork(async (c) => {
        await c.sleep(SECOND);
        const fd = await c.open('/root/f', { write: true });
        await c.write(fd, bytesOf('hello'));
        return 0;
      });
      const from = p.now;
      const text = await readFile(p, '/root/f');
      await say(p, `${text} ${(p.now - from) / SECOND}`);
      await say(p, await errnoOf(() => p.open('/root/f', { write: true, nonblock: true })));
      const both = await p.open('/root/f', { read: true, write: true });
      await p.write(both, bytesOf('xy'));
      await say(p, String.fromCharCode(...(await p.read(both, 10))));
      return 0;
    });
    expect(stdout).toBe('hello 1\nENXIO\nxy\n');
  });
});
