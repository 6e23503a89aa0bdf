/** A scenario: a trace made by a program, the same for the same options. `memcharge generate NAME` writes it. */
import type { TraceBuilder } from './trace-builder.ts';

/** What may be chosen, by name, with what it is unless told. Numbers are whole. */
export type ScenarioOptions = Readonly<Record<string, number | string>>;

export interface Scenario {
  name: string;
  /** one line: what happens in it */
  summary: string;
  /** name of the page of docs/debates/ that it is on, without .md; '' where it is of no debate */
  debate: string;
  /** defaults of its options, and what each means */
  options: Readonly<Record<string, { default: number | string; summary: string }>>;
  /** Writes the rows. `options` has a value for every option. */
  build(trace: TraceBuilder, options: ScenarioOptions): void;
}

/** The options of a scenario: what is given, and the defaults of the rest. */
export function optionsOf(scenario: Scenario, given: ScenarioOptions = {}): ScenarioOptions {
  return { ...Object.fromEntries(Object.entries(scenario.options).map(([name, o]) => [name, o.default])), ...given };
}
