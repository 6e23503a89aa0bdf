// A radix tree from a key (page offset, virtual page number) to a word that is not 0, in nodes of 64 words: the shape of Linux's
// XArray, and of page tables. lib/xarray.c. All trees of a machine share one pool of nodes.
//
//     root record                     node (height 2)            leaf (height 1)
//     | node  height  last leaf .. |→ | 0 · · 3 · … 63 |      →  | word 0 … word 63 |       key = 64 × slot + slot
//
// A leaf that was used last is remembered in the root record: neighbours are found without a walk. Walks are in order of keys.
import * as L from '../layout';
import { headerGet, headerSet, nodeBase, nodeOwnerBase, nodesEnd, nodeUseBase } from '../memory';
import { mix64 } from '../random';
import { freeNode } from './cache-nodes';

/** No further key. */
export const NO_KEY: u64 = 0xffffffffffffffff;
/** Nodes that one insertion takes at most: a key of 64 bits has 11 digits, and growing adds roots. */
const NODES_PER_INSERT: u32 = 12;

@inline function wordAt(node: u32, slot: u32): usize {
  return nodeBase + (<usize>node << 8) + (<usize>slot << 2);
}
/** Words of the node that are not 0; of a free node, the next one on the free list. */
@inline function useAt(node: u32): usize {
  return nodeUseBase + (<usize>node << 2);
}
@inline function digit(key: u64, level: u32): u32 {
  return <u32>(key >> (6 * level)) & 63;
}
/** Who pays for the nodes of a tree, folded into a hash. */
export function radixOwners(root: usize, hash: u64): u64 {
  let top = load<u32>(root, L.RADIX_NODE);
  return top ? ownersIn(top, load<u32>(root, L.RADIX_HEIGHT) - 1, hash) : hash;
}

function ownersIn(node: u32, level: u32, hash: u64): u64 {
  hash = mix64(hash ^ ((<u64>level << 32) | nodeOwner(node)));
  if (!level) return hash;
  for (let slot: u32 = 0; slot < 64; slot++) {
    let below = load<u32>(wordAt(node, slot));
    if (below) hash = ownersIn(below, level - 1, mix64(hash ^ slot));
  }
  return hash;
}

/** The key has more digits than a tree of this height. */
@inline function beyond(key: u64, height: u32): bool {
  return height < 11 && key >> (6 * height) != 0;
}

function takeNode(): u32 {
  let node = headerGet(L.H_FREE_NODE);
  if (node) headerSet(L.H_FREE_NODE, load<u32>(useAt(node)));
  else {
    node = max<u32>(1, headerGet(L.H_NODE_END));
    headerSet(L.H_NODE_END, node + 1);
  }
  headerSet(L.H_NODES_LEFT, headerGet(L.H_NODES_LEFT) - 1);
  memory.fill(wordAt(node, 0), 0, L.NODE_STRIDE);
  store<u32>(useAt(node), 0);
  return node;
}

/** Who pays for a node (R_NODE_OWNER). */
@inline export function nodeOwner(node: u32): u32 {
  return load<u32>(nodeOwnerBase + (<usize>node << 2));
}
@inline export function setNodeOwner(node: u32, owner: u32): void {
  store<u32>(nodeOwnerBase + (<usize>node << 2), owner);
}

function giveNode(node: u32): void {
  if (nodeOwner(node)) freeNode(node);
  store<u32>(useAt(node), headerGet(L.H_FREE_NODE));
  headerSet(L.H_FREE_NODE, node);
  headerSet(L.H_NODE_GENERATION, headerGet(L.H_NODE_GENERATION) + 1);
  headerSet(L.H_NODES_LEFT, headerGet(L.H_NODES_LEFT) + 1);
}

@inline function put(node: u32, slot: u32, word: u32): void {
  store<u32>(wordAt(node, slot), word);
  store<u32>(useAt(node), load<u32>(useAt(node)) + 1);
}

@inline function remember(root: usize, key: u64, leaf: u32): void {
  store<u64>(root, (key >> 6) + 1, L.RADIX_LAST);
  store<u32>(root, leaf, L.RADIX_LAST_NODE);
}

/** The leaf that has a word for `key`, 0 if there is none. */
function leafOf(root: usize, key: u64): u32 {
  let node = load<u32>(root, L.RADIX_NODE);
  let level = load<u32>(root, L.RADIX_HEIGHT);
  if (!node || beyond(key, level)) return 0;
  while (--level) {
    node = load<u32>(wordAt(node, digit(key, level)));
    if (!node) return 0;
  }
  remember(root, key, node);
  return node;
}

@inline function leaf(root: usize, key: u64): u32 {
  return (key >> 6) + 1 == load<u64>(root, L.RADIX_LAST) ? load<u32>(root, L.RADIX_LAST_NODE) : leafOf(root, key);
}

/** The word at `key`, 0 if there is none. */
@inline export function radixGet(root: usize, key: u64): u32 {
  let node = leaf(root, key);
  return node ? load<u32>(wordAt(node, <u32>key & 63)) : 0;
}

// --- ahead of use, without a trace: many look-ups at once, a step of all before the next step of any, so that cache misses overlap

/** What neighbours share is the way to a node of this level, which has 262144 keys below it, or to the top of a lower tree. */
const NEAR_LEVEL: u32 = 2;

/** That node on the way to `key`, and its level << 32; 0: there is none. */
export function radixNear(root: usize, key: u64): u64 {
  let node = load<u32>(root, L.RADIX_NODE);
  let level = load<u32>(root, L.RADIX_HEIGHT);
  if (!node || beyond(key, level)) return 0;
  while (--level > NEAR_LEVEL) {
    node = load<u32>(wordAt(node, digit(key, level)));
    if (!node) return 0;
  }
  return (<u64>level << 32) | node;
}

/** Keys that are equal here have the same radixNear(). */
@inline export function nearby(near: u64, key: u64): u64 {
  return key >> (6 * ((near >> 32) + 1));
}

/** First step, from radixNear() of `key`: the address of the word that says which leaf it is in. */
@inline export function radixAbove(root: usize, near: u64, key: u64): usize {
  let level = <u32>(near >> 32);
  if (!level) return <u32>near ? root + L.RADIX_NODE : wordAt(0, 0);
  let node = level == 1 ? <u32>near : load<u32>(wordAt(<u32>near, digit(key, NEAR_LEVEL)));
  return wordAt(node, digit(key, 1));
}

/** Second step: the address of the word at `key`. Node 0 is nobody's, and all its words are 0. */
@inline export function radixSlot(above: usize, key: u64): usize {
  return wordAt(load<u32>(above), <u32>key & 63);
}

/** A slot is one of a leaf, as long as H_NODE_GENERATION is what it was. */
@inline export function isSlot(slot: usize): bool {
  return slot >= wordAt(1, 0);
}

/** The leaf of `slot` (radixSlot()), which is the one of `key`, needs no look-up next. */
@inline export function radixFound(root: usize, key: u64, slot: usize): void {
  remember(root, key, <u32>((slot - nodeBase) >> 8));
}

/** Sets the word at `key` to one that is not 0. False, nothing done: the nodes are used up. */
export function radixSet(root: usize, key: u64, word: u32): bool {
  let node = leaf(root, key);
  if (!node) {
    if (headerGet(L.H_NODES_LEFT) < NODES_PER_INSERT) return false;
    node = grow(root, key);
  }
  let at = wordAt(node, <u32>key & 63);
  if (!load<u32>(at)) {
    store<u32>(useAt(node), load<u32>(useAt(node)) + 1);
    store<u32>(root, load<u32>(root, L.RADIX_ENTRIES) + 1, L.RADIX_ENTRIES);
  }
  store<u32>(at, word);
  return true;
}

/** Makes the nodes down to the leaf of `key`, and roots above the old one where the key is too long. */
function grow(root: usize, key: u64): u32 {
  let node = load<u32>(root, L.RADIX_NODE);
  let height = load<u32>(root, L.RADIX_HEIGHT);
  if (!node) {
    node = takeNode();
    height = 1;
    while (beyond(key, height)) height++;
  }
  while (beyond(key, height)) {
    let above = takeNode();
    put(above, 0, node);
    node = above;
    height++;
  }
  store<u32>(root, node, L.RADIX_NODE);
  store<u32>(root, height, L.RADIX_HEIGHT);
  for (let level = height - 1; level; level--) {
    let next = load<u32>(wordAt(node, digit(key, level)));
    if (!next) {
      next = takeNode();
      put(node, digit(key, level), next);
    }
    node = next;
  }
  remember(root, key, node);
  return node;
}

/** Takes the word at `key` away, with the nodes that this empties. */
export function radixClear(root: usize, key: u64): void {
  let top = load<u32>(root, L.RADIX_NODE);
  let height = load<u32>(root, L.RADIX_HEIGHT);
  if (!top || beyond(key, height) || !radixGet(root, key)) return;
  store<u32>(root, load<u32>(root, L.RADIX_ENTRIES) - 1, L.RADIX_ENTRIES);
  if (!clearIn(root, top, height - 1, key)) return;
  store<u32>(root, 0, L.RADIX_NODE);
  store<u32>(root, 0, L.RADIX_HEIGHT);
}

/** The node of this level on the way to `key`, 0 the leaf; 0: there is none. */
export function radixNode(root: usize, key: u64, level: u32): u32 {
  let node = load<u32>(root, L.RADIX_NODE);
  let height = load<u32>(root, L.RADIX_HEIGHT);
  if (!node || beyond(key, height) || level >= height) return 0;
  while (--height > level) {
    node = load<u32>(wordAt(node, digit(key, height)));
    if (!node) return 0;
  }
  return node;
}
@inline export function radixHeight(root: usize): u32 {
  return load<u32>(root, L.RADIX_HEIGHT);
}
@inline export function radixEntries(root: usize): u32 {
  return load<u32>(root, L.RADIX_ENTRIES);
}

/** xas_shrink(): roots that lead nowhere but to their first slot go. */
export function radixShrink(root: usize): void {
  let height = load<u32>(root, L.RADIX_HEIGHT);
  while (height > 1) {
    let top = load<u32>(root, L.RADIX_NODE);
    let below = load<u32>(wordAt(top, 0));
    if (load<u32>(useAt(top)) != 1 || !below) return;
    store<u32>(root, below, L.RADIX_NODE);
    store<u32>(root, --height, L.RADIX_HEIGHT);
    giveNode(top);
  }
}

/** Answers whether the node became empty and was given back. */
function clearIn(root: usize, node: u32, level: u32, key: u64): bool {
  let at = wordAt(node, digit(key, level));
  if (level && !clearIn(root, load<u32>(at), level - 1, key)) return false;
  store<u32>(at, 0);
  let use = load<u32>(useAt(node)) - 1;
  store<u32>(useAt(node), use);
  if (use) return false;
  if (!level) store<u64>(root, 0, L.RADIX_LAST);
  giveNode(node);
  return true;
}

/** The first key from `from` on that has a word; NO_KEY: none has. */
export function radixNext(root: usize, from: u64): u64 {
  let top = load<u32>(root, L.RADIX_NODE);
  let height = load<u32>(root, L.RADIX_HEIGHT);
  if (!top || beyond(from, height)) return NO_KEY;
  if ((from >> 6) + 1 == load<u64>(root, L.RADIX_LAST)) {
    let node = load<u32>(root, L.RADIX_LAST_NODE);
    for (let slot = <u32>from & 63; slot < 64; slot++) if (load<u32>(wordAt(node, slot))) return (from & ~(<u64>63)) + slot;
  }
  return nextIn(root, top, height - 1, from, 0);
}

function nextIn(root: usize, node: u32, level: u32, from: u64, prefix: u64): u64 {
  for (let slot = digit(from, level); slot < 64; slot++) {
    let word = load<u32>(wordAt(node, slot));
    if (word) {
      let key = prefix | (<u64>slot << (6 * level));
      if (!level) {
        remember(root, key, node);
        return key;
      }
      // Once a digit is larger than that of `from`, the digits below it begin at 0.
      let below = nextIn(root, word, level - 1, slot == digit(from, level) ? from : 0, key);
      if (below != NO_KEY) return below;
    }
  }
  return NO_KEY;
}

/** Gives all nodes back; what the words meant is the caller's. */
export function radixDestroy(root: usize): void {
  let top = load<u32>(root, L.RADIX_NODE);
  if (top) destroyIn(top, load<u32>(root, L.RADIX_HEIGHT) - 1);
  memory.fill(root, 0, 24);
}

function destroyIn(node: u32, level: u32): void {
  if (level) {
    for (let slot: u32 = 0; slot < 64; slot++) {
      let word = load<u32>(wordAt(node, slot));
      if (word) destroyIn(word, level - 1);
    }
  }
  giveNode(node);
}

/** Nodes of a tree, for the audit: all of them reachable, their use counted right. 0xffffffff: a count is wrong. */
export function radixNodes(root: usize): u32 {
  let top = load<u32>(root, L.RADIX_NODE);
  return top ? nodesIn(top, load<u32>(root, L.RADIX_HEIGHT) - 1) : 0;
}

function nodesIn(node: u32, level: u32): u32 {
  let nodes: u32 = 1;
  let used: u32 = 0;
  for (let slot: u32 = 0; slot < 64; slot++) {
    let word = load<u32>(wordAt(node, slot));
    if (!word) continue;
    used++;
    if (!level) continue;
    let below = nodesIn(word, level - 1);
    if (below == 0xffffffff) return below;
    nodes += below;
  }
  return used == load<u32>(useAt(node)) && used ? nodes : 0xffffffff;
}

/** All nodes are free. */
export function initNodes(): void {
  headerSet(L.H_NODES_LEFT, nodesEnd - 1);
}
