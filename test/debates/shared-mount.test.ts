/** Debate 1: memcg= of a mount. Who may, who pays, what happens when the payer is full, and whose work it is. */
import { expect } from 'vitest';
import { EVENT_OOM, EVENT_OOM_KILL } from '../../assembly/layout.ts';
import { KIND_SHMEM } from '../../assembly/replay/ops.ts';
import { mountFull } from '../../bindings/generate/scenarios/mount-full.ts';
import { sharedFile } from '../../bindings/generate/scenarios/shared-file.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { Machine } from '../../bindings/machine.ts';
import { row } from './row.ts';
import { idOf, pagesOf, replayRows, rowsOf } from './run.ts';

const M = 256;

/** Pages of tmpfs that are a cgroup's own. */
function own(machine: Machine, path: string): number {
  return Number(machine.engine.statLocal(idOf(machine, path), KIND_SHMEM));
}

function event(machine: Machine, path: string, which: number): number {
  return Number(machine.engine.eventCount(idOf(machine, path), which, 1));
}

async function live(policy = 'memcg-mount', swap = 0): Promise<Machine> {
  return await Machine.boot({ residency: 'modelled', policy, pages: 1 << 17, cpus: 2, swap });
}

// ------------------------------------------------------------------------------------------------ S2a

/** A stranger of user 1000 in /jobs/own tries to mount with memcg= of `target`; `give` are cgroups that are his. */
function mounting(target: string, give: readonly string[], { uid = 1000, namespace = null as string | null } = {}) {
  const trace = new TraceBuilder();
  trace.mkdir('/jobs').mkdir('/jobs/own').mkdir('/jobs/other').mkdir('/elsewhere');
  for (const path of give) trace.chown(path, uid);
  trace.spawn('user', '/jobs/own', { uid });
  if (namespace !== null) trace.setns('user', namespace);
  const attempt = trace.rows.length;
  trace.mount('/mnt', { by: 'user', memcg: target });
  return { trace, attempt };
}

/** Whether the mount was refused; if so, that the row did nothing. */
async function isRefused({ trace, attempt }: ReturnType<typeof mounting>): Promise<boolean> {
  const machine = await replayRows(trace, 'memcg-mount');
  // The same moment without the row: a note that the engine passes over.
  const code = new TraceBuilder().row('mark').rows[0]!.op;
  const { ts, cpu, task } = trace.rows[attempt]!;
  const none = { cgroup: 0, object: 0, index: 0, count: 0, flags: 0, gfp: 0, name: null };
  trace.rows[attempt] = { ...none, ts, cpu, task, op: code };
  const before = await replayRows(trace, 'memcg-mount');
  const refused = machine.policyCounts().refused;
  expect(machine.digest() === before.digest()).toBe(refused === 1);
  return refused === 1;
}

row(
  'S2a',
  'memcg-mount: root may; a user may who owns cgroup.procs of the target and of the common ancestor, and not who owns one of them; a refused row leaves the digest as it was',
  async () => {
    expect(await isRefused(mounting('/jobs/other', [], { uid: 0 }))).toBe(false);
    expect(await isRefused(mounting('/jobs/other', ['/jobs', '/jobs/other']))).toBe(false);
    expect(await isRefused(mounting('/jobs/other', []))).toBe(true);
    expect(await isRefused(mounting('/jobs/other', ['/jobs/other']))).toBe(true);
    expect(await isRefused(mounting('/jobs/other', ['/jobs']))).toBe(true);
    // The common ancestor of /jobs/own and /elsewhere is the root, which is root's.
    expect(await isRefused(mounting('/elsewhere', ['/jobs', '/elsewhere']))).toBe(true);
    // That of his own cgroup and one above it is the one above.
    expect(await isRefused(mounting('/jobs', ['/jobs']))).toBe(false);
  },
);

row(
  'S2a',
  'memcg-mount: mkdir by a user makes him the owner, children inherit user and namespace over fork',
  async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/home').chown('/home', 1000).spawn('user', '/home', { uid: 1000 });
    trace.mkdir('/home/mine', {}, { by: 'user' }).mkdir('/home/roots').fork('user', 'child');
    trace.mount('/a', { by: 'child', memcg: '/home/mine' }).mount('/b', { by: 'child', memcg: '/home/roots' });
    const machine = await replayRows(trace, 'memcg-mount');
    expect(machine.policyCounts().refused).toBe(1);
    trace.setns('child', '/home/roots').fork('child', 'grandchild');
    trace.mount('/c', { by: 'grandchild', memcg: '/home/mine' });
    expect((await replayRows(trace, 'memcg-mount')).policyCounts().refused).toBe(2);
  },
);

row(
  'S2a',
  'memcg-mount, live: EACCES for a stranger, ENOENT for a target outside his cgroup namespace or removed; the digest is as before; afterwards anybody charges the target',
  async () => {
    const machine = await live();
    const target = machine.mkdir('/target');
    const stranger = machine.mkdir('/stranger');
    const gone = machine.mkdir('/gone');
    machine.rmdir(gone);
    const user = machine.spawn(stranger, 'user');
    const root = machine.spawn(stranger, 'root');
    machine.event('cred', { task: user, index: 1000 });
    const tries = (task: number, cgroup: number) => {
      const before = machine.digest();
      const { errno } = machine.event('mount', { task, cgroup, object: 7 });
      if (errno) expect(machine.digest()).toBe(before);
      return errno;
    };
    expect(tries(user, target)).toBe('EACCES');
    expect(tries(root, gone)).toBe('ENOENT');
    machine.event('setns', { task: root, cgroup: stranger });
    expect(tries(root, target)).toBe('ENOENT');
    machine.event('setns', { task: root, cgroup: 0 });
    expect(tries(root, target)).toBeUndefined();
    const file = Number(
      machine.event('object_new', { object: 8, count: 2, index: 7 * 2 ** 32, task: user }).errno ?? 8,
    );
    machine.access(user, file, { index: 0, pages: 64, write: true });
    expect(Number(machine.engine.statLocal(target, KIND_SHMEM))).toBe(64);
    expect(Number(machine.engine.statLocal(stranger, KIND_SHMEM))).toBe(0);
    expect(machine.audit()).toBeNull();
  },
);

// ------------------------------------------------------------------------------------------------ S2b

row(
  'S2b',
  'memcg-mount, empty target of 64M, 256M by write(): 16384 pages written, then ENOSPC, oom at least 1, oom_kill 0; linux: the writer has 256M',
  async () => {
    const machine = await replayRows(rowsOf(mountFull), 'memcg-mount');
    expect(own(machine, '/target')).toBe(16384);
    expect(machine.figures(idOf(machine, '/target'))['memory.peak']).toBe(64 << 20);
    expect(event(machine, '/target', EVENT_OOM)).toBeGreaterThanOrEqual(1);
    expect(event(machine, '/target', EVENT_OOM_KILL)).toBe(0);
    expect(machine.policyFigures(idOf(machine, '/writer')).enospc).toBeGreaterThanOrEqual(1);
    expect(machine.kills()).toEqual([]);
    const today = await replayRows(rowsOf(mountFull));
    expect([own(today, '/target'), own(today, '/writer')]).toEqual([0, 65536]);
  },
);

row(
  'S2b',
  'memcg-mount, live: the write that crosses 64M comes through 64 of its 256 pages and has ENOSPC',
  async () => {
    const { machine, writer, file } = await full();
    expect(machine.access(writer, file, { index: 16320, pages: 256, write: true })).toEqual({
      charged: 64,
      errno: 'ENOSPC',
      done: 64,
    });
    expect(machine.isKilled(writer)).toBe(false);
  },
);

row(
  'S2b',
  'memcg-mount, by mmap: SIGBUS at page 16385, of which the task of a trace dies, and which a live caller is told; no oom_kill',
  async () => {
    const machine = await replayRows(rowsOf(mountFull, { how: 'mmap' }), 'memcg-mount');
    expect(own(machine, '/target')).toBe(16384);
    expect(machine.policyFigures(idOf(machine, '/writer')).sigbus).toBe(1);
    expect([event(machine, '/target', EVENT_OOM), event(machine, '/target', EVENT_OOM_KILL)]).toEqual([1, 0]);
    expect(machine.isKilled(1)).toBe(true);
    const { machine: called, writer, file } = await full();
    called.access(writer, file, { index: 16320, pages: 64, write: true });
    const result = called.access(writer, file, { index: 16384, write: true, fault: true });
    expect(result).toEqual({ charged: 0, signal: 'SIGBUS', done: 0 });
    expect(called.isKilled(writer)).toBe(false);
  },
);

row(
  'S2b',
  'memcg-mount, a process with 8M in the target: oom_kill 1 there, the writer lives, the target never has more than 64M',
  async () => {
    const machine = await replayRows(rowsOf(mountFull, { resident: 2048 }), 'memcg-mount');
    expect(event(machine, '/target', EVENT_OOM_KILL)).toBe(1);
    expect(machine.kills().map(({ victim, cgroup }) => [victim.name, cgroup])).toEqual([
      ['inside', idOf(machine, '/target')],
    ]);
    expect(machine.isKilled(1)).toBe(false);
    expect(machine.figures(idOf(machine, '/target'))['memory.peak']).toBe(64 << 20);
    expect(own(machine, '/target')).toBe(16384);
  },
);

row(
  'S2b',
  'memcg-mount, the limit of an ancestor refuses: the kill is in the target, not in its sibling, which is larger',
  async () => {
    const trace = new TraceBuilder();
    trace
      .mkdir('/top', { 'memory.max': 40 * M })
      .mkdir('/top/target')
      .mkdir('/top/sibling')
      .mkdir('/writer');
    trace.mount('/shm', { memcg: '/top/target' });
    trace.spawn('inside', '/top/target').spawn('large', '/top/sibling').spawn('writer', '/writer');
    trace.touch('inside', { pages: 4 * M }).touch('large', { pages: 20 * M });
    trace.object('/shm/f', 'shmem', { mount: '/shm' });
    trace.access('writer', '/shm/f', { pages: 30 * M, write: true });
    const machine = await replayRows(trace, 'memcg-mount');
    expect(machine.kills().map(({ victim }) => victim.name)).toEqual(['inside']);
    expect(own(machine, '/top/target')).toBe(20 * M);
    expect(machine.policyFigures(idOf(machine, '/writer')).enospc).toBe(1);
  },
);

/** A target of 64M with 16320 pages, that an outsider has written. */
async function full() {
  const machine = await live();
  const target = machine.mkdir('/target');
  machine.writeKnob(target, 1, 16384n);
  const writer = machine.spawn(machine.mkdir('/writer'), 'writer');
  machine.event('mount', { cgroup: target, object: 7 });
  machine.event('object_new', { object: 8, count: 2, index: 7 * 2 ** 32 });
  expect(machine.access(writer, 8, { index: 0, pages: 16320, write: true }).errno).toBeUndefined();
  return { machine, target, writer, file: 8 };
}

// ------------------------------------------------------------------------------------------------ S2c, S2e

/** a and b share 48M of the mount, and use 24M each besides; /pod may have 64M. */
function sharers(memcg: string): TraceBuilder {
  const trace = new TraceBuilder();
  trace
    .mkdir('/pod', { 'memory.max': 64 * M })
    .mkdir('/pod/a')
    .mkdir('/pod/b')
    .mkdir('/x')
    .mkdir('/store');
  trace.mount('/shm', { memcg });
  trace.spawn('outsider', '/x').spawn('a', '/pod/a').spawn('b', '/pod/b');
  trace
    .touch('outsider', { pages: 80 * M })
    .touch('a', { pages: 12 * M })
    .touch('b', { pages: 24 * M });
  trace.object('/shm/f', 'shmem', { mount: '/shm', by: 'a' });
  trace.access('a', '/shm/f', { pages: 48 * M, write: true }).access('b', '/shm/f', { pages: 48 * M });
  return trace;
}

row(
  'S2c',
  'memcg-mount-ancestor: memcg=/store, which cannot kill, becomes /pod, the ancestor of those who share: the victim is b of /pod, and all 48M are there',
  async () => {
    const machine = await replayRows(sharers('/store'), 'memcg-mount-ancestor');
    expect(machine.kills().map(({ victim, cgroup }) => [victim.name, cgroup])).toEqual([['b', idOf(machine, '/pod')]]);
    expect([own(machine, '/pod'), own(machine, '/store')]).toEqual([48 * M, 0]);
    const named = await replayRows(sharers('/store'), 'memcg-mount');
    expect([own(named, '/pod'), own(named, '/store'), named.kills().length]).toEqual([0, 48 * M, 0]);
  },
);

row(
  'S2e',
  'a 48M file: memcg-mount memcg=/g: g 48M; common-ancestor: a 16M, g 16M, root 16M; memcg-mount-ancestor: root 48M, since an outsider reads a third',
  async () => {
    const bill = async (policy: string) => {
      const machine = await replayRows(rowsOf(sharedFile), policy);
      return ['/g/a', '/g/b', '/g', '/x', '/'].map((path) => own(machine, path) / M);
    };
    expect(await bill('memcg-mount')).toEqual([0, 0, 48, 0, 0]);
    expect(await bill('common-ancestor')).toEqual([16, 0, 16, 0, 16]);
    expect(await bill('memcg-mount-ancestor')).toEqual([0, 0, 0, 0, 48]);
    expect(await bill('linux')).toEqual([48, 0, 0, 0, 0]);
  },
);

// ------------------------------------------------------------------------------------------------ S2d

row(
  'S2d',
  'memcg-mount: 16M of a memfd, a System V segment and a file of /dev/shm bill the same target, 4096 pages each, none to who touches',
  async () => {
    const kinds: [string, (trace: TraceBuilder) => void][] = [
      ['memfd', (trace) => trace.object('memfd:data', 'shmem', { by: 'a', payer: '/target' })],
      ['SYSV', (trace) => trace.object('SYSV00000001', 'shmem', { by: 'a', payer: '/target', pages: 4096 })],
      [
        '/dev/shm',
        (trace) =>
          trace
            .mount('/dev/shm', { memcg: '/target' })
            .object('/dev/shm/data', 'shmem', { by: 'a', mount: '/dev/shm' }),
      ],
    ];
    for (const [kind, make] of kinds) {
      const trace = new TraceBuilder();
      trace.mkdir('/target').mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b');
      make(trace);
      const object = kind === 'memfd' ? 'memfd:data' : kind === 'SYSV' ? 'SYSV00000001' : '/dev/shm/data';
      // memfd by write(), the segment by shmat(), the file by mmap()
      trace.access('b', object, { pages: 4096, write: true, fault: kind !== 'memfd' });
      trace.access('a', object, { pages: 4096, fault: kind !== 'memfd' });
      const machine = await replayRows(trace, 'memcg-mount');
      expect([kind, own(machine, '/target'), own(machine, '/a'), own(machine, '/b')]).toEqual([kind, 4096, 0, 0]);
      const today = await replayRows(trace);
      expect([kind, own(today, '/target'), own(today, '/a'), own(today, '/b')]).toEqual([kind, 0, 0, 4096]);
    }
  },
);

row(
  'S2d',
  'memcg-mount: a memfd with a payer that its maker may not charge is refused as a mount is (EACCES, live: nothing is made), and has none',
  async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/target').mkdir('/a').spawn('a', '/a', { uid: 1000 });
    trace.object('memfd:data', 'shmem', { by: 'a', payer: '/target' });
    trace.access('a', 'memfd:data', { pages: 16, write: true });
    const machine = await replayRows(trace, 'memcg-mount');
    expect([machine.policyCounts().refused, own(machine, '/target'), own(machine, '/a')]).toEqual([1, 0, 16]);
    const before = machine.digest();
    const columns = { task: 1, cgroup: idOf(machine, '/target'), object: 9, count: 2 };
    expect(machine.event('object_new', columns).errno).toBe('EACCES');
    expect(machine.digest()).toBe(before);
  },
);

// ------------------------------------------------------------------------------------------------ S2f, S2g

row(
  'S2f',
  'memcg-mount with swap: the writer scans and stalls, the target is scanned: writer × target has all of both, scans_elsewhere of the writer likewise, and the target has no pressure',
  async () => {
    const machine = await replayRows(rowsOf(mountFull, { pages: 24576 }), 'memcg-mount', { swap: 1 << 16 });
    const [writer, target] = [idOf(machine, '/writer'), idOf(machine, '/target')];
    const cross = machine.policyCross();
    expect(cross.map(({ doer, owner }) => [doer, owner])).toEqual([[writer, target]]);
    const [{ scanned, stallNs, ioPages }] = cross as [(typeof cross)[0]];
    const figures = machine.figures(target);
    expect(scanned).toBe(machine.policyFigures(writer).scans_elsewhere);
    const { pgscan, pgrefill, pswpout } = figures['memory.stat'];
    expect(scanned).toBe(pgscan! + pgrefill!);
    expect(stallNs).toBeGreaterThan(0);
    expect(ioPages).toBe(pswpout!);
    // What was written is in swap: nobody has read it back.
    expect(figures['memory.swap.current']).toBe(pswpout! * 4096);
    expect(pswpout).toBeGreaterThanOrEqual(24576 - 16384);
    expect(machine.pressure(target).some.total).toBe(0);
    expect(machine.pressure(writer).some.total).toBeGreaterThan(0);
  },
);

row('S2g', 'memcg-mount: 1M is freed in the full target, and the next 1M write succeeds', async () => {
  const { machine, target, writer, file } = await full();
  expect(machine.access(writer, file, { index: 16320, pages: 256, write: true }).errno).toBe('ENOSPC');
  machine.truncate(writer, file, { index: 0, pages: 256 });
  expect(machine.usage(target)).toBe(16384 - 256);
  expect(machine.access(writer, file, { index: 20000, pages: 256, write: true })).toEqual({ charged: 256 });
  expect(machine.usage(target)).toBe(16384);
  // The same in a trace: the last row finds room.
  const replayed = await replayRows(rowsOf(mountFull, { free: 256 }), 'memcg-mount');
  expect(own(replayed, '/target')).toBe(16384);
  expect(pagesOf(replayed, '/target')).toBe(16384);
  expect(machine.audit()).toBeNull();
});
