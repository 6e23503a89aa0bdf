/** What the README shows of the library and of the command line is what they do. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/bindings/cli/main.js');
const capture = (file: string) => join(root, 'test/captures/s11-fork-storm', file);

describe('README', () => {
  let readme: string;
  let folder: string;
  beforeAll(async () => {
    readme = await readFile(join(root, 'README.md'), 'utf8');
    folder = await mkdtemp(join(root, 'build/readme-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the library example runs as printed, and its comments are true', async () => {
    const code = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
    const shown = code
      .replace(/^(machine\.figures.*); \/\/ (\d+).*$/m, 'console.log($1 === $2);')
      .replace(/^(machine\.audit\(\)); \/\/ null.*$/m, 'console.log($1 === null);');
    const file = join(folder, 'example.mjs');
    await writeFile(file, shown);
    expect((await run(process.execPath, [file])).stdout).toBe('true\ntrue\n');
  });

  test('the table is what npm start prints', async () => {
    const trace = join(folder, 't.arrow');
    await run(process.execPath, [main, 'import', capture('truth.txt.xz'), capture('trace.txt.xz'), '-o', trace]);
    const against = ['--kernel', '6.1', '--audit', '--against', capture('samples.jsonl.gz')];
    const { stdout } = await run(process.execPath, [main, 'replay', trace, ...against]);
    const table = /```\n(phase [\s\S]*?)```/.exec(readme)![1]!;
    const lines = table.split('\n').filter((line) => line !== '…');
    for (const line of lines) expect(stdout.split('\n')).toContain(line);
    for (const command of ['import', 'inspect', 'replay']) expect(readme).toContain(`memcharge ${command} `);
  });

  test('the table of determinism is what compare prints', async () => {
    const [generate, compare] = [...readme.matchAll(/^memcharge ((?:generate|compare) shared.*)$/gm)].map((m) =>
      m[1]!.split(' '),
    );
    await run(process.execPath, [main, ...generate!], { cwd: folder });
    const { stdout } = await run(process.execPath, [main, ...compare!], { cwd: folder });
    const table = /```\n(determinism [\s\S]*?)```/.exec(readme)![1]!.trimEnd().split('\n');
    for (const line of table) expect(stdout.split('\n')).toContain(line);
  });

  test('every file and folder that it names is there', async () => {
    const named = [...readme.matchAll(/`((?:assembly|bindings|test|bench|docs)\/[\w./-]*)`|\]\((docs\/[\w.-]+)\)/g)];
    expect(named.length).toBeGreaterThan(10);
    for (const [, path, link] of named) await expect(run('ls', [join(root, path ?? link!)])).resolves.toBeTruthy();
  });
});
