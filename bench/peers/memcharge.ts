/** The engine itself, as the bindings drive it: `stage` outside the clock, `replayRecorded` inside. */
import * as L from '../../assembly/layout.ts';
import { memoryMap } from '../../bindings/engine/capacities.ts';
import { Machine } from '../../bindings/machine.ts';
import { BATCH_ROWS, HASH_START, hashWord, type Peer, SLOTS } from '../peer.ts';
import type { Workload } from '../workload.ts';

/** Puts another build of the engine to a machine's memory, which this one has booted: same layout, other code. */
export async function replaceEngine(machine: Machine, build: WebAssembly.Module): Promise<void> {
  const abort = () => {
    throw new Error('assertion failed in the engine');
  };
  const { exports } = await WebAssembly.instantiate(build, { env: { memory: machine.memory, abort } });
  (exports.attach as (worker: number) => void)(0);
  Object.assign(machine, { engine: exports });
}

/**
 * `whole`: the clock includes staging and the bindings' own work, as a caller of `Machine.replay` sees it. `build`: another build of the
 * engine, by its name.
 */
export async function memchargePeer(
  workload: Workload,
  whole = false,
  build: { name: string; module: WebAssembly.Module } | null = null,
): Promise<Peer> {
  const { columns, parents, taskCgroups } = workload;
  const machine = await Machine.boot({
    pages: workload.frames,
    cgroups: parents.length - 1,
    tasks: taskCgroups.length - 1,
    cpus: workload.cpus,
    swap: 0,
  });
  if (build) await replaceEngine(machine, build.module);
  for (let id = 2; id < parents.length; id++) machine.mkdir(`/${id}`, parents[id]);
  for (let id = 1; id < taskCgroups.length; id++) machine.spawn(taskCgroups[id]);
  for (let at = 0; at < workload.prefill; at += BATCH_ROWS)
    machine.replay(columns, at, Math.min(workload.prefill, at + BATCH_ROWS));
  // The state where the timed rows begin: copying it back also touches every page of the memory.
  const memory = new Uint8Array(machine.memory.buffer);
  const start = memory.slice();

  const round = () => {
    let ns = 0n;
    for (let at = workload.prefill; at < columns.length; at += BATCH_ROWS) {
      const end = Math.min(columns.length, at + BATCH_ROWS);
      let began = process.hrtime.bigint();
      machine.stage(columns, at, end);
      if (!whole) began = process.hrtime.bigint();
      const done = whole ? machine.run(columns, 0, end - at, at) : machine.engine.replayRecorded(0, end - at);
      ns += process.hrtime.bigint() - began;
      if (done !== end - at) throw new Error(`the engine stopped at row ${at} with ${done}`);
    }
    return Number(ns);
  };

  return {
    name: build?.name ?? (whole ? 'memcharge, Machine.replay' : 'memcharge'),
    reset: () => memory.set(start),
    round,
    state: () => {
      const discrepancy = machine.audit();
      if (discrepancy) throw new Error(`the audit finds ${JSON.stringify(discrepancy, (_, v) => String(v))}`);
      return readState(machine);
    },
    close: () => {},
  };
}

function readState(machine: Machine): number[] {
  const { capacities, engine } = machine;
  const word = new Uint32Array(machine.memory.buffer);
  const base = Object.fromEntries(memoryMap(capacities).map(({ name, offset }) => [name, offset / 4]));
  const state: number[] = [];
  let order = HASH_START;
  for (let id = 1; id <= capacities.cgroups; id++) {
    for (const field of [L.PC_USAGE, L.PC_WATERMARK, L.PC_LOCAL_WATERMARK])
      state.push(Number(engine.pageCounterField(id, L.COUNTER_MEMORY, field)));
    for (const stat of [L.STAT_ANON, L.STAT_FILE, L.STAT_SOCK]) state.push(Number(engine.statLocal(id, stat)));
    for (let list = 0; list < L.NR_LRU_LISTS; list++) {
      const at = base.list! + ((id * L.NR_LRU_LISTS + list) * L.LIST_STRIDE) / 4;
      state.push(word[at + L.LIST_LIVE / 4]!, word[at + L.LIST_PAGES / 4]!);
      const head = word[at + L.LIST_HEAD / 4]!;
      for (let p = word[at + L.LIST_TAIL / 4]!; p !== head; ) {
        const frame = word[base.log! + p]!;
        if (word[base.folio! + (frame * L.FOLIO_STRIDE + L.FOLIO_POSITION) / 4] === p) order = hashWord(order, frame);
        const last = p % L.CHUNK_ENTRIES === L.CHUNK_ENTRIES - 1;
        const next = (base.chunk! + ((p >>> L.CHUNK_SHIFT) * L.CHUNK_STRIDE) / 4) | 0;
        p = last ? word[next]! << L.CHUNK_SHIFT : p + 1;
      }
    }
  }
  for (let cpu = 0; cpu < capacities.cpus; cpu++) {
    const at = base.cpu! + (cpu * L.CPU_STRIDE) / 4;
    state.push(word[at + L.STOCK_HINT / 4]! / 4);
    for (let slot = 0; slot < SLOTS; slot++)
      state.push(word[at + L.STOCK_MEMCG / 4 + slot]!, word[at + L.STOCK_PAGES / 4 + slot]!);
  }
  let owners = HASH_START;
  for (let frame = 1; frame <= capacities.pages; frame++)
    owners = hashWord(owners, word[base.folio! + (frame * L.FOLIO_STRIDE) / 4]!);
  state.push(owners, order);
  return state;
}
