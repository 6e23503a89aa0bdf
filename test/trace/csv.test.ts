/** CSV: RFC 4180, the column mapping, and what is refused. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ops from '../../assembly/replay/ops.ts';
import { importBytes, refusal, survive } from './tables.ts';

const PLAIN = `ts,op,task,cgroup,object,index,count,flags,name
1000,mkdir,0,2,1,77,,EXISTING,/a
1000,spawn,1,2,,42,,,python3
2000,object_new,,,1,,1,,/data/f
2500,file_access,1,,1,7,3,WRITE|FAULT,
2500,anon_touch,1,,,1024,1,262144,
`;
const PLAIN_ROWS = [
  { op: 'mkdir', us: 1, cgroup: 2, object: 1, index: 77, flags: ops.FLAG_EXISTING, name: '/a' },
  { op: 'spawn', us: 1, task: 1, cgroup: 2, index: 42, name: 'python3' },
  { op: 'object_new', us: 2, object: 1, count: 1, name: '/data/f' },
  { op: 'file_access', us: 2.5, task: 1, object: 1, index: 7, count: 3, flags: ops.FLAG_WRITE | ops.FLAG_FAULT },
  { op: 'anon_touch', us: 2.5, task: 1, index: 1024, count: 1, flags: ops.FLAG_WRITE },
];

describe('a table with the columns of the schema', () => {
  test('is taken as it is', async () => {
    const { rows, report } = await importBytes(PLAIN);
    expect(rows).toEqual(PLAIN_ROWS);
    expect(report.format).toBe('csv');
    expect(report.high_water).toEqual({ pages: 1, cgroups: 3, tasks: 2, objects: 2, swap: 1, cpus: 1 });
  });

  test.each([
    ['CRLF', PLAIN.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${PLAIN}`],
    ['semicolons', PLAIN.replaceAll(',', ';')],
    ['tabs', PLAIN.replaceAll(',', '\t')],
    ['blanks around fields', PLAIN.replaceAll(',', ' , ')],
    ['everything in quotes', PLAIN.replace(/[^,\n]+/g, (field) => `"${field}"`)],
    ['empty lines', PLAIN.replaceAll('\n', '\n\n')],
  ])('with %s is the same', async (_, text) => {
    expect((await importBytes(text)).rows).toEqual(PLAIN_ROWS);
  });

  test('has frames and swap entries that count for the high-water marks', async () => {
    const { report } = await importBytes(
      'ts,op,index,flags,object,count\n1,page_alloc,512,order=9,0,0\n2,swap_out,512,0,9,1\n',
    );
    expect(report.high_water).toMatchObject({ pages: 1024, swap: 10 });
  });

  test('puts tasks without a cgroup where --cgroups says, beside the cgroups of the table', async () => {
    const text = 'ts,op,task,cgroup,object,index,name\n1,spawn,1,,,42,py\n2,mkdir,,2,1,,/b\n3,attach,1,2,,,\n';
    const { rows } = await importBytes(text, { cgroups: ['comm:py=/jobs/a'] });
    expect(rows.map((row) => [row.op, row.cgroup, row.name])).toEqual([
      ['mkdir', 2, '/jobs'],
      ['mkdir', 3, '/jobs/a'],
      ['spawn', 3, 'py'],
      ['mkdir', 4, '/b'],
      ['attach', 4, undefined],
    ]);
  });

  test.each([
    ['ts,op,task\n1,spawn,2\n', 'input:2: column task: 2 is not dense: the next new task is 1'],
    ['ts,op,task\n1,anon_touch,1\n', 'input:2: column task: 1 was never introduced by spawn or fork'],
    ['ts,op,cgroup\n1,rmdir,2\n', 'input:2: column cgroup: 2 was never introduced by mkdir'],
    ['ts,op,object,count\n1,object_new,3,1\n', 'input:2: column object: 3 is not dense: the next new object is 1'],
    ['ts,op,flags\n1,mark,LOUD\n', /^input:2: column flags: "LOUD" is no flag; known: IRQ/],
    ['ts,op,gfp\n1,mark,0x800\n', 'input:2: column gfp: 0x800 has bits that mean nothing'],
    ['ts,op\n1,sleep\n', 'input:2: column op: "sleep" is no op'],
    ['ts,op\n,mark\n', 'input:2: column ts: is empty, and a row needs its time'],
    ['ts,op\n5,mark\n-7,mark\n', 'input:3: column ts: -7 is negative'],
    ['ts,op,cpu\n5,mark,x1\n', 'input:2: column cpu: "x1" is not a number'],
    ['ts,op,cpu\n5,mark,65536\n', 'input:2: column cpu: 65536 is beyond 65535'],
    ['ts,op,index\n5,mark,9007199254740993\n', 'input:2: column index: 9007199254740993 is beyond 9007199254740991'],
    ['ts,op,name,colour\n5,mark,x,y\n', /column "colour" is none of the schema/],
    ['time,op\n5,mark\n', /^input:1: no column ts, and no --columns/],
    ['ts,op\n5\n', 'input:2: 1 fields, where the first line has 2'],
    ['ts,op\n5,mark', 'input:2: the last line is cut (no newline at the end of the file)'],
    ['ts,op\n5,"mark\n6,mark\n', /a quote is never closed|quote/],
    ['ts,op\n5,"mark"x\n', 'input:2: text after the closing quote of field 2'],
    ['ts,op\n5,ma\0rk\n', 'input:2: a NUL byte: not a text file'],
    ['ts,op\n', 'input: no row in it'],
  ])('%j is refused', async (text, message) => {
    const said = await refusal(text);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  test('a time that goes back tells how to sort', async () => {
    expect(await refusal('op,ts\nmark,7\nmark,5\n')).toBe(
      'input:3: column ts: time goes backwards: 0.000000005 s after 0.000000007 s; sort the rows first: ' +
        '(head -n 1 input; tail -n +2 input | sort -s -t, -k2,2g) > sorted.csv (fields without line breaks or commas)',
    );
  });

  test('a quote that is never closed is given up after 1 MiB', async () => {
    const text = `ts,op,name\n1,mark,"${'x\n'.repeat(1 << 20)}`;
    expect(await refusal(text)).toBe('input:2: no end of this row (a quote that is never closed?) within 1 MiB');
  });
});

const MAPPED = [
  'ts=time:us,op=ev,op.R=file_access,op.W=file_access+WRITE,op.*=ignore',
  'task=pid,object=path,index=off:bytes,count=len:bytes',
];

describe('a table with a mapping', () => {
  test('introduces tasks, cgroups and objects, and takes bytes to pages', async () => {
    const text = `time,pid,ev,off,len,path
1.5,10,R,4095,2,"/x,""y"""
2,11,W,0,0,/z
3,10,W,8192,4096,/z
4,10,?,1,1,/other
`;
    const { rows, report } = await importBytes(text, {
      columns: MAPPED,
      cgroups: ['pid:10=/jobs/a', '*=/rest'],
    });
    expect(rows).toEqual([
      { op: 'mkdir', us: 1.5, cgroup: 2, object: 1, flags: ops.FLAG_EXISTING | ops.FLAG_INFERRED, name: '/jobs' },
      { op: 'mkdir', us: 1.5, cgroup: 3, object: 2, flags: ops.FLAG_EXISTING | ops.FLAG_INFERRED, name: '/jobs/a' },
      { op: 'spawn', us: 1.5, task: 1, cgroup: 3, index: 10, name: '' },
      { op: 'object_new', us: 1.5, object: 1, count: 1, name: '/x,"y"' },
      { op: 'file_access', us: 1.5, task: 1, object: 1, count: 2 },
      { op: 'mkdir', us: 2, cgroup: 4, object: 1, flags: ops.FLAG_EXISTING | ops.FLAG_INFERRED, name: '/rest' },
      { op: 'spawn', us: 2, task: 2, cgroup: 4, index: 11, name: '' },
      { op: 'object_new', us: 2, object: 2, count: 1, name: '/z' },
      { op: 'file_access', us: 2, task: 2, object: 2, count: 1, flags: ops.FLAG_WRITE },
      { op: 'file_access', us: 3, task: 1, object: 2, index: 2, count: 1, flags: ops.FLAG_WRITE },
    ]);
    expect(report.understood).toEqual({ R: 1, W: 2 });
    expect(report.ignored).toEqual({ '?': 1 });
  });

  test('moves a task whose cgroup changes, and knows cgroups by number', async () => {
    const text = 't;task;cg;page\n1;web;/a/b;5\n2;web;77;6\n3;web;;7\n';
    const { rows } = await importBytes(text, {
      columns: ['ts=t:s', 'op:=anon_touch+WRITE', 'task=task', 'cgroup=cg', 'index=page'],
    });
    expect(rows.map((row) => [row.op, row.us / 1e6, row.cgroup, row.index, row.name])).toEqual([
      ['mkdir', 1, 2, undefined, '/a'],
      ['mkdir', 1, 3, undefined, '/a/b'],
      ['spawn', 1, 3, undefined, 'web'],
      ['anon_touch', 1, undefined, 5, undefined],
      ['mkdir', 2, 4, 77, '/unknown-77'],
      ['attach', 2, 4, undefined, undefined],
      ['anon_touch', 2, undefined, 6, undefined],
      ['anon_touch', 3, undefined, 7, undefined],
    ]);
  });

  test('knows forks, exits, limits, hexadecimal addresses and columns without a header', async () => {
    const text = '1,fork,10,11,\n2,exit,11,,\n3,touch,11,,7f0000001fff\n4,limit,,,\n';
    const { rows } = await importBytes(text, {
      format: 'csv',
      columns: [
        'header=no,ts=#1,op=#2,op.touch=anon_touch,op.limit=write_knob,task=#3,object=#4,index=#5:hex:bytes',
        'cgroup:=/job,name:=memory.max 64M',
      ],
    });
    expect(rows.map(({ op, task, object, index, count }) => ({ op, task, object, index, count }))).toMatchObject([
      { op: 'mkdir' },
      { op: 'spawn', task: 1, index: 10 },
      { op: 'fork', task: 1, object: 2, index: 11 },
      { op: 'exit', task: 2 },
      { op: 'spawn', task: 3, index: 11 },
      { op: 'anon_touch', task: 3, index: 0x7f0000001, count: 1 },
      { op: 'write_knob', index: 16384, count: ops.KNOB_MAX },
    ]);
    expect(rows.at(-1)!.name).toBe('/job/memory.max 64M');
  });

  test('gives every object of a cache its pages in one file, and new ones where it grows', async () => {
    const text = 'when,key,bytes\n1,a,5000\n2,b,1\n2,a,5000\n3,b,9000\n4,a,4096\n5,c,0\n';
    const { rows, report } = await importBytes(text, { columns: ['ts=when:ms,object=key,size=bytes'] });
    expect(rows.slice(2).map(({ op, index = 0, count }) => [op, index, count])).toEqual([
      ['file_access', 0, 2],
      ['file_access', 2, 1],
      ['file_access', 0, 2],
      ['truncate', 2, 1],
      ['file_access', 3, 3],
      ['truncate', 1, 1],
      ['file_access', 0, 1],
      ['file_access', 6, 1],
    ]);
    expect(report.ambiguous).toMatchObject({
      'objects that came back larger': 1,
      'objects that came back smaller': 1,
      'accesses of size 0, taken as one page': 1,
    });
  });

  test.each([
    [['ts=time:us', 'op:=sleep'], '--columns: op:=sleep is no op that a table with a mapping can have'],
    [['ts=time:us', 'op:=charge'], '--columns: op:=charge is no op that a table with a mapping can have'],
    [['op:=sync'], '--columns: ts needs a column, such as ts=time:us'],
    [['ts=time'], '--columns: op needs a column or a constant, such as op:=file_access'],
    [['ts=nope', 'op:=sync'], /^input:1: no column "nope"; the columns are "time", "pid"/],
    [['colour=time'], /^--columns: colour=time: "colour" is no column of a trace/],
    [['ts'], '--columns: "ts" is not NAME=COLUMN'],
    [['ts="time'], '--columns: a quote is never closed in "\\"time"'],
    [['ts=time', 'op=ev', 'op.R=x'], '--columns: op.R=x: not OP, OP+FLAG or ignore'],
    [['ts=time', 'op=ev'], 'input:2: column ev: "R" is no op, and no op.R=… says what it means'],
    [['delimiter=ab'], /^--columns: delimiter=ab: a delimiter is one character/],
  ])('%j is refused', async (columns, message) => {
    const said = await refusal('time,pid,ev\n1,2,R\n', { format: 'csv', columns });
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });
});

test('times keep all their digits, in every unit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(['s', 9], ['ms', 6], ['us', 3], ['ns', 0]),
      fc.bigInt({ min: 0n, max: 17_000_000_000_000_000_000n }),
      fc.bigInt({ min: 0n, max: 10n ** 14n }),
      async ([unit, exponent], first, step) => {
        const times = [first, first + step];
        const text = times.map((ns) => {
          const digits = String(ns).padStart(Number(exponent) + 1, '0');
          const whole = digits.slice(0, digits.length - Number(exponent));
          const rest = digits.slice(digits.length - Number(exponent));
          return `${whole}${rest === '' ? '' : `.${rest}`},x`;
        });
        const { report } = await importBytes(`t,k\n${text.join('\n')}\n`, {
          columns: [`ts=t:${unit},op:=anon_touch,task=k`],
        });
        expect(report.duration_ns).toBe(Number(step));
      },
    ),
    { numRuns: 60 },
  );
});

test('any text survives quoting', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), { minLength: 1, maxLength: 8 }),
      async (texts) => {
        const names = texts.map((text) => text.replaceAll('\0', '0'));
        const body = names.map((name, i) => `${i},mark,"${name.replaceAll('"', '""')}"\n`).join('');
        const { rows } = await importBytes(`ts,op,name\n${body}`, { format: 'csv' });
        expect(rows.map((row) => row.name)).toEqual(names);
      },
    ),
    { numRuns: 60 },
  );
});

test('a thousand damaged tables are read or refused in one line', async () => {
  const mapped = 'time,pid,ev,off,len,path\n1.5,10,R,0,4096,"/x,""y"""\n2,11,W,5000,8000,/z\n3,12,R,"1","2",a\n';
  expect(await survive(Buffer.from(PLAIN), 500, { format: 'csv' })).toBeGreaterThan(250);
  expect(await survive(Buffer.from(mapped), 500, { format: 'csv', columns: MAPPED })).toBeGreaterThan(50);
}, 60_000);
