/** NDJSON: the columns of the schema, mappings, digits that no double holds, and what is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { importBytes, refusal, survive } from './tables.ts';

const PLAIN = `{"ts":1000,"op":"mkdir","cgroup":2,"object":1,"name":"/a"}
{"ts":1500,"op":"spawn","task":1,"cgroup":2,"index":42,"name":"caf\\u00e9 \\ud83d\\ude00 \\"x\\""}
{"ts": 2000.0, "op": "object_new", "object": 1, "count": "1", "name": "/f"}
{ "op":"file_access" , "ts":2e3, "task":1, "object":1, "index":7, "count":3, "flags":"write|FAULT", "name":null }
{"ts":3000,"op":"charge","task":1,"cgroup":2,"object":1,"index":512,"flags":"kind=file|order=1","gfp":"KERNEL"}
`;

describe('objects with the columns of the schema', () => {
  test('are taken as they are', async () => {
    const { rows, report } = await importBytes(PLAIN);
    expect(rows).toEqual([
      { op: 'mkdir', us: 1, cgroup: 2, object: 1, name: '/a' },
      { op: 'spawn', us: 1.5, task: 1, cgroup: 2, index: 42, name: 'café 😀 "x"' },
      { op: 'object_new', us: 2, object: 1, count: 1, name: '/f' },
      { op: 'file_access', us: 2, task: 1, object: 1, index: 7, count: 3, flags: ops.FLAG_WRITE | ops.FLAG_FAULT },
      { op: 'charge', us: 3, task: 1, cgroup: 2, object: 1, index: 512, flags: 0x21, gfp: ops.GFP_KERNEL },
    ]);
    expect(report).toMatchObject({ format: 'ndjson', lines: 5, high_water: { pages: 514, cgroups: 3, tasks: 2 } });
  });

  test.each([
    ['{"ts":1,"op":"mark"}\n{"ts":1,"op":"mark"', 'input:2: the last line is cut (no newline at the end of the file)'],
    ['{"ts":1,"op":"mark"\n', 'input:1: the object does not end'],
    ['{"ts":1,"op":"mark"} x\n', 'input:1: text after the object'],
    ['{"ts":1 "op":"mark"}\n', 'input:1: no comma after the value of "ts"'],
    ['{"ts" 1}\n', 'input:1: no colon after the key "ts"'],
    ['{ts:1}\n', 'input:1: a key in double quotes is missing'],
    ['{"ts":}\n', 'input:1: no value for "ts"'],
    ['{"ts":nul,"op":"mark"}\n', 'input:1: "nul" is no JSON value'],
    ['{"ts":true,"op":"mark"}\n', 'input:1: column ts: true is no number and no text'],
    ['{"ts":[1],"op":"mark"}\n', 'input:1: column ts: is no number and no text'],
    ['{"ts":1,"op":"mark","name":"\\u0000"}\n', 'input:1: a NUL character in a string'],
    ['{"ts":1,"op":"mark","name":"\\q"}\n', 'input:1: an escape that JSON does not know'],
    ['{"ts":1,"op":"mark","name":"a\tb"}\n', 'input:1: a control character in a string'],
    ['{"ts":1,"op":"mark","name":"a}\n', 'input:1: a string that does not end'],
    ['{"ts":1,"op":"mark","cpu":1.5}\n', 'input:1: column cpu: 1.5 is not a whole number'],
    ['{"ts":1,"op":"mark","index":-5}\n', 'input:1: column index: -5 is negative'],
    ['{"ts":1,"op":"mark","index":1e17}\n', /^input:1: column index: 1e17: write it in digits/],
    ['{"ts":1,"op":"mark","index":9007199254740993}\n', /column index: 9007199254740993 is beyond/],
    ['{"ts":1,"op":"mark","colour":1}\n', /^input:1: "colour" is no column of the schema/],
    ['{"op":"mark"}\n', 'input:1: column ts: is empty, and a row needs its time'],
    ['[1]\n', 'input:1: not a JSON object'],
    [`{"ts":1,"op":"mark","name":"${'x'.repeat(5000)}"}\n`, 'input:1: column name: is longer than 4096 bytes'],
  ])('%j is refused', async (text, message) => {
    const said = await refusal(text, { format: 'ndjson' });
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  test('a line without an end is given up after 1 MiB', async () => {
    expect(await refusal(`{"ts":1,"name":"${'x'.repeat(3 << 20)}`, { format: 'ndjson' })).toMatch(
      /^input:1: no end of line within 1 MiB$/,
    );
  });
});

test('a mapping picks keys and passes over the rest, however nested', async () => {
  const text = `{"when":1700000000000000001,"x":{"y":[1,"}",{"z":null}]},"who":"nginx","cg":"a/b","path":"/etc/x"}
{"when":1700000000000000004,"who":"nginx","path":"/etc/x","x":[]}
`;
  const { rows, report } = await importBytes(text, {
    columns: ['ts=when,task=who,cgroup=cg,object=path,op:=file_access,type:=shmem'],
  });
  expect(rows.map(({ op, cgroup, name, count }) => ({ op, cgroup, name, count }))).toMatchObject([
    { op: 'mkdir', cgroup: 2, name: '/a' },
    { op: 'mkdir', cgroup: 3, name: '/a/b' },
    { op: 'spawn', cgroup: 3, name: 'nginx' },
    { op: 'object_new', count: ops.OBJECT_SHMEM, name: '/etc/x' },
    { op: 'file_access', count: 1 },
    { op: 'file_access', count: 1 },
  ]);
  expect(report.duration_ns).toBe(3);
});

test('any object of texts and numbers is read as JSON.parse reads it', async () => {
  const entry = fc.record({
    a: fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
    n: fc.maxSafeNat(),
    other: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 6 }), fc.boolean(), async (entries, ascii) => {
      const lines = entries.map(({ a, n, other }, i) => {
        const text = JSON.stringify({ other, a: a.replaceAll('\0', '0'), t: i, n });
        // Every character as an escape, as some writers do.
        return ascii
          ? text.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
          : text;
      });
      const { rows } = await importBytes(`${lines.join('\n')}\n`, {
        columns: ['ts=t,op:=file_access,object=a,index=n'],
      });
      const names = new Map<number, string>();
      const seen: [string, number][] = [];
      for (const row of rows) {
        if (row.op === 'object_new') names.set(row.object!, row.name!);
        if (row.op === 'file_access') seen.push([names.get(row.object!)!, row.index ?? 0]);
      }
      const wellFormed = (text: string) => Buffer.from(text.replaceAll('\0', '0')).toString();
      expect(seen).toEqual(entries.map(({ a, n }) => [wellFormed(a), n]));
    }),
    { numRuns: 80 },
  );
});

test('a thousand damaged files are read or refused in one line', async () => {
  expect(await survive(Buffer.from(PLAIN), 1000, { format: 'ndjson' })).toBeGreaterThan(500);
}, 60_000);
