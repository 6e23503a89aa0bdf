/** The scenarios, in the order in which `memcharge generate` lists them. */
import type { Scenario } from './scenario.ts';
import { pods } from './scenarios/pods.ts';
import { shared } from './scenarios/shared.ts';

export const SCENARIOS: readonly Scenario[] = [
  // A workload of no debate.
  pods,
  shared,
];
