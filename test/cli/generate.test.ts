/** `memcharge generate`: scenarios listed, told, written; what is not known is refused in one line. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCENARIOS } from '../../bindings/generate/registry.ts';
import { optionsOf } from '../../bindings/generate/scenario.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { memcharge, readRows, scratch } from '../trace/helpers.ts';

describe('generate', () => {
  it('lists the scenarios, and tells the options of one', async () => {
    const { code, stdout } = await memcharge(['generate']);
    expect(code).toBe(0);
    for (const { name, summary } of SCENARIOS)
      expect(stdout.split('\n').filter((line) => line.startsWith(`${name} `) && line.endsWith(summary))).toHaveLength(
        1,
      );
    const told = await memcharge(['generate', 'shared']);
    expect(told.stdout).toMatch(/^order +a,b,x +who comes when$/m);
    const all = JSON.parse((await memcharge(['generate', '--json'])).stdout);
    expect(all.map((each: { name: string }) => each.name)).toEqual(SCENARIOS.map((each) => each.name));
  });

  it('writes what the builder makes, row by row, to a file and to a pipe', async () => {
    const folder = scratch();
    const path = join(folder, 't.arrow');
    const done = await memcharge(['generate', 'shared', '-o', path, '--option', 'order=b,a,x', '--option', 'pages=16']);
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: `${path}: 12 events over 0.000011 s\n` });
    const builder = new TraceBuilder();
    const shared = SCENARIOS.find((each) => each.name === 'shared')!;
    shared.build(builder, optionsOf(shared, { order: 'b,a,x', pages: 16 }));
    const kept = join(folder, 'kept.arrow');
    await builder.write(kept);
    expect(await readRows(path)).toEqual(await readRows(kept));
    expect(readdirSync(folder).sort()).toEqual(['kept.arrow', 't.arrow']);
    const piped = await memcharge(['generate', 'shared', '-o', '-']);
    expect(piped.stderr).toBe('standard output: 12 events over 0.000011 s\n');
    expect(piped.stdout.length).toBeGreaterThan(1000);
  });

  it('refuses in one line, with 2, and leaves what was there', async () => {
    const folder = scratch();
    const path = join(folder, 't.arrow');
    writeFileSync(path, 'mine');
    for (const [args, message] of [
      [['nope', '-o', path], /^memcharge: no scenario nope: known are shared.*\n$/],
      [
        ['shared', '-o', path, '--option', 'speed=1'],
        'memcharge: --option speed: shared has pages, order, memcg, service\n',
      ],
      [
        ['shared', '-o', path, '--option', '__proto__=1'],
        'memcharge: --option __proto__: shared has pages, order, memcg, service\n',
      ],
      [['shared', '-o', path, '--option', 'pages'], 'memcharge: --option pages: not NAME=VALUE\n'],
      [['shared', '-o', path, '--option', 'pages=-1'], /^memcharge: --option pages -1: not a whole number.*\n$/],
      [['shared', '-o', path, '--option', 'order=a,q'], 'memcharge: generate shared: no task q\n'],
      [
        ['shared', '-o', path, '--option', 'pages=1', '--option', 'pages=2'],
        'memcharge: --option pages: given twice\n',
      ],
      [['-o', path], 'memcharge: generate: which scenario? Its name is missing\n'],
      [['shared', '-o', folder], `memcharge: ${folder}: exists and is not a regular file\n`],
    ] as const) {
      const { code, stdout, stderr } = await memcharge(['generate', ...args]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      if (typeof message === 'string') expect(stderr).toBe(message);
      else expect(stderr).toMatch(message);
      expect(readFileSync(path, 'utf8')).toBe('mine');
      expect(readdirSync(folder)).toEqual(['t.arrow']);
    }
  });
});
