import { describe, expect, test } from 'vitest';
import * as O from '../../../assembly/replay/ops.ts';
import { TraceBuilder } from '../../../bindings/generate/trace-builder.ts';
import type { Trace } from '../../../bindings/trace/arrow-reader.ts';
import type { TraceRewrite } from '../../../bindings/trace/rewrite/rewrite.ts';
import { rewriteTrace } from '../../../bindings/trace/rewrite/rewrite-trace.ts';
import { OP_NAMES } from '../../../bindings/trace/schema.ts';

/** op, cgroup, object, index, name of each row. */
async function rowsOf(trace: Trace): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const batch of trace.batches())
    for (let i = 0; i < batch.length; i++)
      rows.push([
        OP_NAMES[batch.opMap[batch.op[i]!]!],
        batch.cgroup[i],
        batch.object[i],
        Number(batch.index[i]),
        batch.name(i),
      ]);
  return rows;
}

/** Two lives of /svc, of which the first has a child, under /top. */
function restarts(): TraceBuilder {
  const trace = new TraceBuilder();
  trace.mkdir('/top').mkdir('/top/svc', { 'memory.max': 64 }).mkdir('/top/svc/c');
  trace.rmdir('/top/svc/c').rmdir('/top/svc').mkdir('/top/svc').spawn('t', '/top/svc').exit('t');
  return trace.rmdir('/top/svc').rmdir('/top');
}

const twice: TraceRewrite = {
  name: 'copy',
  summary: '',
  options: {},
  begin: () => ({
    row: (row, emit) => {
      emit(row);
      emit({ ...row, op: O.OP_MARK, name: 'again' });
    },
  }),
};

describe('the framework', () => {
  test('rows are answered one by one, batch by batch', async () => {
    const builder = new TraceBuilder();
    for (let i = 0; i < 40_000; i++) builder.row('mark', { index: i });
    const rewritten = await rewriteTrace(builder.trace(), twice);
    const rows = await rowsOf(rewritten);
    expect(rows.length).toBe(80_000);
    expect(rows[79_999]).toEqual(['mark', 0, 0, 39_999, 'again']);
  });

  test('a trace that cannot be opened again is kept when it must be read twice', async () => {
    const { reopen: _, ...stream } = restarts().trace();
    let read = 0;
    const once: Trace = { ...stream, batches: () => (read++ === 0 ? stream.batches() : (null as never)) };
    const twiceRead = await rowsOf(await rewriteTrace(restarts().trace(), 'layered'));
    expect(await rowsOf(await rewriteTrace(once, 'layered'))).toEqual(twiceRead);
    expect(read).toBe(1);
  });

  test('a stream that tells no marks has those of its rows, raised by what is added', async () => {
    const { reopen: _, ...stream } = restarts().trace();
    const marks = restarts().trace().highWater!;
    const rewritten = await rewriteTrace({ ...stream, highWater: null }, 'layered');
    expect(rewritten.highWater).toMatchObject({ cgroups: marks.cgroups + 1, tasks: marks.tasks });
  });

  test('an unknown option, or one that makes no sense, is refused', async () => {
    await expect(rewriteTrace(restarts().trace(), 'layered', { depth: 2 })).rejects.toThrow(
      'rewrite layered: no option depth: controller, threshold',
    );
    await expect(rewriteTrace(restarts().trace(), 'layered', { controller: 'none' })).rejects.toThrow(
      'rewrite layered: controller none: instance or entity',
    );
  });

  test('no way back in time', async () => {
    const back: TraceRewrite = {
      ...twice,
      begin: () => ({ row: (row, emit) => emit({ ...row, ts: 1000n - row.ts / 2n }) }),
    };
    const trace = await rewriteTrace(restarts().trace(), back);
    await expect(rowsOf(trace)).rejects.toThrow('back in time');
  });
});

describe('layered', () => {
  test('the entity is made at first use, and goes with its parent', async () => {
    expect(await rowsOf(await rewriteTrace(restarts().trace(), 'layered'))).toEqual([
      ['mkdir', 2, 1, 1002, '/top'],
      ['mkdir', 6, 2, 1006, '/top/svc'],
      ['mark', 3, 0, 0, 'instance 1 begins: /top/svc'],
      ['mkdir', 3, 6, 1003, '/top/svc/instance-1'],
      ['write_knob', 3, 0, 64, '/top/svc/memory.max 262144'],
      ['mkdir', 4, 3, 1004, '/top/svc/instance-1/c'],
      ['rmdir', 4, 0, 0, null],
      ['mark', 3, 0, 0, 'instance 1 ends: /top/svc'],
      ['rmdir', 3, 0, 0, null],
      ['mark', 5, 0, 0, 'instance 2 begins: /top/svc'],
      ['mkdir', 5, 6, 1005, '/top/svc/instance-2'],
      ['spawn', 5, 0, 101, 't'],
      ['exit', 0, 0, 0, null],
      ['mark', 5, 0, 0, 'instance 2 ends: /top/svc'],
      ['rmdir', 5, 0, 0, null],
      ['rmdir', 6, 0, 2 ** 40, null],
      ['rmdir', 2, 0, 0, null],
    ]);
  });

  test('without a controller of the instance, the entity stands for it; a threshold removes it behind the last', async () => {
    const trace = await rewriteTrace(restarts().trace(), 'layered', { controller: 'entity', threshold: 10 });
    expect(await rowsOf(trace)).toEqual([
      ['mkdir', 2, 1, 1002, '/top'],
      ['mkdir', 6, 2, 1006, '/top/svc'],
      ['mark', 6, 0, 0, 'instance 1 begins: /top/svc'],
      ['write_knob', 6, 0, 64, '/top/svc/memory.max 262144'],
      ['mark', 6, 0, 0, 'instance 1 ends: /top/svc'],
      ['mark', 6, 0, 0, 'instance 2 begins: /top/svc'],
      ['spawn', 6, 0, 101, 't'],
      ['exit', 0, 0, 0, null],
      ['mark', 6, 0, 0, 'instance 2 ends: /top/svc'],
      ['rmdir', 6, 0, 11, null],
      ['rmdir', 6, 0, 2 ** 40, null],
      ['rmdir', 2, 0, 0, null],
    ]);
  });
});

test('same: what is made again is not removed before', async () => {
  expect(await rowsOf(await rewriteTrace(restarts().trace(), 'same'))).toEqual([
    ['mkdir', 2, 1, 1002, '/top'],
    ['mkdir', 3, 2, 1003, '/top/svc'],
    ['mark', 3, 0, 0, 'instance 1 begins: /top/svc'],
    ['write_knob', 3, 0, 64, '/top/svc/memory.max 262144'],
    ['mkdir', 4, 3, 1004, '/top/svc/c'],
    ['rmdir', 4, 0, 0, null],
    ['mark', 3, 0, 0, 'instance 1 ends: /top/svc'],
    ['mark', 3, 0, 0, 'instance 2 begins: /top/svc'],
    ['spawn', 3, 0, 101, 't'],
    ['exit', 0, 0, 0, null],
    ['mark', 3, 0, 0, 'instance 2 ends: /top/svc'],
    ['rmdir', 3, 0, 0, null],
    ['rmdir', 2, 0, 0, null],
  ]);
});
