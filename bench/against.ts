/**
 * `npm run bench:against -- OTHER.wasm`: this engine beside another build of it, such as the one before a change, on the engine's own
 * suites in turns. The ratio says what the change costs; both must end in the same state. `--rounds=N`, `--frames=N`.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machinePeer } from './access.ts';
import { type AccessWorkload, faults, hits, reclaims, touches } from './accesses.ts';
import type { Peer } from './peer.ts';
import { memchargePeer } from './peers/memcharge.ts';
import { timeRounds } from './rounds.ts';
import { chargeUncharge, chargeWithList, frees, type Workload } from './workload.ts';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, frames: { type: 'string', default: String(1 << 20) } },
  allowPositionals: true,
});
const [path] = positionals;
if (path === undefined) throw new Error('usage: npm run bench:against -- OTHER.wasm');
const other = { name: 'other', module: await WebAssembly.compile(readFileSync(path)) };
const own = {
  name: 'this',
  module: await WebAssembly.compile(readFileSync(new URL('../build/engine.wasm', import.meta.url))),
};
const rounds = Number(values.rounds);
const frames = Number(values.frames);

const median = (samples: number[]) => samples.toSorted((a, b) => a - b)[samples.length >> 1]!;

async function compare(title: string, events: number, peers: Peer[]): Promise<void> {
  const [mine, theirs] = await timeRounds(peers, events, 3, rounds);
  const states = [await peers[0]!.state(), await peers[1]!.state()];
  if (JSON.stringify(states[0]) !== JSON.stringify(states[1])) throw new Error(`${title}: the states differ`);
  for (const peer of peers) peer.close();
  // A turn's two times were taken one after the other: the ratio of each turn, then the median of the turns.
  const ratios = mine!.samples.map((ns, i) => ns / theirs!.samples[i]!);
  const figures = [median(mine!.samples), median(theirs!.samples), median(ratios)];
  process.stdout.write(`${title.padEnd(40)} ${figures.map((n) => n.toFixed(3).padStart(9)).join(' ')}\n`);
}

process.stdout.write(`${'suite'.padEnd(40)}   this ns  other ns     ratio\n`);
for (const make of [chargeUncharge, chargeWithList, frees]) {
  const workload: Workload = make(frames);
  const events = workload.columns.length - workload.prefill;
  await compare(workload.title, events, [
    await memchargePeer(workload, false, own),
    await memchargePeer(workload, false, other),
  ]);
}
for (const make of [hits, faults, reclaims, (pages: number) => touches(pages)]) {
  const workload: AccessWorkload = make(frames / 4, frames / 2);
  const events = workload.columns.length - workload.prefill;
  await compare(workload.title, events, [await machinePeer(workload, own), await machinePeer(workload, other)]);
}
