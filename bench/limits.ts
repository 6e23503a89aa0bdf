/**
 * The suite `limits`: accesses and frees under limits so tight that reclaim runs all the time, and the same without limits; the engine
 * in modelled residency beside the C yardstick (peers/yardstick.c), which knows of nothing else.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as O from '../assembly/replay/ops.ts';
import { Machine } from '../bindings/machine.ts';
import { BATCH_ROWS, type Peer } from './peer.ts';
import { compileNative, nativePeer, YARDSTICK_VARIANTS } from './peers/native.ts';
import { type Timing, timeRounds } from './rounds.ts';
import { type Row, rowsOf } from './table.ts';
import { FIRST_LEAF, LEAVES } from './workload.ts';
import { accessesAndFrees, limited, Rows, writeYardstick, type YardstickWorkload } from './yardstick.ts';

/** Of each leaf's pages. */
const SHARE = 0.3;
export const ENGINE = 'memcharge, Machine.replay';
/** Figures of a C peer before those of the cgroups, and of each cgroup: see `state` in yardstick.c. */
const HEAD = 4;
const PER_CGROUP = 8;

/** The engine with everything on that modelled residency has; swap for all that the limits push out. */
export async function yardstickMachine(workload: YardstickWorkload): Promise<Machine> {
  const { pages, parents, limits, cpus } = workload;
  const machine = await Machine.boot({
    residency: 'modelled',
    // What is above the high watermark holds it all: the machine itself is not short.
    pages: pages + (pages >> 4) + 1024,
    nodes: (pages >> 4) + 4096,
    cgroups: parents.length - 1,
    tasks: LEAVES,
    objects: LEAVES,
    maps: LEAVES,
    cpus,
    swap: pages,
  });
  for (let id = 2; id < parents.length; id++) machine.mkdir(`/${id}`, parents[id]);
  for (let leaf = 0; leaf < LEAVES; leaf++) machine.spawn(FIRST_LEAF + leaf);
  limits.forEach((limit, id) => {
    if (limit !== null) machine.writeKnob(id, O.KNOB_MAX, BigInt(limit));
  });
  return machine;
}

async function machinePeer(workload: YardstickWorkload): Promise<Peer> {
  const machine = await yardstickMachine(workload);
  const memory = new Uint8Array(machine.memory.buffer);
  // Hardly anything is there yet: what is, by pages of 64 KiB. The copy also touches all memory, so that no page fault is timed.
  const start: [number, Uint8Array][] = [];
  for (let at = 0; at < memory.length; at += 1 << 16) {
    const part = memory.subarray(at, at + (1 << 16));
    if (part.some((byte) => byte !== 0)) start.push([at, part.slice()]);
  }
  const rows = new Rows(workload);
  const count = workload.events.length / 2;
  return {
    name: ENGINE,
    reset: () => {
      memory.fill(0);
      for (const [at, bytes] of start) memory.set(bytes, at);
    },
    round: () => {
      let ns = 0n;
      for (let at = 0; at < count; at += BATCH_ROWS) {
        const batch = rows.fill(at, Math.min(count, at + BATCH_ROWS));
        const began = process.hrtime.bigint();
        const done = machine.replay(batch, 0, batch.length);
        ns += process.hrtime.bigint() - began;
        if (done !== batch.length) throw new Error(`the engine stopped after event ${at + done}`);
      }
      return Number(ns);
    },
    state: () => {
      const discrepancy = machine.audit();
      if (discrepancy) throw new Error(`the audit finds ${JSON.stringify(discrepancy, (_, v) => String(v))}`);
      const kills = machine.kills().length;
      if (kills > 0) throw new Error(`${kills} tasks were killed: the rest of their events were passed over`);
      return workload.parents.flatMap((_, id) => (id === 0 ? [0, 0] : [lists(machine, id), machine.refused(id)]));
    },
    close: () => {},
  };
}

/** Pages on the lists of a cgroup itself. */
function lists(machine: Machine, cgroup: number): number {
  const charged = (stat: number) => Number(machine.engine.statLocal(cgroup, stat));
  return charged(O.KIND_ANON) + charged(O.KIND_FILE);
}

/** The C peers must have done the same; without limits the engine must have the same pages in memory, and never more than a limit. */
async function compare(peers: Peer[], workload: YardstickWorkload): Promise<void> {
  const [engine, ...native] = await Promise.all(
    peers.map(async (peer) => ({ name: peer.name, state: await peer.state() })),
  );
  const [first] = native;
  for (const { name, state } of native)
    state.forEach((figure, i) => {
      if (figure !== first!.state[i])
        throw new Error(`${name} has ${figure} as figure ${i}, and ${first!.name} ${first!.state[i]}`);
    });
  workload.limits.forEach((limit, id) => {
    const [pages, refused] = engine!.state.slice(2 * id);
    if (refused) throw new Error(`cgroup ${id}: ${refused} charges were refused`);
    if (limit !== null && pages! > limit) throw new Error(`cgroup ${id}: ${pages} pages under a limit of ${limit}`);
    if (limit !== null || !first) return;
    const at = HEAD + PER_CGROUP * id;
    const expected = first.state.slice(at, at + 4).reduce((sum, size) => sum + size);
    if (pages !== expected && !workload.limits.some((other) => other !== null))
      throw new Error(`cgroup ${id}: ${pages} pages in memory, in ${first.name} ${expected}`);
  });
}

/** Both workloads over `pages` pages and `events` events. `compiler`: the C peers take part. */
export async function limitsSuite(
  directory: string,
  compiler: boolean,
  [pages, events]: [number, number],
  [warmup, rounds]: [number, number],
  note: (text: string) => void,
): Promise<Row[]> {
  const programs = new Map<string, string>();
  if (compiler)
    for (const [name, defines] of YARDSTICK_VARIANTS)
      programs.set(name, compileNative(name, directory, 'yardstick.c', defines));
  note(`events of the suite limits: ${events} over ${pages} pages`);
  const free = accessesAndFrees(pages, events);
  const table: Row[] = [];
  for (const workload of [limited(free, SHARE), free]) {
    note(`${workload.title}: ${events} events`);
    const path = join(directory, 'yardstick');
    if (compiler) writeYardstick(workload, path);
    const peers = [await machinePeer(workload)];
    for (const [name, program] of programs) peers.push(nativePeer(name, program, path));
    try {
      const timings: Timing[] = await timeRounds(peers, events, warmup, rounds);
      await compare(peers, workload);
      table.push(...rowsOf(workload.title, timings));
    } finally {
      for (const peer of peers) peer.close();
      rmSync(path, { force: true });
    }
  }
  return table;
}
