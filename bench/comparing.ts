/** The compare suite: policies over one trace on two worker threads, beside the same on one. Their answers must be the same. */
import { compareTrace } from '../bindings/compare/compare.ts';
import { optionsOf } from '../bindings/generate/scenario.ts';
import { pods } from '../bindings/generate/scenarios/pods.ts';
import { TraceBuilder } from '../bindings/generate/trace-builder.ts';
import { presetOf } from '../bindings/policy/registry.ts';
import type { Peer } from './peer.ts';
import { timeRounds } from './rounds.ts';
import { type Row, rowsOf } from './table.ts';

export const ONE_WORKER = 'one worker';
const POLICIES = ['linux', 'common-ancestor', 'lru-reparent', 'root-only'];

/** `seconds` of a workload of pods, some thousand events each; an event is a row under one policy. Nanoseconds include the start of the threads. */
export async function comparingSuite(seconds: number, warmup: number, rounds: number): Promise<Row[]> {
  const builder = new TraceBuilder();
  pods.build(builder, optionsOf(pods, { pods: 4, seconds }));
  const trace = builder.trace();
  const policies = POLICIES.map(presetOf);
  const digests = new Set<string>();
  let events = 0;
  const peer = (name: string, workers: number): Peer => ({
    name,
    reset: () => {},
    round: async () => {
      const began = process.hrtime.bigint();
      const result = await compareTrace(trace, policies, { workers });
      const took = Number(process.hrtime.bigint() - began);
      events = result.trace.events * policies.length;
      digests.add(result.policies.map((each) => each.state_digest).join());
      return took;
    },
    state: () => [],
    close: () => {},
  });
  const peers = [peer('two workers', 2), peer(ONE_WORKER, 1)];
  await peers[1]!.round();
  const rows = rowsOf(`compare (${policies.length} policies)`, await timeRounds(peers, events, warmup, rounds));
  if (digests.size !== 1) throw new Error('two workers answer other digests than one');
  return rows;
}
