/** The scenarios, in the order in which `memcharge generate` lists them. */
import type { Scenario } from './scenario.ts';
import { kmem } from './scenarios/kmem.ts';
import { kmemRunaway } from './scenarios/kmem-runaway.ts';
import { shared } from './scenarios/shared.ts';

export const SCENARIOS: readonly Scenario[] = [shared, kmem, kmemRunaway];
