/** The comparison: the eight questions by hand, any number of workers, jobs in another order. */
import { describe, expect, it } from 'vitest';
import { compareTrace } from '../../bindings/compare/compare.ts';
import { permutations } from '../../bindings/compare/shuffle.ts';
import { optionsOf } from '../../bindings/generate/scenario.ts';
import { bpfGhost } from '../../bindings/generate/scenarios/bpf-ghost.ts';
import { pods } from '../../bindings/generate/scenarios/pods.ts';
import { shared } from '../../bindings/generate/scenarios/shared.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { PRESETS, presetOf } from '../../bindings/policy/registry.ts';
import type { CompareResult, PolicyResult } from '../../bindings/report/compare-result.ts';
import { determinism, studentT } from '../../bindings/report/questions.ts';

const MIB = 2 ** 20;
const policies = (...names: string[]) => names.map(presetOf);

function sharedTrace(options: Record<string, string | number> = {}) {
  const trace = new TraceBuilder();
  shared.build(trace, optionsOf(shared, options));
  return trace.trace();
}

const of = (result: CompareResult, name: string): PolicyResult =>
  result.policies.find(({ policy }) => policy.name === name)!;
const current = ({ cgroups }: PolicyResult, ...paths: string[]) =>
  paths.map((path) => cgroups[path]!['memory.current'] / MIB);

describe('questions', () => {
  it('attribution: of 32M that a and b share each has 16M, and with x 10.67M', async () => {
    const two = await compareTrace(sharedTrace({ order: 'a,b' }), policies('linux', 'oracle-owner'), { workers: 1 });
    for (const path of ['/pod/a', '/pod/b'])
      expect(of(two, 'linux').cgroups[path]!.questions.attribution.proportional).toBe(16 * MIB);
    expect(of(two, 'linux').cgroups['/pod/a']!.questions.attribution).toMatchObject({
      charged: 32 * MIB,
      difference: 16 * MIB,
      error: 16 * MIB,
    });
    expect(of(two, 'linux').totals.attribution).toMatchObject({ charged: 32 * MIB, error: 32 * MIB });
    expect(current(of(two, 'oracle-owner'), '/pod', '/pod/a', '/pod/b')).toEqual([32, 16, 16]);
    const three = await compareTrace(sharedTrace(), policies('linux', 'oracle-owner'), { workers: 1 });
    const third = Math.round((32 * MIB) / 3);
    for (const path of ['/pod/a', '/pod/b', '/x']) {
      expect(of(three, 'linux').cgroups[path]!.questions.attribution.proportional).toBe(third);
      expect(of(three, 'oracle-owner').cgroups[path]!['memory.current']).toBe(third);
    }
    expect(of(three, 'oracle-owner').totals.attribution).toMatchObject({ error: 0, mean_error: 0 });
  });

  it('uses: a third of 32M of each is charged to a', async () => {
    const result = await compareTrace(sharedTrace(), policies('linux'), { workers: 1 });
    const third = Math.round((32 * MIB) / 3);
    expect(of(result, 'linux').uses).toEqual({
      users: ['/pod/a', '/pod/b', '/x'],
      payers: ['/pod/a'],
      bytes: [[third], [third], [third]],
    });
  });

  it('determinism: under linux the first of two pays 32M, under common-ancestor nobody', async () => {
    const result = await compareTrace(sharedTrace({ order: 'a,b' }), policies('linux', 'common-ancestor'), {
      shuffle: 2,
      workers: 1,
    });
    const linux = of(result, 'linux');
    // Both orders there are: the mean is no estimate.
    expect(linux.cgroups['/pod/a']!.questions.determinism).toEqual({
      permutations: 2,
      min: 0,
      max: 32 * MIB,
      spread: 32 * MIB,
      mean: 16 * MIB,
      ci95: [16 * MIB, 16 * MIB],
    });
    expect(linux.shuffle).toMatchObject({
      jobs: ['/pod/a', '/pod/b'],
      orders: [
        [0, 1],
        [1, 0],
      ],
      current: { '/pod/a': [32 * MIB, 0], '/pod/b': [0, 32 * MIB], '/pod': [32 * MIB, 32 * MIB] },
    });
    const common = of(result, 'common-ancestor');
    expect(common.totals.determinism).toEqual({ permutations: 2, worst_spread: 0, sum_spread: 0 });
    expect(common.cgroups['/pod']!.questions.determinism!.mean).toBe(32 * MIB);
  });

  it('movement and flows: 8192 pages from a to the pod, and on to the root for x', async () => {
    const { flows, totals } = of(
      await compareTrace(sharedTrace(), policies('common-ancestor'), { workers: 1 }),
      'common-ancestor',
    );
    expect(flows).toEqual([
      { kind: 'moved', from: '/pod', to: '/', pages: 8192 },
      { kind: 'moved', from: '/pod/a', to: '/pod', pages: 8192 },
    ]);
    expect(totals.movement.moved).toBe(16384);
    // All of it is used and nobody pays.
    expect(totals.stranded.unpaid).toBe(32 * MIB);
  });

  /** `a` has half of 80M that it shares with b, in 64M: it is killed for what is b's as well. */
  function unlucky(pages: number) {
    const trace = new TraceBuilder();
    trace.mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b');
    trace.object('/shm', 'shmem', { pages: 20480, by: 'a' });
    trace.access('a', '/shm', { pages, write: true }).access('b', '/shm', { pages });
    trace.writeKnob('/a', 'memory.max', 16384);
    return trace.touch('a', { pages: 8192 });
  }

  it('innocents: who is killed for pages that others use as well was below its limit, who filled it alone was not', async () => {
    const shares = of(await compareTrace(unlucky(16384 - 64).trace(), policies('linux'), { workers: 1 }), 'linux');
    expect(shares.kills).toMatchObject([{ cgroup: '/a', victim: { name: 'a' }, innocent: true, own_limit: 64 * MIB }]);
    expect(shares.kills[0]!.own_use).toBeLessThan(33 * MIB);
    expect(shares.totals.innocents).toEqual({ kills: 1, errors: 0 });
    const hog = new TraceBuilder();
    hog.mkdir('/a', { 'memory.max': 1024 }).spawn('a', '/a').touch('a', { pages: 2048 });
    const alone = of(await compareTrace(hog.trace(), policies('linux'), { workers: 1 }), 'linux');
    expect(alone.kills).toMatchObject([{ victim: { name: 'a' }, innocent: false }]);
    expect(alone.totals.innocents).toEqual({ kills: 0, errors: 0 });
  });

  it('stranded: 40M that a removed cgroup leaves, for the second that follows, exact to one interval', async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/p').mkdir('/p/i').spawn('t', '/p/i').object('/f', 'file', { pages: 10240, by: 't' });
    trace.access('t', '/f', { pages: 10240 }).exit('t').rmdir('/p/i').wait(1e9).row('mark');
    const result = await compareTrace(trace.trace(), policies('linux', 'lru-reparent', 'drop-on-exit'), { workers: 1 });
    const interval = result.sample_ns / 1e9;
    const dead = of(result, 'linux').totals.stranded;
    expect(dead.dead).toBe(40 * MIB);
    expect(Math.abs(dead.dead_byte_s - 40 * MIB)).toBeLessThanOrEqual(40 * MIB * interval * 1.1);
    const reparented = of(result, 'lru-reparent');
    expect(reparented.cgroups['/p']!.questions.stranded.unasked).toBe(40 * MIB);
    expect(reparented.totals.stranded.dead).toBe(0);
    expect(reparented.flows).toEqual([{ kind: 'reparented', from: '/p/i (deleted)#3', to: '/p', pages: 10240 }]);
    expect(of(result, 'drop-on-exit').totals.stranded).toMatchObject({ dead: 0, unasked: 0 });
  });

  it('overrun: integrated to the last row, not for what the clock does after it', async () => {
    const trace = new TraceBuilder();
    bpfGhost.build(trace, optionsOf(bpfGhost, {}));
    const result = await compareTrace(trace.trace(), policies('bpf-force'), { workers: 1 });
    const { totals, series } = of(result, 'bpf-force');
    const seconds = result.trace.duration_ns / 1e9;
    expect(seconds).toBeLessThan(0.1);
    expect(totals.overrun.now).toBeGreaterThan(MIB);
    // It grows for all of the trace, and stays: no longer than that.
    expect(totals.overrun.byte_s).toBeGreaterThan(0);
    expect(totals.overrun.byte_s).toBeLessThan(totals.overrun.peak * seconds);
    expect(series.ts.at(-1)! - series.ts[0]!).toBeLessThanOrEqual(result.trace.duration_ns);
  });

  it('confidence: by hand', () => {
    expect(studentT(4)).toBe(2.776);
    expect(studentT(1e6)).toBeCloseTo(1.96, 3);
    // s² = 2.5, t(4) = 2.776
    const { mean, ci95, spread } = determinism([1, 2, 3, 4, 5], false);
    expect([mean, spread]).toEqual([3, 4]);
    expect(ci95[1] - mean).toBeCloseTo(2.776 * Math.sqrt(2.5 / 5), 9);
  });
});

describe('who can be compared', () => {
  const refused = (trace: TraceBuilder, name: string) =>
    expect(compareTrace(trace.trace(), policies('linux', name), { workers: 1 })).rejects;
  const once = () => {
    const trace = new TraceBuilder();
    trace.mkdir('/a').spawn('t', '/a').object('f', 'file', { pages: 200, by: 't' });
    return trace.access('t', 'f', { pages: 45 }).access('t', 'f', { index: 45, pages: 100 }).touch('t', { pages: 3 });
  };

  it('a policy that needs hits is refused where no page is accessed twice', async () => {
    const line = 'it needs file_access or anon_touch of pages that were accessed before, and ';
    await refused(once(), 'common-ancestor').toThrow(`policy common-ancestor: ${line}`);
    await refused(once(), 'oracle-owner').toThrow(`policy oracle-owner: ${line}`);
    // The last page again, and the page after it: one is a hit, the other is not.
    const again = once().access('t', 'f', { index: 144, pages: 1 });
    const { policies: both } = await compareTrace(again.trace(), policies('linux', 'common-ancestor'), { workers: 1 });
    expect(both).toHaveLength(2);
    await refused(once().access('t', 'f', { index: 145, pages: 1 }), 'common-ancestor').toThrow(line);
  });

  it('each preset that needs rows names them, and itself', async () => {
    const needy = PRESETS.filter(({ needs }) => needs.length > 0 && !needs.includes('object_new'));
    expect(needy.length).toBeGreaterThan(15);
    for (const { name, needs } of needy)
      await refused(once(), name).toThrow(`policy ${name}: it needs ${needs.join(' or ')}, and `);
  });

  it('a generated workload of pods does not overflow the sets of users', async () => {
    const trace = new TraceBuilder();
    pods.build(trace, optionsOf(pods, { pods: 6, seconds: 1 }));
    const { policies: both } = await compareTrace(trace.trace(), policies('linux', 'common-ancestor'), { workers: 1 });
    for (const { warnings } of both) expect(warnings).toEqual([]);
  });
});

describe('comparison', () => {
  /** What depends on the clock of the machine that compares. */
  const timeless = (result: CompareResult) =>
    JSON.stringify(result, (key, value) => (key === 'elapsed_s' || key === 'engine_s' ? undefined : value));

  it('answers the same with any number of workers', async () => {
    const names = policies('linux', 'common-ancestor', 'oracle-owner', 'root-only');
    const run = (workers: number) => compareTrace(sharedTrace({ pages: 256 }), names, { shuffle: 3, workers });
    const [one, two, three] = [await run(1), await run(2), await run(3)];
    expect(timeless(two)).toBe(timeless(one));
    expect(timeless(three)).toBe(timeless(one));
    expect(one.policies.map(({ policy }) => policy.name)).toEqual(names.map(({ name }) => name));
  });

  it('draws other orders for another seed, the same for the same, and all where they are few', () => {
    expect(permutations(3, 6, 1)).toMatchObject({ exhaustive: true, orders: { length: 6 } });
    const [a, b, c] = [permutations(8, 20, 1), permutations(8, 20, 1), permutations(8, 20, 2)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
    expect(new Set(a.orders.map(String)).size).toBe(20);
    for (const order of a.orders) expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('of jobs that come and go, fork, free and reuse ids: every order can be run', async () => {
    const trace = new TraceBuilder();
    trace.mkdir('/sys').spawn('init', '/sys');
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      trace.mkdir(`/jobs${name}`).mkdir(`/jobs${name}/x`, { 'memory.max': 4096 });
      // A child of a supervisor that is in the scene: it is moved, works, exits, and its cgroups go.
      trace.row('fork', { task: trace.task('init'), object: 10, index: 200 + i, name });
      trace.row('attach', { task: 10, cgroup: trace.cgroup(`/jobs${name}/x`) });
      if (name === 'a') trace.object('data', 'shmem', { pages: 64, by: 'init' });
      trace.row('anon_touch', { task: 10, index: 16, count: 100, flags: 1 << 18 });
      trace.row('file_access', { task: 10, object: trace.objectId('data'), count: 64 });
      trace.row('kmem_charge', { task: 10, index: 5, count: 1, flags: (1 << 10) | (4 << 5), gfp: 1 });
      trace.row('kmem_free', { task: 10, index: 5, count: 1, flags: (1 << 10) | (4 << 5) });
      trace.row('exit', { task: 10 }).rmdir(`/jobs${name}/x`).rmdir(`/jobs${name}`);
    }
    trace.objectFree('data');
    const result = await compareTrace(trace.trace(), policies('linux'), {
      shuffle: 6,
      workers: 1,
      boot: { tasks: 64 },
    });
    expect(result.policies[0]!.shuffle!.jobs).toEqual(['/jobsa/x', '/jobsb/x', '/jobsc/x']);
    expect(result.policies[0]!.shuffle!.orders).toHaveLength(6);
    // All is given back in whatever order.
    for (const values of Object.values(result.policies[0]!.shuffle!.current))
      expect(new Set(values)).toEqual(new Set([0]));
  });

  it('shows cgroup by cgroup what differs', async () => {
    const { diff } = await compareTrace(sharedTrace({ order: 'a,b' }), policies('linux', 'common-ancestor'), {
      diff: ['linux', 'common-ancestor'],
      workers: 1,
    });
    expect(diff!.cgroups['/pod/a']!['memory.current']).toEqual({ a: 32 * MIB, b: 0, difference: -32 * MIB });
    expect(diff!.cgroups['/pod']?.['memory.current']).toBeUndefined();
  });
});
