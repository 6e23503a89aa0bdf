/** The scenarios, in the order in which `memcharge generate` lists them. */
import type { Scenario } from './scenario.ts';
import { bpf } from './scenarios/bpf.ts';
import { bpfGhost } from './scenarios/bpf-ghost.ts';
import { inodeReuse } from './scenarios/inode-reuse.ts';
import { kmem } from './scenarios/kmem.ts';
import { kmemRunaway } from './scenarios/kmem-runaway.ts';
import { loop } from './scenarios/loop.ts';
import { loopLimit } from './scenarios/loop-limit.ts';
import { loopMetadata } from './scenarios/loop-metadata.ts';
import { loopQueue } from './scenarios/loop-queue.ts';
import { mountFull } from './scenarios/mount-full.ts';
import { overProvision } from './scenarios/over-provision.ts';
import { persistent } from './scenarios/persistent.ts';
import { podTmpfs } from './scenarios/pod-tmpfs.ts';
import { pods } from './scenarios/pods.ts';
import { service } from './scenarios/service.ts';
import { shared } from './scenarios/shared.ts';
import { sharedFile } from './scenarios/shared-file.ts';
import { sharedLibraries } from './scenarios/shared-libraries.ts';

export const SCENARIOS: readonly Scenario[] = [
  shared,
  mountFull,
  sharedFile,
  overProvision,
  service,
  podTmpfs,
  sharedLibraries,
  persistent,
  kmem,
  kmemRunaway,
  pods,
  loop,
  loopQueue,
  loopMetadata,
  loopLimit,
  bpf,
  bpfGhost,
  inodeReuse,
];
