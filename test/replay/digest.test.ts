/** The digest knows what no figure shows yet, but what decides later on whom reclaim and the OOM killer take. */
import { expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { batchOf, type HandRow } from './batch.ts';

const CGROUP: HandRow = { op: O.OP_MKDIR, cgroup: 2, object: 1 };
const spawn = (task: number): HandRow => ({ op: O.OP_SPAWN, task, cgroup: 2 });
const fault = (flags: number): HandRow => ({
  op: O.OP_FILE_ACCESS,
  task: 1,
  object: 1,
  count: 1,
  flags: O.FLAG_FAULT | flags,
});

async function digestOf(rows: HandRow[]): Promise<string> {
  const machine = await Machine.boot({ residency: 'modelled', pages: 4096, cpus: 1 });
  machine.replay(batchOf(rows));
  return machine.digest();
}

it('knows who joined a cgroup last, whom the OOM killer takes of equals', async () => {
  const [up, down] = [await digestOf([CGROUP, spawn(1), spawn(2)]), await digestOf([CGROUP, spawn(2), spawn(1)])];
  expect(up).not.toBe(down);
  const victims = async (order: number[]) => {
    const machine = await Machine.boot({ residency: 'modelled', pages: 4096, cpus: 1 });
    const limit = { op: O.OP_WRITE_KNOB, cgroup: 2, count: O.KNOB_MAX, index: 0 };
    const touch = [1, 2].map((task) => ({ op: O.OP_ANON_TOUCH, task, index: 1, count: 9, flags: O.FLAG_WRITE }));
    machine.replay(batchOf([CGROUP, ...order.map(spawn), ...touch, limit]));
    return machine.kills().map((kill) => kill.victim.task);
  };
  expect([await victims([1, 2]), await victims([2, 1])]).toEqual([
    [2, 1],
    [1, 2],
  ]);
});

it('knows a mapping of code from another', async () => {
  const start = [CGROUP, spawn(1)];
  expect(await digestOf([...start, fault(O.FLAG_EXEC)])).not.toBe(await digestOf([...start, fault(0)]));
});
