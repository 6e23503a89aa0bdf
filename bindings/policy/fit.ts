/** Whether a policy can be had of a trace, and what it then means. */
import type { Trace } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { OP_NAMES } from '../trace/schema.ts';
import type { Policy } from './policy.ts';

/** Names of the ops that occur in a trace: it is read to its end. */
export async function opsOf(trace: Trace): Promise<string[]> {
  const seen = new Set<number>();
  for await (const { op, opMap, length } of trace.batches())
    for (const code of new Set(op.subarray(0, length))) seen.add(opMap[code]!);
  return [...seen].map((op) => OP_NAMES[op]!);
}

/** Throws InputError: the policy needs rows that the trace does not have, without which it differs in nothing from Linux. */
export function checkOps({ name, needs }: Policy, ops: readonly string[], path: string): void {
  if (needs.length > 0 && !needs.some((op) => ops.includes(op)))
    throw new InputError(`policy ${name}: it needs ${needs.join(' or ')}, and ${path} has none`);
}

/** Throws InputError: the policy changes what is resident, and the trace is followed as it was recorded. */
export function checkResidency(
  { name, residency: can }: Policy,
  residency: 'recorded' | 'modelled',
  path: string,
): void {
  if (!can.includes(residency))
    throw new InputError(
      `policy ${name}: not in ${residency} residency, in which ${path} is replayed: it changes what is resident`,
    );
}

/** Recordings of what the kernel did: their file accesses are what was not resident. Other sources have every access. */
const RECORDINGS: ReadonlySet<string> = new Set(['memcg-probes', 'ftrace', 'perf-script', 'perf-data', 'bpftrace']);

/** What the policy does is a lower bound: it acts on hits, and a trace of this source shows misses. */
export function isLowerBound({ needsHits }: Policy, source: string): boolean {
  return needsHits && RECORDINGS.has(source);
}
