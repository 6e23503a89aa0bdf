/** The examples of docs/importing.md are run as they stand there. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FORMATS } from '../../bindings/trace/formats.ts';
import { memcharge, readRows, scratch } from '../trace/helpers.ts';
import { importBytes } from '../trace/tables.ts';

const doc = readFileSync(join(import.meta.dirname, '../../docs/importing.md'), 'utf8');

/** The code blocks of a language below a heading. */
function blocks(heading: string, language: string): string[] {
  const section = doc.split(/^## /m).find((part) => part.startsWith(`${heading}\n`))!;
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);
}

/** The values of an option in a command line of the document. */
function option(command: string, name: string): string[] {
  return [...command.matchAll(new RegExp(`--${name} (?:'([^']*)'|(\\S+))`, 'g'))].map((match) => match[1] ?? match[2]!);
}

test('every format has its section', () => {
  for (const { name } of FORMATS) expect(doc).toMatch(new RegExp(`^## ${name}$`, 'm'));
});

test('csv: the table with the columns of the schema', async () => {
  const { rows } = await importBytes(blocks('csv', 'csv')[0]!);
  expect(rows.map((row) => row.op)).toEqual(['mkdir', 'spawn', 'object_new', 'file_access']);
});

test('csv: the table with a mapping', async () => {
  const command = blocks('csv', 'sh')[0]!;
  const { rows, report } = await importBytes(blocks('csv', 'csv')[1]!, {
    columns: option(command, 'columns'),
    cgroups: option(command, 'cgroups'),
  });
  expect(rows.filter((row) => row.op === 'mkdir').map((row) => row.name)).toEqual(['/jobs', '/jobs/a', '/rest']);
  expect(
    rows.filter((row) => row.op === 'file_access').map(({ index = 0, count, flags = 0 }) => [index, count, flags]),
  ).toEqual([
    [0, 1, 0],
    [1, 3, 1 << 18],
  ]);
  expect(report.understood).toEqual({ R: 1, W: 1 });
});

test('ndjson: the hand-written trace is the CSV one', async () => {
  const csv = await importBytes(blocks('csv', 'csv')[0]!);
  const { rows, report } = await importBytes(blocks('ndjson', 'json')[0]!);
  expect(report.format).toBe('ndjson');
  expect(rows).toEqual(csv.rows);
});

test('cache-csv: the command', async () => {
  const columns = option(blocks('cache-csv', 'sh')[0]!, 'columns');
  const { rows } = await importBytes('a,b,c,d,e\nx,5,x,9000,77\n', { format: 'cache-csv', columns });
  expect(rows.at(-1)).toMatchObject({ op: 'file_access', us: 5e6, count: 3 });
});

test('csv: the command, as a shell would run it; a bad mapping leaves no file', async () => {
  const folder = scratch();
  const input = join(folder, 'accesses.csv');
  const output = join(folder, 't.arrow');
  writeFileSync(input, blocks('csv', 'csv')[1]!);
  const command = blocks('csv', 'sh')[0]!;
  const pairs = (name: string) => option(command, name).flatMap((value) => [`--${name}`, value]);
  const args = ['import', input, '-o', output, ...pairs('cgroups')];
  const bad = await memcharge([...args, '--columns', 'ts=time:s,op=event']);
  expect(bad).toMatchObject({
    code: 2,
    stderr: `memcharge: ${input}:2: column event: "R" is no op, and no op.R=… says what it means\n`,
  });
  expect(existsSync(output)).toBe(false);
  expect(await memcharge([...args, ...pairs('columns')])).toMatchObject({ code: 0, stderr: '' });
  expect(await readRows(output)).toHaveLength(9);
});
