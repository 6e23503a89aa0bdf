/**
 * The kernel's own counter calls, from the `pc_*` probes of a capture (kprobes on page_counter_try_charge, page_counter_charge and
 * page_counter_uncharge): what the importer never sees, and what the engine's calls must equal.
 */
import * as L from '../../assembly/layout.ts';
import type { CounterChange } from '../../bindings/machine.ts';
import { captureBytes } from './run.ts';

/** Calls in order, as text such as `+64`, `F1` (refused), `-3`, `C1` (charged whatever the limit), by the kernel's cgroup id. */
export type Calls = Map<number, string[]>;

/** memory is the first counter of struct mem_cgroup, 0x100 bytes into it in this kernel. */
const MEMORY_COUNTER = 0x100n;

function add(calls: Calls, cgroup: number, call: string): void {
  const list = calls.get(cgroup);
  if (list) list.push(call);
  else calls.set(cgroup, [call]);
}

/** Reads the calls of every cgroup that came online during the capture. */
export async function kernelCalls(truth: string): Promise<Calls> {
  const calls: Calls = new Map();
  const cgroupOf = new Map<string, number>();
  const trying = new Map<string, { cgroup: number | undefined; pages: string }>();
  const lines = (await captureBytes(truth)).toString('latin1').split('\n');
  for (const line of lines) {
    const match = /-(\d+) +\(.*?\) \[\d+\] \S+ +[\d.]+: (css_online|pc_\w+): (.*)$/.exec(line);
    if (!match) continue;
    const [, pid, event, rest] = match as unknown as [string, string, string, string];
    const field = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(rest)?.[1] ?? '';
    if (event === 'css_online') {
      cgroupOf.set(`0x${(BigInt(field('memcg')) + MEMORY_COUNTER).toString(16)}`, Number(field('cgid')));
    } else if (event === 'pc_try_charge') {
      trying.set(pid, { cgroup: cgroupOf.get(field('counter')), pages: field('n') });
    } else if (event === 'pc_try_charge_ret') {
      const call = trying.get(pid);
      trying.delete(pid);
      if (call?.cgroup !== undefined) add(calls, call.cgroup, (field('ok') === '1' ? '+' : 'F') + call.pages);
    } else {
      const cgroup = cgroupOf.get(field('counter'));
      if (cgroup !== undefined) add(calls, cgroup, (event === 'pc_uncharge' ? '-' : 'C') + field('n'));
    }
  }
  return calls;
}

const SIGN: Record<number, string> = { [L.WATCH_TRY]: '+', [L.WATCH_CHARGE]: 'C', [L.WATCH_UNCHARGE]: '-' };

/** Collects the engine's calls from its watch log. `kernelId` names a memcg as the kernel did. */
export class EngineCalls {
  readonly calls: Calls = new Map();
  readonly #kernelId: (memcg: number) => number;

  constructor(kernelId: (memcg: number) => number) {
    this.#kernelId = kernelId;
  }

  change(change: CounterChange): void {
    const cgroup = this.#kernelId(change.start);
    if (change.kind === L.WATCH_REFUSED) {
      // The level that asked was charged before an ancestor refused: one call, not two.
      if (change.memcg !== change.start) this.calls.get(cgroup)?.pop();
      add(this.calls, cgroup, `F${change.delta}`);
    } else if (change.memcg === change.start && SIGN[change.kind]) {
      add(this.calls, cgroup, SIGN[change.kind]! + Math.abs(change.delta));
    }
  }
}

/** How many of the kernel's calls the engine repeats in order before the first difference, by cgroup. */
export function agreement(kernel: Calls, engine: Calls): { cgroup: number; calls: number; equal: number }[] {
  return [...kernel].map(([cgroup, calls]) => {
    const own = engine.get(cgroup) ?? [];
    let equal = 0;
    while (equal < calls.length && calls[equal] === own[equal]) equal++;
    return {
      cgroup,
      calls: calls.length,
      equal: own.length > calls.length ? Math.min(equal, calls.length - 1) : equal,
    };
  });
}
