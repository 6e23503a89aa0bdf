/** The presets, in the order in which `memcharge policies` lists them. A policy is one file, one line here, one page and one scenario. */
import { definePolicy, type Policy, PolicyError } from './policy.ts';
import { bpfCopy } from './presets/bpf-copy.ts';
import { bpfForce } from './presets/bpf-force.ts';
import { bpfHandle } from './presets/bpf-handle.ts';
import { bpfNoforce } from './presets/bpf-noforce.ts';
import { bpfRecharge } from './presets/bpf-recharge.ts';
import { bpfRechargeNaive } from './presets/bpf-recharge-naive.ts';
import { bpfRecreate } from './presets/bpf-recreate.ts';
import { commonAncestor } from './presets/common-ancestor.ts';
import { creatorAncestor } from './presets/creator-ancestor.ts';
import { dropOnExit } from './presets/drop-on-exit.ts';
import { inodeRecharge } from './presets/inode-recharge.ts';
import { kmemEnomem } from './presets/kmem-enomem.ts';
import { kmemOomRetry } from './presets/kmem-oom-retry.ts';
import { kmemOverchargeReturn } from './presets/kmem-overcharge-return.ts';
import { kmemOverchargeWork } from './presets/kmem-overcharge-work.ts';
import { kmemRestart } from './presets/kmem-restart.ts';
import { kmemUnaccounted } from './presets/kmem-unaccounted.ts';
import { linux } from './presets/linux.ts';
import { linux2017 } from './presets/linux-2017.ts';
import { loopAssigned } from './presets/loop-assigned.ts';
import { loopBackcharge } from './presets/loop-backcharge.ts';
import { loopEnospc } from './presets/loop-enospc.ts';
import { loopInline } from './presets/loop-inline.ts';
import { loopIssuer } from './presets/loop-issuer.ts';
import { loopRoot } from './presets/loop-root.ts';
import { lruReparent } from './presets/lru-reparent.ts';
import { memcgMount } from './presets/memcg-mount.ts';
import { memcgMountAncestor } from './presets/memcg-mount-ancestor.ts';
import { namedPayer } from './presets/named-payer.ts';
import { nextToucher } from './presets/next-toucher.ts';
import { oracleOwner } from './presets/oracle-owner.ts';
import { persistentEntity } from './presets/persistent-entity.ts';
import { preallocate } from './presets/preallocate.ts';
import { privateCopies } from './presets/private-copies.ts';
import { resourceDomain } from './presets/resource-domain.ts';
import { rootOnly } from './presets/root-only.ts';
import { sameCgroup } from './presets/same-cgroup.ts';

export const PRESETS: readonly Policy[] = [
  linux,
  linux2017,
  memcgMount,
  memcgMountAncestor,
  preallocate,
  commonAncestor,
  privateCopies,
  lruReparent,
  dropOnExit,
  persistentEntity,
  sameCgroup,
  nextToucher,
  creatorAncestor,
  namedPayer,
  resourceDomain,
  loopRoot,
  loopIssuer,
  loopInline,
  loopAssigned,
  loopBackcharge,
  loopEnospc,
  bpfForce,
  bpfNoforce,
  bpfRecharge,
  bpfRechargeNaive,
  bpfHandle,
  bpfCopy,
  bpfRecreate,
  inodeRecharge,
  kmemUnaccounted,
  kmemEnomem,
  kmemOomRetry,
  kmemRestart,
  kmemOverchargeReturn,
  kmemOverchargeWork,
  oracleOwner,
  rootOnly,
].map(definePolicy);

const BY_NAME: ReadonlyMap<string, Policy> = new Map(PRESETS.map((policy) => [policy.name, policy]));

/** A preset by its name. PolicyError: there is none. */
export function presetOf(name: string): Policy {
  const policy = BY_NAME.get(name);
  if (policy === undefined) throw new PolicyError(`no policy ${name}: memcharge policies lists them`);
  return policy;
}
