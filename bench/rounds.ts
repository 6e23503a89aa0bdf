/**
 * Interleaved rounds. Other work on the machine slows whoever runs at that moment, so the peers take turns, and a ratio is taken
 * within each turn before the median over the turns. tinybench runs the turn; the peers bring their own clock, which leaves
 * the staging out.
 */
import { Bench } from 'tinybench';
import { type Peer, stateLabel } from './peer.ts';

export interface Timing {
  name: string;
  /** nanoseconds per event, one a round */
  samples: number[];
}

/** Times `rounds` turns of all peers over `events` events each, after `warmup` turns whose times are dropped. */
export async function timeRounds(peers: Peer[], events: number, warmup: number, rounds: number): Promise<Timing[]> {
  const timings = peers.map(({ name }) => ({ name, samples: [] as number[] }));
  const bench = new Bench({ iterations: 1, time: 0, warmup: false, throws: true });
  for (const peer of peers) {
    const turn = async () => ({ overriddenDuration: (await peer.round()) / 1e6 });
    bench.add(peer.name, turn, { async: true, beforeEach: async () => await peer.reset() });
  }
  for (let round = 0; round < warmup + rounds; round++) {
    // Without the reset a task that has run keeps its first result.
    bench.reset();
    await bench.run();
    if (round < warmup) continue;
    for (const [i, task] of bench.tasks.entries()) {
      if (!('latency' in task.result)) throw new Error(`${task.name}: ${task.result.state}`);
      timings[i]!.samples.push((task.result.latency.mean * 1e6) / events);
    }
  }
  return timings;
}

/** Throws where a peer ended with another figure than the first one: then the times say nothing. */
export async function compareStates(peers: Peer[], cgroups: number, cpus: number): Promise<void> {
  const expected = await peers[0]!.state();
  for (const peer of peers.slice(1)) {
    const found = await peer.state();
    const at = expected.findIndex((figure, i) => figure !== found[i]);
    if (at === -1 && found.length === expected.length) continue;
    const what = at === -1 ? 'number of figures' : stateLabel(at, cgroups, cpus);
    throw new Error(`${peer.name} differs in ${what}: ${found[at]}, ${peers[0]!.name} has ${expected[at]}`);
  }
}
