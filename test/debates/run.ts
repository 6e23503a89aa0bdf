/** Replays a trace of a builder under a policy: the machine as it stands at the end, which has been audited. */
import { expect } from 'vitest';
import { optionsOf, type Scenario, type ScenarioOptions } from '../../bindings/generate/scenario.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import type { BootOptions, Machine } from '../../bindings/machine.ts';
import type { Policy } from '../../bindings/policy/policy.ts';
import { presetOf } from '../../bindings/policy/registry.ts';
import { bootFor, replayTrace } from '../../bindings/replay/replay.ts';
import { traceFor } from '../../bindings/trace/rewrite/rewrite-trace.ts';

/** `memory` in pages; 1 GiB unless told. Two CPUs unless told. */
export async function replayRows(
  builder: TraceBuilder,
  policy: string | Policy = 'linux',
  { memory = 1 << 18, ...boot }: BootOptions & { memory?: number } = {},
): Promise<Machine> {
  const chosen = typeof policy === 'string' ? presetOf(policy) : policy;
  const trace = await traceFor(chosen, builder.trace());
  const machine = await bootFor(trace, { residency: 'modelled', policy, cpus: 2, ...boot }, false, memory);
  await replayTrace(machine, trace);
  expect(machine.audit()).toBeNull();
  return machine;
}

/** The rows of a scenario. */
export function rowsOf(scenario: Scenario, options: ScenarioOptions = {}): TraceBuilder {
  const builder = new TraceBuilder();
  scenario.build(builder, optionsOf(scenario, options));
  return builder;
}

/** The cgroup of a path: the newest. */
export function idOf(machine: Machine, path: string): number {
  const id = [...machine.cgroups].findLast(([, name]) => name.path === path)?.[0];
  if (id === undefined) throw new Error(`no cgroup ${path}`);
  return id;
}

/** memory.current of a cgroup by its path, pages. The newest of that path. */
export function pagesOf(machine: Machine, path: string): number {
  return machine.usage(idOf(machine, path));
}
