/** The engine and the reference model side by side: one call to both, the same answer from both, the same state in both. */
import { deepStrictEqual, strictEqual } from 'node:assert';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type Capacities, DEFAULT_CAPACITIES } from '../../bindings/engine/capacities.ts';
import type { EngineBuild, EngineExports } from '../../bindings/engine/engine.ts';
import { type Kernel, Machine } from '../../bindings/machine.ts';
import { Model } from './model.ts';
import { type Call, expand, type Ledger, type Operation } from './operations.ts';
import type { PageCounter } from './page-counter.ts';
import { Peek } from './peek.ts';

export interface World {
  kernel: Kernel;
  seed: number;
  build?: EngineBuild;
  cpus: number;
}

const SMALL: Capacities = { ...DEFAULT_CAPACITIES, pages: 2048, cgroups: 14, tasks: 9, swap: 40 };

/** Where every sequence begins, so that few operations go to waste: a chain of two cgroups, a sibling, and a task in each. */
const BEGINNING: Call[] = [
  ['mkdir', 2, 1, 0n],
  ['mkdir', 3, 2, 0n],
  ['mkdir', 4, 1, 0n],
  ['spawn', 1, 2, 1],
  ['spawn', 2, 3, 1],
  ['spawn', 3, 4, 1],
];

/** Which model field each word of a counter is. */
const FIELDS: readonly [number, keyof PageCounter][] = [
  [L.PC_USAGE, 'usage'],
  [L.PC_WATERMARK, 'watermark'],
  [L.PC_LOCAL_WATERMARK, 'localWatermark'],
  [L.PC_MAX, 'max'],
  [L.PC_HIGH, 'high'],
  [L.PC_LOW, 'low'],
  [L.PC_MIN, 'min'],
  [L.PC_EMIN, 'emin'],
  [L.PC_ELOW, 'elow'],
  [L.PC_MIN_USAGE, 'minUsage'],
  [L.PC_LOW_USAGE, 'lowUsage'],
  [L.PC_CHILDREN_MIN_USAGE, 'childrenMinUsage'],
  [L.PC_CHILDREN_LOW_USAGE, 'childrenLowUsage'],
];

/** Puts something broken in the engine's place. */
export type Sabotage = (machine: Machine) => EngineExports | Promise<EngineExports>;

type Method = (...args: (number | bigint)[]) => number | bigint | undefined;

export class Pair {
  readonly machine: Machine;
  readonly model: Model;
  /** the exports under test: the machine's own unless a test sabotages them */
  readonly engine: EngineExports;
  readonly ledger: Ledger = { objects: [], sockets: [] };

  private constructor(machine: Machine, world: World, engine: EngineExports) {
    this.machine = machine;
    this.engine = engine;
    this.model = new Model(world.kernel, world.seed, machine.capacities);
  }

  static async boot(world: World, sabotage?: Sabotage): Promise<Pair> {
    const machine = await Machine.boot({ ...SMALL, ...world });
    const pair = new Pair(machine, world, sabotage ? await sabotage(machine) : machine.engine);
    for (const call of BEGINNING) pair.call(call);
    return pair;
  }

  run(operations: readonly Operation[]): void {
    for (const operation of operations) for (const call of expand(operation, this.model, this.ledger)) this.call(call);
  }

  call([name, ...args]: Call): void {
    const expected = (this.model as unknown as Record<string, Method>)[name]!(...args);
    const answer = (this.engine as unknown as Record<string, Method>)[name]!(...args);
    strictEqual(answer, expected, `answer of ${name}(${args.join(', ')})`);
    this.#remember(name, args as number[], Number(expected));
  }

  #remember(name: string, args: number[], answer: number): void {
    if (name === 'chargeObject' && answer > 0)
      this.ledger.objects.push({ objcg: answer, bytes: args[2]!, kind: args[3]! });
    if (name === 'warmObject' && answer === 0 && args[0]! > 1)
      this.ledger.objects.push({ objcg: args[0]!, bytes: args[2]!, kind: args[1]! });
    if (name === 'chargeSock' && answer === 0) this.ledger.sockets.push({ memcg: args[1]!, pages: args[2]! });
  }

  /** Everything that both sides know. The lists come last: they are read by emptying those of a fork. */
  async compare(): Promise<void> {
    strictEqual(this.machine.audit(), null, 'audit');
    this.#compareCgroups();
    this.#compareCpus();
    for (let frame = 0; frame <= this.model.capacities.pages + 1; frame++)
      strictEqual(this.engine.folioOwner(frame), this.model.folioOwner(frame), `owner of frame ${frame}`);
    await this.#compareLists();
  }

  #compareCgroups(): void {
    const { engine, machine } = this;
    const peek = new Peek(machine);
    for (const [id, memcg] of this.model.memcgs) {
      for (const [counter, it] of [
        [L.COUNTER_MEMORY, memcg.memory],
        [L.COUNTER_SWAP, memcg.swap],
      ] as const)
        for (const [field, name] of FIELDS)
          strictEqual(
            engine.pageCounterField(id, counter, field),
            BigInt(it[name] as number | bigint),
            `${name} of counter ${counter} of cgroup ${id}`,
          );
      for (let row = 0; row < L.NR_STATS; row++) {
        strictEqual(engine.statLocal(id, row), BigInt(memcg.stat[row]!), `statistic ${row} of cgroup ${id}`);
        strictEqual(engine.statTotal(id, row), BigInt(memcg.statTotal(row)), `total statistic ${row} of cgroup ${id}`);
      }
      for (let event = 0; event < L.NR_EVENTS; event++) {
        strictEqual(
          engine.eventCount(id, event, 1),
          BigInt(memcg.eventsLocal[event]!),
          `local event ${event} of ${id}`,
        );
        strictEqual(engine.eventCount(id, event, 0), BigInt(memcg.eventsTotal[event]!), `event ${event} of ${id}`);
      }
      const { memcg: payer, chargedBytes, bytes, pages } = memcg.objcg;
      deepStrictEqual(peek.objcg(id), { memcg: payer.id, chargedBytes, bytes, pages }, `objcg ${id}`);
      deepStrictEqual(peek.unseen(id), memcg.unseen, `unseen pages of cgroup ${id}`);
      strictEqual(peek.tasksOf(id), memcg.tasks, `tasks in cgroup ${id}`);
      strictEqual(machine.isRemoved(id), memcg.state === 'dying', `state of cgroup ${id}`);
      strictEqual(engine.readKnob(id, O.KNOB_OOM_GROUP), BigInt(memcg.oomGroup), `oom.group of cgroup ${id}`);
    }
    for (const [id, task] of this.model.tasks) {
      strictEqual(
        engine.folioPayer(id, 1),
        task.folioPayer(true, this.model.root).id,
        `payer of anonymous memory of task ${id}`,
      );
      strictEqual(
        engine.folioPayer(id, 0),
        task.folioPayer(false, this.model.root).id,
        `payer of page cache of task ${id}`,
      );
      strictEqual(engine.kmemPayer(id), task.kernelPayer()?.id ?? 0, `payer of kernel memory of task ${id}`);
    }
  }

  #compareCpus(): void {
    const peek = new Peek(this.machine);
    for (const [id, cpu] of this.model.cpus.entries()) {
      const slots = Array.from({ length: 7 }, (_, i) => [cpu.slots[i]?.memcg.id ?? 0, cpu.slots[i]?.pages ?? 0]);
      const { pagesAt, bytesAt, bytes } = cpu;
      deepStrictEqual(
        peek.cpu(id),
        { slots, objcg: cpu.objcg?.id ?? 0, bytes, pagesAt, bytesAt },
        `stocks of CPU ${id}`,
      );
    }
  }

  async #compareLists(): Promise<void> {
    const twin = (await this.machine.fork()).engine;
    for (const [id, memcg] of this.model.memcgs)
      for (const [list, frames] of memcg.lists.entries()) {
        strictEqual(twin.lruSize(id, list), frames.length, `size of list ${list} of cgroup ${id}`);
        const order = Array.from(frames, () => twin.lruIsolate(id, list));
        deepStrictEqual(order, frames.toReversed(), `list ${list} of cgroup ${id}, oldest first`);
        strictEqual(twin.lruIsolate(id, list), 0, `list ${list} of cgroup ${id} is empty`);
      }
  }
}
