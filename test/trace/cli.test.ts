import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { capture, finished, line, memcharge, page, scratch, startMemcharge } from './helpers.ts';

const TRUTH = [
  '# tracer: nop',
  line(1, 'sh-9', 'css_online', '(x+0x5/0x1) memcg=0xffff888005c70000 cgid=50', 0, '..Zff'),
  ...Array.from({ length: 2000 }, (_, i) =>
    line(10 + i, 'w-5', 'charge', `(x+0x5/0x1) page=${page(0x1000 + i)} cgid=50 gfp=0xcc0 flags=0x0`, 0, '..Zff'),
  ),
];
const TRACE = [line(2, 'sh-9', 'cgroup_mkdir', 'root=0 id=50 level=1 path=/jobs')];

describe('memcharge import', () => {
  it('writes a trace that inspect shows', async () => {
    const out = join(scratch(), 't.arrow');
    const done = await memcharge(['import', capture(TRUTH), capture(TRACE), '-o', out, '--json']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(done.stdout)).toMatchObject({
      trace: out,
      written: { charge: 2000, mkdir: 1 },
      ambiguous: { 'cgroups from before the recording': 0 },
    });
    const shown = await memcharge(['inspect', out, '--head', '2', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      events: 2003,
      ops: { charge: 2000 },
      cgroups: [{ path: '/' }, { id: 2, path: '/jobs', parent: 1 }],
      head: [{ op: 'spawn' }, { op: 'mkdir', name: '/jobs' }],
    });
    const text = await memcharge(['inspect', '-'], readFileSync(out));
    expect(text.stdout).toContain('/jobs #2');
  });

  it('reads standard input', async () => {
    const out = join(scratch(), 't.arrow');
    const done = await memcharge(['import', '-', '-o', out], gzipSync(`${TRUTH.join('\n')}\n`));
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain('missing: the public trace');
  });

  const bad: [string, (folder: string) => string, RegExp][] = [
    ['a file that is not there', (f) => join(f, 'none'), /none: no such file or directory/],
    ['a folder', (f) => f, /: is a directory/],
    [
      'a cut gzip file',
      (f) => put(f, gzipSync(`${TRUTH.join('\n')}\n`).subarray(0, -100)),
      /in: the gzip file is cut after line \d+/,
    ],
    ['a cut line', (f) => put(f, `${TRUTH.join('\n')}\n`.slice(0, -40)), /in:2002: the last line is cut/],
    ['a line that is cut in the middle', (f) => put(f, `${TRUTH[1]!.slice(0, 60)}\n`), /in: no known format/],
    ['time that goes backwards', (f) => put(f, `${TRUTH[2000]}\n${TRUTH[1]}\n`), /in:2: time goes backwards/],
    ['other text', (f) => put(f, 'hello world\n'.repeat(1000)), /in: no known format/],
    ['an empty file', (f) => put(f, ''), /in: no known format/],
    ['binary rubbish', (f) => put(f, Buffer.alloc(100_000, 0xe9)), /in: no known format/],
  ];

  it.each(bad)('refuses %s in one line and leaves nothing', async (_, make, message) => {
    const folder = scratch();
    const target = join(folder, 'out');
    mkdirSync(target);
    const done = await memcharge(['import', make(folder), '-o', join(target, 't.arrow')]);
    expect(done.code).toBe(2);
    expect(done.stdout).toBe('');
    expect(done.stderr).toMatch(/^memcharge: [^\n]+\n$/);
    expect(done.stderr).toMatch(message);
    expect(readdirSync(target)).toEqual([]);
  });

  it('leaves an older trace alone when it fails', async () => {
    const out = join(scratch(), 't.arrow');
    writeFileSync(out, 'precious');
    expect((await memcharge(['import', capture(TRACE), '-o', out, '--format', 'memcg-probes'])).code).toBe(2);
    expect(readFileSync(out, 'utf8')).toBe('precious');
    expect(readdirSync(dirname(out))).toEqual(['t.arrow']);
  });

  it('does not write over a capture', async () => {
    const file = capture(TRUTH);
    const done = await memcharge(['import', file, '-o', file]);
    expect(done.code).toBe(2);
    expect(done.stderr).toContain('is one of the captures');
  });

  it('removes what it began when it is interrupted', async () => {
    const folder = scratch();
    const child = startMemcharge(['import', '-', '-o', join(folder, 't.arrow')]);
    const end = finished(child);
    // What it had not yet read when it died.
    child.stdin.on('error', () => {});
    child.stdin.write(`${TRUTH.join('\n')}\n`);
    while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect((await end).signal).toBe('SIGINT');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('memcharge inspect', () => {
  it('refuses what is no trace', async () => {
    const done = await memcharge(['inspect', capture(TRACE)]);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(/^memcharge: .*not an Arrow IPC file or stream\n$/);
  });
});

describe('a trace on standard output', () => {
  it('is a stream that replay reads from another process', async () => {
    const [truth, trace] = [capture(TRUTH), capture(TRACE)];
    const file = join(scratch(), 't.arrow');
    expect((await memcharge(['import', truth, trace, '-o', file])).code).toBe(0);
    const want = JSON.parse((await memcharge(['replay', file, '--json'])).stdout);

    const pipe = async (args: string[], compress: string) => {
      const writer = startMemcharge(['import', truth, trace, '-o', '-', '--compress', compress, '--json']);
      const reader = startMemcharge(['replay', '-', ...args]);
      reader.stdin.on('error', () => {});
      writer.stdout.pipe(reader.stdin);
      let report = '';
      writer.stderr.on('data', (data) => {
        report += data;
      });
      const code = new Promise((resolve) => writer.on('close', resolve));
      const done = await finished(reader);
      return { done, report, code: await code };
    };
    for (const compress of ['none', 'zstd']) {
      const { done, report, code } = await pipe(
        ['--json', '--capacity', 'pages=4096', '--capacity', 'cpus=1'],
        compress,
      );
      expect(done).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(done.stdout).state_digest).toBe(want.state_digest);
      expect(code).toBe(0);
      expect(JSON.parse(report)).toMatchObject({ trace: '-', written: { charge: 2000 } });
    }
    // Without --capacity the defaults hold; a stream that needs more says which, in one line.
    const small = (await pipe(['--capacity', 'pages=100'], 'none')).done;
    expect(small).toMatchObject({ code: 2, stdout: '' });
    expect(small.stderr).toMatch(/^memcharge: standard input: row \d+: [^\n]*--capacity pages[^\n]*\n$/);
  });

  it('is refused with an unknown compression', async () => {
    const done = await memcharge(['import', capture(TRUTH), '-o', '-', '--compress', 'brotli']);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toBe('memcharge: --compress brotli: known are none, lz4, zstd\n');
  });
});

describe('usage', () => {
  it.each([
    [['bogus'], 2, /unknown command/],
    [[], 2, /Usage: memcharge/],
    [['import', 'x'], 2, /required option/],
    [['import', 'x', '-o', 'y', '--format', 'z'], 2, /unknown format z/],
    [['inspect', 'x', '--head', 'many'], 2, /not a whole number/],
    [['inspect', 'x', '--nonsense'], 2, /unknown option/],
  ])('%j exits with %i', async (args, code, message) => {
    const done = await memcharge(args);
    expect(done.code).toBe(code);
    expect(done.stdout).toBe('');
    expect(done.stderr).toMatch(message);
    expect(done.stderr).not.toMatch(/\n\s+at /);
  });

  it('prints its version', async () => {
    expect(await memcharge(['--version'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

function put(folder: string, content: string | Buffer): string {
  const path = join(folder, 'in');
  writeFileSync(path, content);
  return path;
}
