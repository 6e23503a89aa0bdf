/** The writers that docs/trace-format.md shows are run as they stand there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, describe, expect, it } from 'vitest';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { validateTrace } from '../../bindings/trace/validate.ts';
import { readRows } from '../trace/helpers.ts';

const root = join(import.meta.dirname, '../..');
const doc = readFileSync(join(root, 'docs/trace-format.md'), 'utf8');
// Below the sources, so that the script finds its packages.
mkdirSync(join(root, 'build'), { recursive: true });
const folder = mkdtempSync(join(root, 'build/doc-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function block(language: string): string {
  const found = [...doc.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map((match) => match[1]!);
  const [code] = found.filter((text) => text.includes('trace.arrow') && !text.includes('not run by the tests'));
  return code!;
}

describe.each([
  ['ts', 'writer.mts', process.execPath, ['--import', 'tsx']],
  ['python', 'writer.py', 'python3', []],
] as const)('the %s writer', (language, file, command, args) => {
  it('writes a trace that validates', async () => {
    writeFileSync(join(folder, file), block(language));
    execFileSync(command, [...args, file], { cwd: folder, stdio: 'pipe' });
    const path = join(folder, 'trace.arrow');
    expect(await validateTrace(await openTrace(path))).toMatchObject({ events: 3, errors: {}, warnings: {} });
    expect(await readRows(path)).toEqual([
      { op: 'spawn', us: 0, task: 1, cgroup: 1, name: 'sh' },
      { op: 'object_new', us: 0.005, task: 1, object: 1, count: 1, name: '/lib/libc.so' },
      { op: 'file_access', us: 0.009, task: 1, object: 1, index: 16, count: 4 },
    ]);
    // Not our reader alone takes it.
    expect(tableFromIPC(readFileSync(path)).getChild('op')!.toArray()).toHaveLength(3);
    rmSync(path);
  });
});
