/** The property: any sequence of operations leaves the engine and the reference model in the same state. */
import fc from 'fast-check';
import type { EngineBuild } from '../../bindings/engine/engine.ts';
import type { Kernel } from '../../bindings/machine.ts';
import { operation } from './operations.ts';
import { Pair, type Sabotage, type World } from './pair.ts';

export function modelProperty(kernel: Kernel, build: EngineBuild, sabotage?: Sabotage) {
  const world: fc.Arbitrary<World> = fc.record({
    kernel: fc.constant(kernel),
    build: fc.constant(build),
    seed: fc.nat(),
    cpus: fc.integer({ min: 1, max: 3 }),
  });
  const operations = fc.array(operation, { minLength: 1, maxLength: 400, size: 'max' });
  return fc.asyncProperty(world, operations, async (world, operations) => {
    const pair = await Pair.boot(world, sabotage);
    pair.run(operations);
    await pair.compare();
  });
}
