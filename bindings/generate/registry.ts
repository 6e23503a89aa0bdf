/** The scenarios, in the order in which `memcharge generate` lists them. */
import type { Scenario } from './scenario.ts';
import { bpf } from './scenarios/bpf.ts';
import { bpfGhost } from './scenarios/bpf-ghost.ts';
import { inodeReuse } from './scenarios/inode-reuse.ts';
import { shared } from './scenarios/shared.ts';

export const SCENARIOS: readonly Scenario[] = [shared, bpf, bpfGhost, inodeReuse];
