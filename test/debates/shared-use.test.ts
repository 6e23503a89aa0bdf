/** Debate 1: what userspace can do today, and the three use cases. */
import { expect } from 'vitest';
import { EVENT_OOM_KILL } from '../../assembly/layout.ts';
import { FLAG_WRITE, KIND_FILE, KIND_SHMEM, OP_FILE_ACCESS, OP_OBJECT_NEW } from '../../assembly/replay/ops.ts';
import type { Scenario, ScenarioOptions } from '../../bindings/generate/scenario.ts';
import { podTmpfs } from '../../bindings/generate/scenarios/pod-tmpfs.ts';
import { service } from '../../bindings/generate/scenarios/service.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { sharedLibraries } from '../../bindings/generate/scenarios/shared-libraries.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import type { Machine } from '../../bindings/machine.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { rewriteTrace } from '../../bindings/trace/rewrite/rewrite-trace.ts';
import { row } from './row.ts';
import { idOf, replayRows, rowsOf } from './run.ts';

/** Pages of objects that are a cgroup's own. */
function own(machine: Machine, cgroup: number): number {
  return Number(machine.engine.statLocal(cgroup, KIND_SHMEM) + machine.engine.statLocal(cgroup, KIND_FILE));
}

/** The same of every cgroup, in the order of their making, the root first. */
async function bill(scenario: Scenario, policy: string, options: ScenarioOptions = {}): Promise<[number[], string[]]> {
  const machine = await replayRows(rowsOf(scenario, options), policy);
  return [[...machine.cgroups.keys()].map((id) => own(machine, id)), machine.kills().map(({ victim }) => victim.name!)];
}

row(
  'S3d',
  'private-copies: a, b and x have 8192 pages each, 24576 together instead of 8192, and nothing is left that common-ancestor could move',
  async () => {
    const machine = await replayRows(rowsOf(shared), 'private-copies');
    const pays = (path: string) => own(machine, idOf(machine, path));
    expect(['/pod/a', '/pod/b', '/x', '/pod', '/'].map(pays)).toEqual([8192, 8192, 8192, 0, 0]);
    expect((await bill(shared, 'linux'))[0]).toEqual([0, 0, 8192, 0, 0]);
    const trace = await rewriteTrace(rowsOf(shared).trace(), 'private-copies');
    const moving = await bootFor(trace, { residency: 'modelled', policy: 'common-ancestor' }, false, 1 << 16);
    await replayTrace(moving, trace);
    expect(moving.audit()).toBeNull();
    expect(moving.policyCounts().moved).toBe(0);
    expect(own(moving, idOf(moving, '/x'))).toBe(8192);
  },
);

row(
  'S3d',
  'private-copies: mappings, unlink and truncation find the copy of whoever asks: nothing is left in the end',
  async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b').object('f', 'shmem');
    const object = trace.objectId('f');
    for (const task of ['a', 'b']) trace.access(task, 'f', { pages: 64, write: true, fault: true });
    trace.row('truncate', { task: trace.task('b'), object, index: 32 });
    trace.row('unmap', { task: trace.task('a'), object, index: 0, count: 8 });
    const open = await replayRows(trace, 'private-copies');
    const mapped = (path: string) => open.memoryStat(idOf(open, path)).file_mapped! / 4096;
    expect(['/a', '/b'].map((path) => own(open, idOf(open, path)))).toEqual([64, 32]);
    expect(['/a', '/b'].map(mapped)).toEqual([56, 32]);
    trace.objectFree('f');
    const gone = await replayRows(trace, 'private-copies');
    expect(['/a', '/b'].map((path) => own(gone, idOf(gone, path)))).toEqual([0, 0]);
  },
);

row(
  'S5',
  'preallocate: the service that mounts touches all 8192 pages first: it pays for them in every order, a, b and x for none, and its peak is 8192 before anybody comes',
  async () => {
    for (const order of ['a,b,x', 'b,a,x', 'x,b,a']) {
      const [pages] = await bill(shared, 'preallocate', { order, service: '/service' });
      // root, /pod, /pod/a, /pod/b, /x, /service
      expect(pages).toEqual([0, 0, 0, 0, 0, 8192]);
    }
    const trace = await rewriteTrace(rowsOf(shared, { service: '/service' }).trace(), 'preallocate');
    const rows: [number, number, number][] = [];
    for await (const batch of trace.batches())
      for (let i = 0; i < batch.length; i++) rows.push([batch.op[i]!, batch.count[i]!, batch.flags[i]!]);
    const made = rows.findIndex(([op]) => op === OP_OBJECT_NEW);
    expect(rows[made + 1]).toEqual([OP_FILE_ACCESS, 8192, FLAG_WRITE]);
    // Nobody but the one user: no reason to.
    expect((await bill(shared, 'preallocate', { order: 'a' }))[0]).toEqual([0, 0, 8192, 0, 0]);
  },
);

// root, /service, /jobs, /jobs/client1, /jobs/client2, /jobs/client3
row(
  'S4',
  '(i) a service fills 32M for each of three clients: linux and preallocate: the service is killed at 64M; memcg-mount: each client 32M; common-ancestor: root 96M, no kill if clients read at once, else the service is killed',
  async () => {
    expect((await bill(service, 'linux'))[1]).toEqual(['service']);
    expect((await bill(service, 'preallocate'))[1]).toEqual(['service']);
    expect(await bill(service, 'memcg-mount')).toEqual([[0, 0, 0, 8192, 8192, 8192], []]);
    expect(await bill(service, 'memcg-mount-ancestor')).toEqual([[24576, 0, 0, 0, 0, 0], []]);
    expect(await bill(service, 'common-ancestor')).toEqual([[24576, 0, 0, 0, 0, 0], []]);
    expect((await bill(service, 'common-ancestor', { eager: 0 }))[1]).toEqual(['service']);
  },
);

// root, /pod, /pod/sidecar, /pod/app three times
row(
  'S4',
  '(ii) a pod keeps 32M over three lives of its container: linux: stranded with the first, dead one; memcg-mount, memcg-mount-ancestor and common-ancestor: the pod own 32M; private-copies: the third has 32M, the dead two as well',
  async () => {
    expect((await bill(podTmpfs, 'linux'))[0]).toEqual([0, 0, 0, 8192, 0, 0]);
    for (const policy of ['memcg-mount', 'memcg-mount-ancestor', 'common-ancestor'])
      expect((await bill(podTmpfs, policy))[0]).toEqual([0, 8192, 0, 0, 0, 0]);
    expect((await bill(podTmpfs, 'preallocate'))[0]).toEqual([0, 0, 8192, 0, 0, 0]);
    expect((await bill(podTmpfs, 'private-copies'))[0]).toEqual([0, 0, 0, 8192, 8192, 8192]);
    const machine = await replayRows(rowsOf(podTmpfs));
    const dead = [...machine.cgroups].find(([, { path }]) => path === '/pod/app')![0];
    expect([machine.isRemoved(dead), machine.isReleased(dead)]).toEqual([true, false]);
  },
);

// root, /lib, /job1 to /job4
row(
  'S4',
  '(iii) 48M of libraries and 24M each for four jobs of 64M: linux: the first is killed where they are tmpfs or mlocked, and loses cache where they are clean; memcg-mount: /lib 48M, nobody is killed; common-ancestor: root 48M, nobody if all map before they allocate, else the first',
  async () => {
    for (const kind of ['tmpfs', 'mlocked']) {
      expect(await bill(sharedLibraries, 'linux', { kind })).toEqual([[0, 0, 12288, 0, 0, 0], ['job1']]);
      expect(await bill(sharedLibraries, 'memcg-mount', { kind })).toEqual([[0, 12288, 0, 0, 0, 0], []]);
      expect(await bill(sharedLibraries, 'common-ancestor', { kind })).toEqual([[12288, 0, 0, 0, 0, 0], []]);
      expect((await bill(sharedLibraries, 'common-ancestor', { kind, together: 0 }))[1]).toEqual(['job1']);
    }
    const [[root, lib, first], kills] = await bill(sharedLibraries, 'linux', { kind: 'cache' });
    expect(kills).toEqual([]);
    expect([root, lib]).toEqual([0, 0]);
    // Its 24M and what the limit leaves of the libraries.
    expect(first).toBeLessThanOrEqual(16384 - 6144);
    expect(first).toBeGreaterThan(16384 - 6144 - 64);
    const machine = await replayRows(rowsOf(sharedLibraries, { kind: 'cache' }));
    expect(machine.memoryStat(idOf(machine, '/job1')).pgsteal).toBe(12288 - first!);
    expect(Number(machine.engine.eventCount(idOf(machine, '/job1'), EVENT_OOM_KILL, 1))).toBe(0);
    expect(await bill(sharedLibraries, 'common-ancestor', { kind: 'cache' })).toEqual([[12288, 0, 0, 0, 0, 0], []]);
  },
);
