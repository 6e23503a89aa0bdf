/** Live events with numbers of nothing: an errno of the model, never a trap, and the books stay right. */
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../bindings/engine/error.ts';
import { Machine } from '../../bindings/machine.ts';
import { OP_NAMES } from '../../bindings/trace/schema.ts';

const OUTSIDE = [65_537, 1 << 20, 2 ** 31, 2 ** 32 - 1];

describe('an event that names what there is not', () => {
  it.each(['linux', 'memcg-mount', 'kmem-overcharge-return'])('is refused by its number under %s', async (policy) => {
    const machine = await Machine.boot({ policy, residency: 'modelled', cpus: 1, pages: 4096 });
    for (const id of OUTSIDE) {
      expect(() => machine.event('spawn', { task: id })).toThrow(EngineError);
      expect(() => machine.event('spawn', { task: id })).toThrow(`task ${id}: ENOSPC`);
    }
    machine.event('spawn', { task: 1 });
    for (const op of OP_NAMES.filter((name) => name))
      for (const id of OUTSIDE)
        for (const columns of [{ task: id }, { task: 1, cgroup: id }, { task: 1, object: id, count: 1 }]) {
          try {
            machine.event(op, columns);
          } catch (error) {
            if (!(error instanceof EngineError)) throw new Error(`${op} ${JSON.stringify(columns)}: ${error}`);
          }
        }
    expect(machine.audit()).toBeNull();
  });
});
