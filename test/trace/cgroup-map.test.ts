/** The rules of --cgroups. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CgroupMap } from '../../bindings/trace/cgroup-map.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { scratch } from './helpers.ts';

describe('rules', () => {
  test('a pid beats a command, a command a prefix, and a prefix the rest', async () => {
    const map = await CgroupMap.parse([
      '*=/rest',
      'comm:py*=/prefix',
      'comm:python3=/comm',
      'pid:12=/pid',
      'comm:a=b=/equals',
    ]);
    expect(map.of(12, 'python3')).toBe('/pid');
    expect(map.of(13, 'python3')).toBe('/comm');
    expect(map.of(13, 'pypy')).toBe('/prefix');
    expect(map.of(13, 'bash')).toBe('/rest');
    expect(map.of(13, 'a=b')).toBe('/equals');
    expect(map.byCommand).toBe(true);
  });

  test('without one nothing is said', async () => {
    const map = await CgroupMap.parse(['pid:1=/']);
    expect(map.of(2, 'x')).toBeNull();
    expect(map.of(1, 'x')).toBe('/');
    expect(map.byCommand).toBe(false);
    expect((await CgroupMap.parse([])).of(1, 'x')).toBeNull();
  });

  test('a file has a rule a line, blank lines and comments', async () => {
    const path = join(scratch(), 'rules');
    writeFileSync(path, '# who is where\n\n  pid:7=/seven  \r\ncomm:sh=/shells\n');
    const map = await CgroupMap.parse([`@${path}`, '*=/other']);
    expect([map.of(7, 'x'), map.of(8, 'sh'), map.of(8, 'x')]).toEqual(['/seven', '/shells', '/other']);
  });

  test('of two rules for the same the later one counts', async () => {
    expect((await CgroupMap.parse(['*=/a', '*=/b'])).of(1, '')).toBe('/b');
  });

  test.each([
    'pid:12',
    'pid:x=/a',
    'pid:12345678901=/a',
    'pid:-1=/a',
    'pid:=/a',
    'comm:=/a',
    'comm:x=a',
    'comm:x=/a/',
    'comm:x=/a//b',
    'command:x=/a',
    '*',
    '*=',
    '',
    '=/a',
  ])('%j is refused', async (rule) => {
    const error = await CgroupMap.parse([rule]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(/^--cgroups: [^\n]*$/);
  });

  test('a bad rule in a file is named by its line, a missing file by its path', async () => {
    const path = join(scratch(), 'rules');
    writeFileSync(path, '*=/a\nnonsense\n');
    await expect(CgroupMap.parse([`@${path}`])).rejects.toThrow(`${path}:2: nonsense: not pid:NUMBER=/PATH`);
    await expect(CgroupMap.parse([`@${path}.no`])).rejects.toThrow(`${path}.no: no such file or directory`);
  });
});
