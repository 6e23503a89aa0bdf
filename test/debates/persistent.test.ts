/** Debate 2: what outlives the instance of a service that brought it in. */
import { expect } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { EngineError } from '../../bindings/engine/error.ts';
import { persistent } from '../../bindings/generate/scenarios/persistent.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { Machine } from '../../bindings/machine.ts';
import { definePolicy, type Policy } from '../../bindings/policy/policy.ts';
import { PRESETS, presetOf } from '../../bindings/policy/registry.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { InstanceWatch, type ServiceFigures } from '../../bindings/report/instances.ts';
import { traceFor } from '../../bindings/trace/rewrite/rewrite-trace.ts';
import { REWRITE_TABLE } from '../../bindings/trace/rewrite/table.ts';
import { ownersOf } from './owners.ts';
import { row } from './row.ts';
import { pagesOf, replayRows, rowsOf } from './run.ts';

const FILE = 10240;
const SMALL = { pages: 4096, cgroups: 64, tasks: 64, objects: 16, cpus: 1, residency: 'modelled' } as const;
const CHOSEN = ['creator-ancestor', 'named-payer', 'resource-domain'];

/** Replays rows under a policy with an eye on the instances. `changes`: how often a counter of a cgroup changed. */
async function watch(builder: TraceBuilder, policy: string | Policy, count = false) {
  const chosen = typeof policy === 'string' ? presetOf(policy) : policy;
  const trace = await traceFor(chosen, builder.trace());
  const machine = await bootFor(trace, { residency: 'modelled', policy: chosen, cpus: 2 }, count, 1 << 18);
  const instances = new InstanceWatch();
  let changes = 0;
  const change = { change: () => void changes++ };
  await replayTrace(machine, trace, { rows: instances.rows, ...(count ? change : {}) });
  expect(machine.audit()).toBeNull();
  const services = instances.figures(machine);
  return { machine, service: services[0]!, services, changes };
}

const service = async (policy: string | Policy, options = {}) =>
  (await watch(rowsOf(persistent, options), policy)).service;

/** What instance 1 and 2 are charged for at their ends, and what stands around them at the end. */
const columns = ({ instances: [first, second], around }: ServiceFigures) => [first!.pages, second!.pages, around];

function errno(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof EngineError) return error.errno;
    throw error;
  }
  return 'ok';
}

/** Data that is a cgroup's own, without its descendants. */
const own = (machine: Machine, cgroup: number) =>
  [L.STAT_ANON, L.STAT_FILE, L.STAT_SHMEM].reduce(
    (sum, stat) => sum + Number(machine.engine.statLocal(cgroup, stat)),
    0,
  );

const idOf = (machine: Machine, path: string) => [...machine.cgroups].findLast(([, name]) => name.path === path)![0];

row(
  'P1',
  'linux: instance 1 is charged 40M, instance 2 nothing; 40M are with the removed cgroup, which dies and lives on below /system',
  async () => {
    const { machine, service } = await watch(rowsOf(persistent), 'linux');
    expect(columns(service)).toEqual([FILE, 0, FILE]);
    const [first] = service.instances;
    expect([own(machine, first!.cgroup), own(machine, idOf(machine, '/system'))]).toEqual([FILE, 0]);
    expect(machine.isReleased(first!.cgroup)).toBe(false);
  },
);

row(
  'P1',
  'lru-reparent: the same bill, but the 40M are /system’s own, and the removed cgroup is released',
  async () => {
    const { machine, service } = await watch(rowsOf(persistent), 'lru-reparent');
    expect(columns(service)).toEqual([FILE, 0, FILE]);
    const [first] = service.instances;
    expect([own(machine, first!.cgroup), own(machine, idOf(machine, '/system'))]).toEqual([0, FILE]);
    expect(machine.policyCounts().moved).toBe(FILE);
    // Nothing is charged there any more, not even a stock.
    expect(machine.usage(first!.cgroup)).toBe(0);
  },
);

for (const policy of ['linux', 'lru-reparent'])
  row(
    'P1a',
    'under pressure, linux and lru-reparent: 2048 cold pages are reclaimed and come back to instance 2; of 8192 hot ones fewer than 64 do',
    async () => {
      const { machine, service } = await watch(
        rowsOf(persistent, { cold: 2048, mark: 'none', domain: 'none' }),
        policy,
      );
      const [first, second] = service.instances;
      expect(second!.charged).toBe(second!.pages);
      expect(second!.pages).toBeGreaterThanOrEqual(2048);
      expect(second!.pages).toBeLessThan(2048 + 64);
      const stranded = policy === 'linux' ? first!.cgroup : idOf(machine, '/system');
      expect(own(machine, stranded)).toBe(FILE - second!.pages);
      // Page by page: every cold one is with instance 2.
      const owners = ownersOf(machine, 1, FILE);
      expect(owners.slice(0, 2048).every((owner) => owner === second!.cgroup)).toBe(true);
      expect(owners.slice(2048).filter((owner) => owner === stranded).length).toBe(FILE - second!.pages);
      const refaults = Number(machine.engine.statTotal(idOf(machine, '/system'), L.STAT_WORKINGSET_REFAULT_FILE));
      expect(refaults).toBe(second!.pages);
    },
  );

row('P2', 'layered: 40M, 0, and the entity 40M throughout: its charge does not change over the restart', async () => {
  const { machine, service } = await watch(rowsOf(persistent), 'persistent-entity');
  expect(columns(service)).toEqual([FILE, 0, FILE]);
  const [first, second] = service.instances;
  expect([first!.around_after, second!.around_before, second!.around_after]).toEqual([FILE, FILE, FILE]);
  expect(machine.cgroups.get(first!.cgroup)!.path).toBe('/system/hello/instance-1');
  expect(machine.cgroups.get(second!.cgroup)!.parent).toBe(idOf(machine, '/system/hello'));
  expect(service.distinguished).toBe(true);
});

row(
  'P2',
  'layered without a controller of the instance: the entity is charged 40M, the instances add 40M and 0 to it',
  async () => {
    const entity = definePolicy({ ...presetOf('persistent-entity'), rewriteOptions: { controller: 'entity' } });
    const { machine, service } = await watch(rowsOf(persistent, { anon: 100 }), entity);
    expect(columns(service)).toEqual([FILE + 0, 100, FILE + 100]);
    expect(service.distinguished).toBe(false);
    expect([...machine.cgroups.values()].map(({ path }) => path)).toEqual(['/', '/system', '/system/hello']);
  },
);

row(
  'P2',
  'a level more costs one counter operation more for each batch of 64 pages: 160 batches, 480 operations at depth 2, 640 at depth 3',
  async () => {
    const flat = await watch(rowsOf(persistent), 'linux', true);
    const deep = await watch(rowsOf(persistent), 'persistent-entity', true);
    // The removed cgroup's stock goes back at its end: 160 × 64 pages leave none.
    expect([flat.changes, deep.changes]).toEqual([480, 640]);
  },
);

row(
  'P2a',
  'layered with a threshold: with 40M left, 10240 pages allow the entity to be removed behind its last instance, 10239 refuse it (EBUSY)',
  async () => {
    const removed = async (threshold: number) => {
      const policy = definePolicy({ ...presetOf('persistent-entity'), rewriteOptions: { threshold } });
      const { machine } = await watch(rowsOf(persistent, { end: 'removed' }), policy);
      return [machine.isRemoved(idOf(machine, '/system/hello')), machine.policyCounts().refused];
    };
    expect(await removed(FILE)).toEqual([true, 0]);
    expect(await removed(FILE - 1)).toEqual([false, 1]);
    expect(await removed(-1)).toEqual([false, 0]);
  },
);

row('P2a', 'a refused removal answers EBUSY and changes nothing', async () => {
  const { machine } = await watch(rowsOf(persistent), 'persistent-entity');
  const instance = idOf(machine, '/system/hello/instance-2');
  machine.exit(3);
  machine.event('rmdir', { cgroup: instance });
  const before = machine.digest();
  const entity = idOf(machine, '/system/hello');
  expect(machine.event('rmdir', { cgroup: entity, index: FILE })).toMatchObject({ errno: 'EBUSY' });
  expect(machine.digest()).toBe(before);
  expect(machine.event('rmdir', { cgroup: entity, index: FILE + 1 }).errno).toBeUndefined();
  expect(machine.isRemoved(entity)).toBe(true);
});

row(
  'P3',
  'same: the one cgroup has 40M, its instances add 40M and 0 to it; what is the service’s and what the instance’s is undefined',
  async () => {
    const { machine, service } = await watch(rowsOf(persistent), 'same-cgroup');
    expect(columns(service)).toEqual([FILE, 0, FILE]);
    expect(service.distinguished).toBe(false);
    expect(service.instances.map(({ cgroup }) => cgroup)).toEqual([3, 3]);
    expect(pagesOf(machine, '/system/hello')).toBe(FILE);
    // A delta can be negative: private memory of the first that had gone when the second began.
    const { service: more } = await watch(rowsOf(persistent, { anon: 500 }), 'same-cgroup');
    expect(more.instances.map(({ pages, charged }) => [pages, charged])).toEqual([
      [FILE, FILE + 500],
      [500, 500],
    ]);
  },
);

row('P4', 'next toucher: 40M and 40M; released = recharged = 10240, unclaimed 0', async () => {
  const { machine, service } = await watch(rowsOf(persistent), 'next-toucher');
  expect(columns(service)).toEqual([FILE, FILE, FILE]);
  const { released, recharged, freed, unclaimed } = machine.policyCounts();
  expect({ released, recharged, freed, unclaimed }).toEqual({
    released: FILE,
    recharged: FILE,
    freed: 0,
    unclaimed: 0,
  });
  const [first, second] = service.instances;
  expect(machine.policyFigures(first!.cgroup).released).toBe(FILE);
  expect(machine.policyFigures(second!.cgroup).recharged_in).toBe(FILE);
});

row(
  'P4',
  'next toucher: until they are touched nobody pays for the pages, which are resident; 2560 of them are touched, 7680 stay unclaimed',
  async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b').object('f', 'file', { pages: FILE });
    trace.access('a', 'f', { pages: FILE }).exit('a').rmdir('/a');
    const nobody = await replayRows(trace, 'next-toucher');
    expect([nobody.usage(2), nobody.usage(1), own(nobody, 1)]).toEqual([0, 0, FILE]);
    expect(nobody.policyCounts().unclaimed).toBe(FILE);
    trace.access('b', 'f', { pages: 2560 });
    const machine = await replayRows(trace, 'next-toucher');
    expect([own(machine, idOf(machine, '/b')), machine.policyCounts().unclaimed]).toEqual([2560, 7680]);
    // What goes before anybody has touched it: released = recharged + freed + unclaimed.
    trace.objectFree('f');
    const { released, recharged, freed, unclaimed } = (await replayRows(trace, 'next-toucher')).policyCounts();
    expect({ released, recharged, freed, unclaimed }).toEqual({
      released: FILE,
      recharged: 2560,
      freed: 7680,
      unclaimed: 0,
    });
  },
);

row(
  'P4',
  'next toucher: of an 8M BPF map nothing is recharged; its 8,388,608 bytes are with the parent, as under linux, and reported unclaimed',
  async () => {
    const bytes = 8 * 2 ** 20;
    const { machine, service } = await watch(rowsOf(persistent, { map_bytes: bytes }), 'next-toucher');
    const [first] = service.instances;
    expect(machine.policyFigures(first!.cgroup).unclaimed_bytes).toBe(bytes);
    const { released, recharged } = machine.policyCounts();
    expect([released, recharged]).toEqual([FILE, FILE]);
    const linux = await watch(rowsOf(persistent, { map_bytes: bytes }), 'linux');
    for (const each of [machine, linux.machine])
      expect(Number(each.engine.statTotal(idOf(each, '/system'), L.STAT_SLAB))).toBe(bytes);
  },
);

row(
  'P4',
  'next toucher: a refused claim ends the access, and the page stays nobody’s; a hit through an existing mapping claims nothing',
  async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/a').mkdir('/b', { 'memory.max': 64 }).mkdir('/c').spawn('a', '/a').spawn('b', '/b').spawn('c', '/c');
    trace.object('f', 'shmem', { pages: 200 });
    trace.access('c', 'f', { pages: 1, write: true, fault: true });
    trace.access('a', 'f', { index: 1, pages: 199, write: true });
    trace.access('c', 'f', { index: 1, pages: 10, fault: true });
    trace.exit('a').rmdir('/a');
    trace.access('c', 'f', { index: 1, pages: 10, fault: true });
    expect((await replayRows(trace, 'next-toucher')).policyCounts().recharged).toBe(0);
    // b is charged up to its limit; there is nothing to reclaim and nobody else to kill.
    const enomem = definePolicy({ ...presetOf('next-toucher'), answers: { offline: 'release', refused: 'enomem' } });
    trace.access('b', 'f', { index: 1, pages: 199 });
    const machine = await replayRows(trace, enomem);
    const { released, recharged, unclaimed } = machine.policyCounts();
    expect({ released, recharged, unclaimed }).toEqual({ released: 199, recharged: 64, unclaimed: 135 });
    expect(machine.usage(idOf(machine, '/b'))).toBe(64);
  },
);

for (const policy of CHOSEN)
  row('P8', 'creator-ancestor, named-payer and resource-domain (marked persistent): 0, 0, 40M', async () => {
    const { machine, service } = await watch(rowsOf(persistent), policy);
    expect(columns(service)).toEqual([0, 0, FILE]);
    expect(own(machine, idOf(machine, '/system'))).toBe(FILE);
  });

row(
  'P8',
  'the difference between instance 1 and 2 under every policy: 40M as long as the first pays and its pages stay charged, else 0',
  async () => {
    const differences = new Map<string, number>();
    const known = PRESETS.filter((each) => REWRITE_TABLE.some(({ name }) => name === (each.rewrite ?? name)));
    for (const policy of known) differences.set(policy.name, (await service(policy)).difference);
    expect([...differences.values()].every(Number.isInteger)).toBe(true);
    const first = ['linux', 'lru-reparent', 'persistent-entity', 'same-cgroup', 'common-ancestor', 'bpf-recharge'];
    expect(first.map((name) => differences.get(name))).toEqual(first.map(() => FILE));
    const none = ['memcg-mount', 'drop-on-exit', 'next-toucher', 'root-only', ...CHOSEN];
    expect(none.map((name) => differences.get(name))).toEqual(none.map(() => 0));
  },
);

row(
  'P5',
  'creator-ancestor: a file that /system made is charged to it as long as it is an ancestor of the toucher: an instance 0; files of others are charged to who touches them first',
  async () => {
    const trace = rowsOf(persistent, { pages: 64, instances: 1 });
    trace.mkdir('/other').spawn('other', '/other');
    trace.object('g', 'file', { pages: 64, by: 'other' });
    trace.access('hello-1', 'g', { pages: 32 }).access('other', 'g', { index: 32, pages: 32 });
    trace.object('h', 'file', { pages: 64, by: 'hello-1' });
    trace.access('hello-1', 'h', { pages: 16 }).access('other', 'h', { index: 16, pages: 16 });
    const machine = await replayRows(trace, 'creator-ancestor');
    const [system, hello, other] = ['/system', '/system/hello', '/other'].map((path) => idOf(machine, path));
    expect([own(machine, system!), own(machine, hello!), own(machine, other!)]).toEqual([64, 32 + 16, 32 + 16]);
    // Of a file on a tmpfs it is who mounted it, not who made the file.
    const mounted = new TraceBuilder();
    mounted.mkdir('/s').mkdir('/s/i').spawn('s', '/s').spawn('i', '/s/i');
    mounted.mount('/m', { by: 's' }).object('/m/f', 'shmem', { pages: 40, by: 'i', mount: '/m' });
    mounted.access('i', '/m/f', { pages: 40, write: true });
    const tmpfs = await replayRows(mounted, 'creator-ancestor');
    expect([own(tmpfs, idOf(tmpfs, '/s')), own(tmpfs, idOf(tmpfs, '/s/i'))]).toEqual([40, 0]);
  },
);

row(
  'P5',
  'attach to the persistent parent is EBUSY while its subtree_control is set, and possible while no instance runs',
  async () => {
    const machine = await Machine.boot({ ...SMALL, policy: 'creator-ancestor' });
    const fs = machine.cgroupfs;
    fs.mkdir('/system');
    const task = machine.spawn();
    fs.write('/system/cgroup.procs', `${task}`);
    const file = machine.event('object_new', { task, object: 1, count: O.OBJECT_FILE, index: 64 });
    expect(file.errno).toBeUndefined();
    fs.write('/cgroup.procs', `${task}`);
    fs.write('/system/cgroup.subtree_control', '+memory');
    expect(errno(() => fs.write('/system/cgroup.procs', `${task}`))).toBe('EBUSY');
    fs.mkdir('/system/hello');
    fs.write('/system/hello/cgroup.procs', `${task}`);
    expect(machine.event('file_access', { task, object: 1, count: 64 })).toEqual({ charged: 64 });
    expect([own(machine, fs.memcgOf('/system')), own(machine, fs.memcgOf('/system/hello'))]).toEqual([64, 0]);
  },
);

/** /g with a and b, /x, and a task in a, on a machine where payers are named. */
async function naming() {
  const machine = await Machine.boot({ ...SMALL, policy: 'named-payer' });
  const g = machine.mkdir('/g');
  const a = machine.mkdir('/g/a', g);
  const b = machine.mkdir('/g/b', g);
  const below = machine.mkdir('/g/a/below', a);
  const x = machine.mkdir('/x');
  const task = machine.spawn(a);
  let last = 0;
  /** Makes an object whose payer is named: undefined, or the errno; in that case nothing has changed. */
  const name = (payer: number) => {
    const before = machine.digest();
    const { errno } = machine.event('object_new', {
      task,
      cgroup: payer,
      object: last + 1,
      count: O.OBJECT_FILE,
      index: 64,
    });
    if (errno === undefined) last++;
    else expect(machine.digest()).toBe(before);
    return errno;
  };
  const allow = (...cgroups: number[]) => {
    for (const cgroup of cgroups) machine.event('grant', { cgroup, index: 1 });
  };
  const use = () => machine.event('file_access', { task, object: last, count: 64 });
  return { machine, g, a, b, below, x, task, name, allow, use };
}

row(
  'P6',
  'up: a names g: EPERM until g allows it, then g pays; counters and digest are the same after a refusal',
  async () => {
    const { machine, g, a, name, allow, use } = await naming();
    expect(name(g)).toBe('EPERM');
    allow(g);
    expect(name(g)).toBeUndefined();
    use();
    expect([own(machine, g), own(machine, a)]).toEqual([64, 0]);
    expect(machine.audit()).toBeNull();
  },
);

row('P6', 'up past an ancestor: a names the root: EPERM until g, which is skipped, and the root allow it', async () => {
  const { g, name, allow } = await naming();
  allow(g);
  expect(name(1)).toBe('EPERM');
  allow(1);
  expect(name(1)).toBeUndefined();
});

row(
  'P6',
  'across: a names its sibling b: EPERM until g and b allow it; to x all from below the root down to it',
  async () => {
    const { machine, g, b, x, name, allow, use } = await naming();
    allow(b);
    expect(name(b)).toBe('EPERM');
    machine.event('grant', { cgroup: b, index: 0 });
    allow(g);
    expect(name(b)).toBe('EPERM');
    allow(b);
    expect(name(b)).toBeUndefined();
    use();
    expect(own(machine, b)).toBe(64);
    allow(x);
    expect(name(x)).toBe('EPERM');
    allow(1);
    expect(name(x)).toBeUndefined();
  },
);

row(
  'P6',
  'one’s own cgroup may be named, what is below it if that allows it; a target outside the cgroup namespace is ENOENT whoever allows it',
  async () => {
    const { machine, g, a, b, below, task, name, allow } = await naming();
    expect([name(a), name(below)]).toEqual([undefined, 'EPERM']);
    allow(below, g, b);
    expect([name(below), name(b)]).toEqual([undefined, undefined]);
    machine.event('setns', { task, cgroup: a });
    expect([name(g), name(b), name(below)]).toEqual(['ENOENT', 'ENOENT', undefined]);
  },
);

row(
  'P7',
  'the same workload without a domain: as linux, 40M, 0, 40M; with one: 0, 0, 40M; nothing but the bill changes',
  async () => {
    const undeclared = await watch(rowsOf(persistent, { domain: 'none' }), 'resource-domain');
    const declared = await watch(rowsOf(persistent), 'resource-domain');
    expect(columns(undeclared.service)).toEqual([FILE, 0, FILE]);
    expect(columns(declared.service)).toEqual([0, 0, FILE]);
    for (let stat = 0; stat < L.NR_STATS; stat++)
      expect(declared.machine.engine.statTotal(1, stat)).toBe(undeclared.machine.engine.statTotal(1, stat));
    // Nor does a declaration without a mark.
    expect(columns((await watch(rowsOf(persistent, { mark: 'none' }), 'resource-domain')).service)).toEqual([
      FILE,
      0,
      FILE,
    ]);
  },
);

row(
  'P7',
  'nested: persistent goes to the nearest domain, shared to the one around it, a name to the nearest of that name, else to the toucher',
  async () => {
    const trace = new TraceBuilder();
    trace
      .mkdir('/slice')
      .mkdir('/slice/svc')
      .mkdir('/slice/svc/i')
      .mkdir('/x')
      .spawn('i', '/slice/svc/i')
      .spawn('x', '/x');
    trace.domain('/slice', 'slice').domain('/slice/svc');
    const marks = { p: 'persistent', s: 'shared', n: { domain: 'slice' }, u: { domain: 'unknown' } } as const;
    Object.entries(marks).forEach(([name, mark], k) => {
      trace.object(name, 'file', { pages: 64 }).markObject(name, mark);
      trace.access('i', name, { pages: 1 << k }).access('x', name, { index: 32, pages: 1 });
    });
    const machine = await replayRows(trace, 'resource-domain');
    const owns = ['/slice', '/slice/svc', '/slice/svc/i', '/x'].map((path) => own(machine, idOf(machine, path)));
    expect(owns).toEqual([2 + 4, 1, 8, 4]);
  },
);

row(
  'P7',
  'a name twice in one chain is refused with EEXIST, and nothing changes; beside it, it may stand again',
  async () => {
    const machine = await Machine.boot({ ...SMALL, policy: 'resource-domain' });
    const a = machine.mkdir('/a');
    const b = machine.mkdir('/a/b', a);
    const c = machine.mkdir('/a/b/c', b);
    const d = machine.mkdir('/d');
    const declare = (cgroup: number, index: number) => machine.event('domain', { cgroup, index }).errno;
    expect(declare(b, 16)).toBeUndefined();
    for (const cgroup of [a, c]) {
      const before = machine.digest();
      expect(declare(cgroup, 16)).toBe('EEXIST');
      expect(machine.digest()).toBe(before);
    }
    expect([declare(d, 16), declare(b, 16), declare(a, 17), declare(c, O.DOMAIN_UNNAMED)]).toEqual(
      Array(4).fill(undefined),
    );
    expect(machine.policyCounts().refused).toBe(2);
  },
);

row(
  'P7a',
  'all page cache is persistent by default: a file and a tmpfs go to the domain, 64 and 32 pages; anonymous memory, shared or not, to the instance, 16 and 8',
  async () => {
    const classes = definePolicy({
      ...presetOf('resource-domain'),
      answers: { payer: 'domain', defaultClasses: true },
    });
    const trace = new TraceBuilder();
    trace.mkdir('/s').mkdir('/s/i').spawn('i', '/s/i').domain('/s').mount('/m');
    trace
      .object('file', 'file', { pages: 64 })
      .object('/m/f', 'shmem', { pages: 32, mount: '/m' })
      .object('anon', 'shmem');
    trace.access('i', 'file', { pages: 64 }).access('i', '/m/f', { pages: 32, write: true });
    trace.touch('i', { pages: 16 }).access('i', 'anon', { pages: 8, write: true, fault: true });
    for (const [policy, domain, instance] of [
      [classes, 96, 24],
      ['resource-domain', 0, 120],
    ] as const) {
      const machine = await replayRows(trace, policy);
      expect([own(machine, idOf(machine, '/s')), own(machine, idOf(machine, '/s/i'))]).toEqual([domain, instance]);
    }
  },
);

row(
  'P7b',
  'a thread in a threaded cgroup charges the resource domain: 32 pages of a process and 32 of its thread in /a/t are /a’s; the tree shows `domain threaded` and `threaded`',
  async () => {
    const machine = await Machine.boot({ ...SMALL, policy: 'resource-domain' });
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    fs.mkdir('/a/t');
    fs.write('/a/t/cgroup.type', 'threaded');
    const task = machine.spawn();
    fs.write('/a/cgroup.procs', `${task}`);
    const thread = machine.forkTask(task, { thread: true });
    fs.write('/a/t/cgroup.threads', `${thread}`);
    expect(['/a', '/a/t'].map((path) => fs.read(`${path}/cgroup.type`))).toEqual(['domain threaded\n', 'threaded\n']);
    expect([fs.read('/a/cgroup.threads'), fs.read('/a/t/cgroup.threads')]).toEqual([`${task}\n`, `${thread}\n`]);
    machine.event('anon_touch', { task, index: 16, count: 32, flags: O.FLAG_WRITE });
    machine.event('anon_touch', { task: thread, index: 64, count: 32, flags: O.FLAG_WRITE });
    expect(own(machine, fs.memcgOf('/a'))).toBe(64);
    // It has no memory of its own to be charged to.
    expect(fs.memcgOf('/a/t')).toBe(fs.memcgOf('/a'));
    expect(errno(() => fs.read('/a/t/memory.current'))).toBe('ENOENT');
  },
);
