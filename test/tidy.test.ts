/**
 * Style that no tool checks: the formatter cannot read AssemblyScript's decorators, and no linter knows what this project promises of
 * its files.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /\.(ts|mjs|c|md|json)$/.test(path) && path !== 'package-lock.json');
const text = (path: string) => readFileSync(join(root, path), 'utf8');
const engine = files.filter((path) => path.startsWith('assembly/') && path.endsWith('.ts'));

describe('every file', () => {
  test('ends with a newline, has no tabs and no trailing blanks', () => {
    const bad = files.filter(
      (path) => !/[^\n]\n$/.test(text(path)) || (!path.endsWith('.md') && /[ \t]+$|\t/m.test(text(path))),
    );
    expect(bad).toEqual([]);
  });

  test('leaves nothing undone or switched off', () => {
    const undone = /\b(TO[D]O|FIX[M]E|HA[C]K)\b|\b(it|test|describe)\.(skip|only|todo)\b/;
    expect(files.filter((path) => undone.test(text(path)))).toEqual([]);
  });
});

describe('the engine', () => {
  test('has lines of at most 140 characters', () => {
    const long = engine.flatMap((path) =>
      text(path)
        .split('\n')
        .map((line, i) => `${path}:${i + 1}: ${line.length}`)
        .filter((where) => Number(where.split(' ').at(-1)) > 140),
    );
    expect(long).toEqual([]);
  });

  test('begins every file by saying what it is', () => {
    expect(engine.filter((path) => !text(path).startsWith('//'))).toEqual([]);
  });

  test('imports nothing that it does not use', () => {
    const unused = engine.flatMap((path) => {
      const source = text(path);
      return [...source.matchAll(/import \{([^}]*)\} from/g)]
        .flatMap((match) => match[1]!.split(','))
        .map((name) => name.trim().split(' as ').at(-1)!)
        .filter((name) => name !== '' && (source.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length < 2)
        .map((name) => `${path}: ${name}`);
    });
    expect(unused).toEqual([]);
  });

  test('exports nothing that nobody uses', () => {
    const sources = files
      .filter((path) => path.endsWith('.ts'))
      .map(text)
      .join('\n');
    const dead = engine
      .filter((path) => path !== 'assembly/index.ts')
      .flatMap((path) =>
        [...text(path).matchAll(/export (?:function|const|let) (\w+)/g)].map((match) => [path, match[1]!] as const),
      )
      // Numbers of a family stand in the file whether or not each is needed yet: the bindings print all of them by name.
      .filter(
        ([, name]) =>
          !/^(EVENT|STAT|LRU|NR)_/.test(name) && (sources.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length < 2,
      )
      .map(([path, name]) => `${path}: ${name}`);
    expect(dead).toEqual([]);
  });
});
