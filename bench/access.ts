/**
 * The access suites: modelled residency, from accesses of single pages by one task in one cgroup, beside the same model in TypeScript
 * (peers/residency.ts). At the end every figure of the cgroup must agree.
 */
import * as O from '../assembly/replay/ops.ts';
import { Machine } from '../bindings/machine.ts';
import {
  type AccessWorkload,
  CGROUP,
  FIGURES,
  faults,
  hits,
  LISTS,
  reclaims,
  STATISTICS,
  touches,
} from './accesses.ts';
import { BATCH_ROWS, type Peer } from './peer.ts';
import { replaceEngine } from './peers/memcharge.ts';
import { residencyPeer } from './peers/residency.ts';
import { timeRounds } from './rounds.ts';
import { type Row, rowsOf } from './table.ts';

export async function machinePeer(
  { columns, prefill, pages, max }: AccessWorkload,
  build: { name: string; module: WebAssembly.Module } | null = null,
): Promise<Peer> {
  const machine = await Machine.boot({
    residency: 'modelled',
    // What is above the high watermark holds it all: the machine itself is not short.
    pages: pages + (pages >> 4) + 1024,
    nodes: pages >> 2,
    cgroups: 2,
    tasks: 1,
    objects: 1,
    maps: 1,
    cpus: 1,
    swap: 0,
  });
  if (build) await replaceEngine(machine, build.module);
  machine.mkdir('/a');
  if (max !== null) machine.writeKnob(CGROUP, O.KNOB_MAX, BigInt(max));
  machine.spawn(CGROUP);
  const run = (from: number, to: number) => {
    for (let at = from; at < to; at += BATCH_ROWS) {
      const end = Math.min(to, at + BATCH_ROWS);
      if (machine.replay(columns, at, end) !== end) throw new Error(`the engine stopped after row ${at}`);
    }
  };
  run(0, prefill);
  const memory = new Uint8Array(machine.memory.buffer);
  const start = memory.slice();
  return {
    name: build?.name ?? 'memcharge, Machine.replay',
    reset: () => memory.set(start),
    round: () => {
      const began = process.hrtime.bigint();
      run(prefill, columns.length);
      return Number(process.hrtime.bigint() - began);
    },
    state: () => {
      const discrepancy = machine.audit();
      if (discrepancy) throw new Error(`the audit finds ${JSON.stringify(discrepancy, (_, v) => String(v))}`);
      const { engine } = machine;
      const { 'memory.stat': stat, 'memory.events.local': events, 'memory.peak': peak } = machine.figures(CGROUP);
      return [
        ...Object.values(STATISTICS).map((row) => Number(engine.statLocal(CGROUP, row))),
        ...LISTS.map((name) => stat[name]! / 4096),
        machine.usage(CGROUP),
        peak / 4096,
        events.max!,
      ];
    },
    close: () => {},
  };
}

/** The four suites, over a file of `pages` pages and `rows` rows that are timed. Throws where the peers differ. */
export async function accessSuite(
  pages: number,
  rows: number,
  warmup: number,
  rounds: number,
  note: (text: string) => void,
): Promise<Row[]> {
  const made = [() => hits(pages, rows), () => faults(pages, rows), () => touches(pages), () => reclaims(pages, rows)];
  const table: Row[] = [];
  for (const make of made) {
    const workload = make();
    const events = workload.columns.length - workload.prefill;
    note(`${workload.title}: ${events} events, ${workload.prefill} before them`);
    const peers = [await machinePeer(workload), residencyPeer(workload)];
    const timings = await timeRounds(peers, events, warmup, rounds);
    const [expected, found] = [await peers[0]!.state(), await peers[1]!.state()];
    FIGURES.forEach((name, i) => {
      if (expected[i] !== found[i])
        throw new Error(`${workload.title}: ${name} is ${expected[i]}, and ${found[i]} in ${peers[1]!.name}`);
    });
    table.push(...rowsOf(workload.title, timings));
  }
  return table;
}
