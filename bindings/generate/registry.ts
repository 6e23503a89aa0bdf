/** The scenarios, in the order in which `memcharge generate` lists them. */
import type { Scenario } from './scenario.ts';
import { persistent } from './scenarios/persistent.ts';
import { pods } from './scenarios/pods.ts';
import { shared } from './scenarios/shared.ts';

export const SCENARIOS: readonly Scenario[] = [shared, persistent, pods];
