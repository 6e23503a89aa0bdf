/**
 * Random charges, frees and limits under every answer to a refused charge, in every context: nothing is lost, no counter is negative, and
 * what is noted of overruns is what a plain observer adds up from usages and limits alone.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { Machine } from '../../bindings/machine.ts';
import { definePolicy, PolicyError, REFUSALS, type Refusal } from '../../bindings/policy/policy.ts';

/** ns between two actions, and until a work item runs: so none runs but where the observer looks. */
const STEP = 1_000_000n;
const KERNEL_OTHER = O.KIND_KERNEL_OTHER << O.FLAG_KIND_SHIFT;
const ATOMIC = O.GFP_KSWAPD_RECLAIM | O.GFP_HIGH;

type Action =
  | { do: 'touch' | 'write' | 'bytes'; task: number; pages: number; inCall: boolean }
  | { do: 'kmem'; task: number; order: number; gfp: number; inCall: boolean }
  | { do: 'free' | 'return' | 'lock' | 'unlock' | 'wait' | 'move'; task: number; which: number }
  | { do: 'limit'; level: number; pages: number };

const task = fc.nat(3);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constantFrom('touch', 'write', 'bytes'),
    task,
    pages: fc.integer({ min: 1, max: 40 }),
    inCall: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('kmem' as const),
    task,
    order: fc.nat(4),
    gfp: fc.constantFrom(O.GFP_KERNEL, O.GFP_KERNEL, ATOMIC, O.GFP_KSWAPD_RECLAIM, O.GFP_KERNEL | O.GFP_NOFAIL),
    inCall: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom('free', 'return', 'lock', 'unlock', 'wait', 'move'), task, which: fc.nat(7) }),
  fc.record({ do: fc.constant('limit' as const), level: fc.nat(2), pages: fc.integer({ min: 16, max: 256 }) }),
);

/** Adds up pages × ns above a limit, from what can be read: before each action for the time since the last one. */
class Observer {
  readonly total: number[];
  readonly peak: number[];
  readonly machine: Machine;
  readonly cgroups: readonly number[];
  #since = 0n;
  #over: number[];

  constructor(machine: Machine, cgroups: readonly number[]) {
    this.machine = machine;
    this.cgroups = cgroups;
    this.total = cgroups.map(() => 0);
    this.peak = cgroups.map(() => 0);
    this.#over = cgroups.map(() => 0);
  }

  look(): void {
    const { now } = this.machine;
    this.cgroups.forEach((cgroup, i) => {
      this.total[i]! += this.#over[i]! * Number(now - this.#since);
      const limit = this.machine.engine.readKnob(cgroup, O.KNOB_MAX);
      this.#over[i] = Math.max(0, this.machine.usage(cgroup) - Number(limit));
      this.peak[i] = Math.max(this.peak[i]!, this.#over[i]!);
    });
    this.#since = now;
  }
}

async function run(how: Refusal, actions: readonly Action[]): Promise<void> {
  const refused = Object.fromEntries(
    (['fault', 'call', 'kmem', 'atomic', 'worker'] as const).map((context) => [context, how]),
  );
  // An answer that makes no sense in a context is Linux's there.
  for (const context of Object.keys(refused)) {
    try {
      definePolicy({ name: 'x', summary: '', rows: [], answers: { refused: { [context]: how } } });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      refused[context] = 'kernel';
    }
  }
  const policy = definePolicy({ name: 'random', summary: '', rows: [], answers: { refused, workDelay: Number(STEP) } });
  const machine = await Machine.boot({ residency: 'modelled', policy, cpus: 1, pages: 4096, swap: 0 });
  const parent = machine.mkdir('/p');
  const cgroups = [parent, machine.mkdir('/p/a', parent), machine.mkdir('/p/b', parent)];
  const observer = new Observer(machine, cgroups);
  machine.writeKnob(parent, O.KNOB_MAX, 256n);
  machine.writeKnob(cgroups[1]!, O.KNOB_MAX, 128n);
  const tasks = [0, 1, 2, 3].map((i) =>
    i === 3 ? machine.spawnKernelThread() : machine.spawn(cgroups[1 + (i % 2)]!, `t${i}`),
  );
  const objects = tasks.map(() => machine.newObject('shmem', 4096));
  let frame = 0;
  const frames: [number, number][] = [];
  let vpn = 16;
  for (const each of actions) {
    machine.advance(machine.now + STEP);
    observer.look();
    act(each);
    observer.look();
    for (const cgroup of cgroups) expect(machine.usage(cgroup)).toBeGreaterThanOrEqual(0);
  }
  machine.advance(machine.now + STEP);
  observer.look();
  expect(machine.audit()).toBeNull();
  cgroups.forEach((cgroup, i) => {
    const figures = machine.policyFigures(cgroup);
    expect(figures.over_page_ns).toBe(observer.total[i]);
    // Between two looks it may have been higher: a call may pass the limit and reconcile.
    expect(figures.over_max_peak).toBeGreaterThanOrEqual(observer.peak[i]!);
    expect(figures.over_max_peak).toBeLessThanOrEqual(Object.values(figures.forced).reduce((sum, n) => sum + n, 0));
  });

  function act(each: Action): void {
    if (each.do === 'limit') {
      machine.writeKnob(cgroups[each.level]!, O.KNOB_MAX, BigInt(each.pages));
      return;
    }
    const id = tasks[each.task]!;
    const mm = each.task !== 3;
    const inCall = 'inCall' in each && each.inCall ? O.FLAG_IN_CALL : 0;
    const client = mm ? 0 : cgroups[1]!;
    try {
      if (each.do === 'touch' && mm) {
        machine.event('anon_touch', { task: id, index: vpn, count: each.pages, flags: O.FLAG_WRITE | inCall });
        vpn += each.pages;
      } else if (each.do === 'write') {
        const flags = O.FLAG_WRITE | inCall;
        machine.event('file_access', { task: id, object: objects[each.task]!, index: vpn, count: each.pages, flags });
        vpn += each.pages;
      } else if (each.do === 'bytes') {
        const flags = (O.KIND_SLAB << O.FLAG_KIND_SHIFT) | inCall;
        machine.event('kmem_charge', { task: id, cgroup: client, count: each.pages * 700, flags, gfp: O.GFP_KERNEL });
      } else if (each.do === 'kmem') {
        const flags = O.FLAG_BY_FRAME | each.order | KERNEL_OTHER | inCall;
        frame += 16;
        frames.push([frame, each.order]);
        machine.event('kmem_charge', { task: id, cgroup: client, index: frame, flags, gfp: each.gfp });
      } else if (each.do === 'free') {
        const [index, order] = frames.splice(each.which % Math.max(1, frames.length), 1)[0] ?? [0, 0];
        if (index) machine.event('kmem_free', { index, flags: O.FLAG_BY_FRAME | order | KERNEL_OTHER });
      } else if (each.do === 'return') machine.event('return_to_user', { task: id });
      else if (each.do === 'lock') machine.event('lock', { task: id, index: 1 + (each.which % 2) });
      else if (each.do === 'unlock') machine.event('unlock', { task: id, index: 1 });
      else if (each.do === 'move' && mm) machine.attach(id, cgroups[each.which % 3]!);
    } catch (error) {
      // A lock that it has already; a task that is dead.
      if (!/EDEADLK|ESRCH/.test(String(error))) throw error;
    }
  }
}

test.each(REFUSALS)('%s: random charges, frees and limits', async (how) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 120 }), (actions) => run(how, actions)),
    { numRuns: 25 },
  );
});
