// What the page cache itself takes of the kernel's memory: nodes of its trees, charged to whoever makes the first page of one resident, and
// buffer heads of pages that are written, charged to whom the page is charged to. Both are reclaimable slab, and go with their pages: no
// shrinker has them. lib/xarray.c: xas_alloc(), xas_expand(), xas_shrink() (i_pages has XA_FLAGS_ACCOUNT); fs/buffer.c:
// alloc_page_buffers(), drop_buffers(). (Linux keeps nodes that hold shadows only until their number outgrows the memcg: here they stay.)
//
// Where the boot options cacheNode and bufferHead are not given nobody pays: a recording has rows of its own for slab.
import * as L from '../layout';
import { chargeObjectTo, unchargeObject } from '../live';
import { folioAt, headerGet, ROOT } from '../memory';
import { GFP_KERNEL, GFP_NOFAIL, KIND_SLAB_RECLAIMABLE } from '../replay/ops';
import { kmemPayer } from '../task/task';
import { chargeWord, ownerOf } from './folio';
import { objcgMemcg } from './objcg';
import { nodeOwner, radixEntries, radixGet, radixHeight, radixNode, radixShrink, setNodeOwner } from './radix';

/** The node of a level on the way to `index`, which the kernel has from now on. 0, or -ENOMEM. */
function chargeNode(task: u32, cpu: u32, root: usize, index: u64, level: u32, gfp: u32): i32 {
  let node = radixNode(root, index, level);
  if (!node || nodeOwner(node)) return 0;
  let objcg = task ? kmemPayer(task) : 0;
  setNodeOwner(node, ROOT);
  if (objcg <= ROOT || objcgMemcg(objcg) == ROOT) return 0;
  let bytes = headerGet(L.H_CACHE_NODE);
  let errno = chargeObjectTo(task, cpu, objcg, bytes, KIND_SLAB_RECLAIMABLE, gfp);
  // The charge may have reclaimed what the node was for.
  if (radixNode(root, index, level) == node) setNodeOwner(node, errno ? 0 : objcg);
  else if (!errno) unchargeObject(cpu, objcg, bytes, KIND_SLAB_RECLAIMABLE);
  return errno;
}

function chargePath(task: u32, cpu: u32, root: usize, index: u64, gfp: u32): i32 {
  for (let level = radixHeight(root); level--; ) {
    let errno = chargeNode(task, cpu, root, index, level, gfp);
    if (errno) return errno;
  }
  return 0;
}

/**
 * xas_create(): the entry at `index` has joined a tree: nodes that it needs are charged to the task. A page at offset 0 alone needs none.
 * 0, or -ENOMEM; what was charged stays with its nodes.
 */
export function chargeNodes(task: u32, cpu: u32, root: usize, index: u64, gfp: u32): i32 {
  if (!headerGet(L.H_CACHE_NODE)) return 0;
  if (radixEntries(root) == 1 && !index) return 0;
  let leaf = radixNode(root, index, 0);
  if (!leaf || nodeOwner(leaf)) return 0;
  // The page at offset 0 was alone until now.
  let errno = radixNode(root, 0, 0) ? chargePath(task, cpu, root, 0, gfp) : 0;
  return errno ? errno : chargePath(task, cpu, root, index, gfp);
}

/** xas_delete_node(), xas_shrink(): entries have left a tree. */
export function shrinkNodes(root: usize): void {
  if (!headerGet(L.H_CACHE_NODE)) return;
  radixShrink(root);
  let leaf = radixEntries(root) == 1 ? radixNode(root, 0, 0) : 0;
  if (leaf && radixHeight(root) == 1 && nodeOwner(leaf) && radixGet(root, 0)) freeNode(leaf);
}

/** The node is given back, or the kernel has it no more. */
export function freeNode(node: u32): void {
  let owner = nodeOwner(node);
  setNodeOwner(node, 0);
  if (owner > ROOT) unchargeObject(headerGet(L.H_CURRENT_CPU), owner, headerGet(L.H_CACHE_NODE), KIND_SLAB_RECLAIMABLE);
}

/** create_empty_buffers(): a page that is written has buffers; its owner pays (set_active_memcg(page_memcg(page))), and must. */
export function attachBuffers(task: u32, cpu: u32, frame: u32): void {
  let bytes = headerGet(L.H_BUFFER_HEAD);
  let at = folioAt(frame);
  let state = load<u32>(at, L.FOLIO_STATE);
  if (!bytes || state & L.STATE_BUFFERS) return;
  let objcg = ownerOf(chargeWord(frame));
  if (objcg == ROOT) return;
  store<u32>(at, state | L.STATE_BUFFERS, L.FOLIO_STATE);
  chargeObjectTo(task, cpu, objcg, bytes, KIND_SLAB_RECLAIMABLE, GFP_KERNEL | GFP_NOFAIL);
}

/** try_to_free_buffers(): the page goes. */
export function freeBuffers(cpu: u32, frame: u32): void {
  let at = folioAt(frame);
  let state = load<u32>(at, L.FOLIO_STATE);
  if (!(state & L.STATE_BUFFERS)) return;
  store<u32>(at, state & ~L.STATE_BUFFERS, L.FOLIO_STATE);
  unchargeObject(cpu, ownerOf(chargeWord(frame)), headerGet(L.H_BUFFER_HEAD), KIND_SLAB_RECLAIMABLE);
}
