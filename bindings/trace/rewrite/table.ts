/** The rewrites by name. One file each. */
import type { Rewrite } from '../../policy/policy.ts';
import { copy } from './copy.ts';
import { layered } from './layered.ts';
import { mountAncestor } from './mount-ancestor.ts';
import { preallocate } from './preallocate.ts';
import { privateCopies } from './private-copies.ts';
import { recreate } from './recreate.ts';
import type { TraceRewrite } from './rewrite.ts';
import { same } from './same.ts';

export const REWRITE_TABLE: readonly TraceRewrite[] = [
  layered,
  same,
  preallocate,
  privateCopies,
  mountAncestor,
  copy,
  recreate,
];

const BY_NAME: ReadonlyMap<Rewrite, TraceRewrite> = new Map(REWRITE_TABLE.map((rewrite) => [rewrite.name, rewrite]));

/** A rewrite by its name. */
export function rewriteOf(name: Rewrite): TraceRewrite {
  const rewrite = BY_NAME.get(name);
  if (rewrite === undefined) throw new Error(`no rewrite ${name}`);
  return rewrite;
}
