/** The workload of pods: the same for the same seed, made without keeping its rows, and with what a node has. */
import { expect, test } from 'vitest';
import { SCENARIOS } from '../../bindings/generate/registry.ts';
import { optionsOf, type ScenarioOptions } from '../../bindings/generate/scenario.ts';
import { pods } from '../../bindings/generate/scenarios/pods.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { Machine } from '../../bindings/machine.ts';
import type { TraceSink } from '../../bindings/trace/arrow-writer.ts';
import { OP_NAMES } from '../../bindings/trace/schema.ts';
import { replayRows, rowsOf } from '../debates/run.ts';

/** What a sink was given: a hash of all rows, and how often each op came. */
function sunk(options: ScenarioOptions) {
  let hash = 0x811c9dc5;
  let rows = 0;
  const ops = new Map<string, number>();
  const sink: TraceSink = {
    setBase: () => {},
    append: (...row) => {
      rows++;
      const op = OP_NAMES[row[2]]!;
      ops.set(op, (ops.get(op) ?? 0) + 1);
      for (const char of row.join()) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    },
  };
  const builder = new TraceBuilder({ sink });
  pods.build(builder, optionsOf(pods, options));
  expect(builder.rows).toEqual([]);
  return { hash, rows, ops, high: builder.highWater() };
}

test('is the same for the same seed, and another for another', () => {
  const first = sunk({ seed: 3 });
  expect(sunk({ seed: 3 })).toEqual(first);
  expect(sunk({ seed: 4 }).hash).not.toBe(first.hash);
});

test('has as many pods, containers and lives as it is told, and no more ids', () => {
  const { ops, high } = sunk({ pods: 4, containers: 2, restarts: 2, seconds: 3 });
  expect(ops.get('mount')).toBe(4);
  expect(ops.get('spawn')).toBe(4 * 2 * 3);
  expect(ops.get('rmdir')).toBe(4 * 2 * 2);
  expect(high).toMatchObject({ tasks: 1 + 24, cgroups: 2 + 1 + 4 + 24, cpus: 4 });
});

test('hits limits, kills, and adds up; its containers use what others paid for', async () => {
  const machine = await replayRows(rowsOf(pods, { seconds: 4 }), 'linux', { cpus: 4 });
  expect(machine.kills().length).toBeGreaterThan(0);
  const paths = [...machine.cgroups.keys()].filter((id) => /\/c\d$/.test(machine.pathOf(id)) && !machine.isRemoved(id));
  expect(paths).toHaveLength(18);
  const dying = [...machine.cgroups.keys()].filter((id) => machine.isRemoved(id));
  expect(dying.reduce((pages, id) => pages + machine.usage(id), 0)).toBeGreaterThan(1000);
  expect(machine).toBeInstanceOf(Machine);
});

test('every scenario is the same twice, and has a default for each option', () => {
  for (const scenario of SCENARIOS) {
    const [a, b] = [rowsOf(scenario).rows, rowsOf(scenario).rows];
    expect(a.length, scenario.name).toBeGreaterThan(0);
    expect(a, scenario.name).toEqual(b);
    for (const [name, option] of Object.entries(scenario.options)) {
      expect(name, scenario.name).toMatch(/^[a-z][a-z0-9_-]*$/i);
      expect(option.summary, `${scenario.name} ${name}`).not.toBe('');
    }
  }
});
