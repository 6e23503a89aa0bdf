import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Pseudonyms } from '../../bindings/trace/anonymize.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { KNOB_IDS, OP_NAMES } from '../../bindings/trace/schema.ts';
import { capture, line, memcharge, type Row, readRows, scratch } from './helpers.ts';

const CAPTURES = join(import.meta.dirname, '../captures/s11-fork-storm');

async function imported(...files: string[]): Promise<string> {
  const path = join(scratch(), 'original.arrow');
  const writer = new TraceWriter(path, {
    source: 'memcg-probes',
    clock: 'recorded',
    metadata: { host: 'walnut-tree' },
  });
  const { highWater } = await importFiles(files, writer, { format: 'memcg-probes' });
  writer.close(highWater);
  return path;
}

/** Every component of every name, 3 letters at least, but for the files and values of knobs. */
function words(rows: readonly Row[]): string[] {
  const found = rows.flatMap((row) => {
    if (row.name === undefined) return [];
    return row.op === 'write_knob' ? row.name.replace(/\/[^/]* [^ ]*$/, '').split('/') : row.name.split(/[/ ]/);
  });
  // What the format itself says stands in every trace.
  const kept = [...OP_NAMES, ...KNOB_IDS.keys()].join(' ');
  return [...new Set(found)].filter((word) => word.length >= 3 && !kept.includes(word));
}

describe('memcharge anonymize', () => {
  it('leaves no name in a real capture, and its replay as it was', async () => {
    const original = await imported(join(CAPTURES, 'truth.txt.xz'), join(CAPTURES, 'trace.txt.xz'));
    const out = join(dirname(original), 'anonymous.arrow');
    const done = await memcharge(['anonymize', original, '-o', out, '--key', 'k', '--compress', 'lz4']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const [before, after] = [await readRows(original), await readRows(out)];
    const names = words(before);
    expect(names).toContain('bin');
    const left = new Set(after.flatMap((row) => (row.name === undefined ? [] : [row.name])));
    for (const name of left)
      for (const word of names) if (name.includes(word)) expect.fail(`${word} is left in ${name}`);
    const shape = (row: Row) => ({
      ...row,
      name: row.name?.split('/').length,
      ...(row.op === 'mkdir' ? { index: 0 } : {}),
    });
    expect(after.map(shape)).toEqual(before.map(shape));
    const replay = async (path: string) =>
      JSON.parse((await memcharge(['replay', path, '--kernel', '6.1', '--json'])).stdout).state_digest;
    expect(await replay(out)).toBe(await replay(original));
    expect((await memcharge(['validate', out])).code).toBe(0);
  });

  const NAMED = [
    line(1, 'sh-9', 'cgroup_mkdir', 'root=0 id=50 level=1 path=/customer-acme'),
    line(2, 'sh-9', 'cgroup_mkdir', 'root=0 id=51 level=2 path=/customer-acme/payroll'),
    line(3, 'sh-9', 'tracing_mark_write', 'knob /customer-acme/payroll/memory.max 64M'),
    line(4, 'sh-9', 'tracing_mark_write', 'phase quarterly-report'),
    line(5, 'ledgerd-77', 'charge', '(x+0x5/0x1) page=0xffffea0000040000 cgid=51 gfp=0xcc0 flags=0x0', 0, '..Zff'),
  ];

  it('leaves none of them anywhere in the bytes, metadata included', async () => {
    const original = await imported(capture(NAMED));
    const bytes = readFileSync(original);
    const names = words(await readRows(original));
    expect(names).toEqual(expect.arrayContaining(['customer-acme', 'payroll', 'ledgerd']));
    const out = join(dirname(original), 'anonymous.arrow');
    expect((await memcharge(['anonymize', original, '-o', out])).code).toBe(0);
    const after = readFileSync(out);
    for (const word of [...names, 'walnut-tree']) {
      expect(bytes.includes(word)).toBe(true);
      expect(after.includes(word), word).toBe(false);
    }
    // A stream, which does not tell its marks, and back again.
    const stream = await memcharge(['anonymize', '-', '-o', join(dirname(out), 'again.arrow')], bytes.subarray(8));
    expect(stream.code).toBe(0);
    expect((await memcharge(['validate', join(dirname(out), 'again.arrow')])).stdout).toMatch(/ 0 errors, 0 warnings/);
  });

  it('gives the same names the same pseudonyms by the same key', async () => {
    const original = await imported(capture(NAMED));
    const run = async (out: string, ...args: string[]) => {
      const path = join(dirname(original), out);
      expect((await memcharge(['anonymize', original, '-o', path, ...args])).code).toBe(0);
      return (await readRows(path)).map((row) => row.name);
    };
    const [a, b, c, d] = [
      await run('a', '--key', 'one'),
      await run('b', '--key', 'one'),
      await run('c', '--key', 'two'),
      await run('d'),
    ];
    expect(b).toEqual(a);
    expect(c).not.toEqual(a);
    expect(d).not.toEqual(a);
  });

  it('refuses to write over the trace', async () => {
    const original = await imported(capture(NAMED));
    const done = await memcharge(['anonymize', original, '-o', original]);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toMatch(/is the trace itself/);
    expect(readdirSync(dirname(original))).toEqual(['original.arrow']);
  });
});

describe('Pseudonyms', () => {
  const names = new Pseudonyms(Buffer.from('key'));

  it('keep equality and hierarchy', () => {
    expect(names.path('/a/b')).toBe(`/${names.word('a')}/${names.word('b')}`);
    expect(names.path('/')).toBe('/');
    expect(names.path('//x')).toBe(`//${names.word('x')}`);
    const all = Array.from({ length: 5000 }, (_, i) => names.word(`name ${i}`));
    expect(new Set(all).size).toBe(5000);
  });

  it('keep the file and the value of a knob, and nothing else that looks like one', () => {
    expect(names.knob('/a/memory.max 64M')).toBe(`/${names.word('a')}/memory.max 64M`);
    expect(names.knob('/memory.high max')).toBe('/memory.high max');
    expect(names.knob('/a/memory.max secret')).toBe(names.word('/a/memory.max secret'));
    expect(names.knob('/a/secret.file 1')).toBe(names.word('/a/secret.file 1'));
  });
});
