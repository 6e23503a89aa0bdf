/** Writes the trace of a scenario as it is made: memory stays bounded, however long it is. */
import { TraceWriter } from '../trace/arrow-writer.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { TraceBuilder } from './trace-builder.ts';

/** What was written. Times in ns. */
export interface Written {
  events: number;
  durationNs: number;
}

/** `options` has a value for every option; `path` - is standard output. Throws InputError where an option or the disk refuses. */
export function writeScenario(scenario: Scenario, options: ScenarioOptions, path: string): Written {
  const writer = new TraceWriter(path, { source: `generate ${scenario.name}`, clock: 'monotonic' });
  try {
    writer.setBase(0n);
    const builder = new TraceBuilder({ sink: writer });
    scenario.build(builder, options);
    writer.close(builder.highWater());
    return { events: writer.events, durationNs: writer.durationNs };
  } finally {
    writer.abort();
  }
}
