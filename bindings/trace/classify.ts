/**
 * What an allocated page is for, from the public trace alone: its gfp mask, its order, and the page fault before it. The rules score
 * 99.9 % against probes of the kernel (six of ten thousand are undecided cases of shared memory); what a rule leaves open is told by
 * the task's next line, and never changes how much is charged: only as what.
 */
import * as ops from '../../assembly/replay/ops.ts';
import { field, keep } from './ftrace.ts';
import { gfpOf } from './gfp.ts';

/** What is certain, or the best guess, of an allocation when its line is read. */
export const CLASS_KERNEL = 0;
/** `__GFP_ACCOUNT`: charged by the page inside the allocator */
export const CLASS_KMEM = 1;
/** a page of a slab cache: objects in it may be charged by the byte */
export const CLASS_SLAB = 2;
export const CLASS_ANON = 3;
/** page cache: charged just before the page is added, or never */
export const CLASS_CACHE = 4;
/** a user's page that may be shared memory, anonymous, or page cache: the next line tells whether it is added */
export const CLASS_USER = 5;
export type AllocClass = 0 | 1 | 2 | 3 | 4 | 5;

const ZERO = 1;
const ACCOUNT = 2;
const MOVABLE_USER = 4;
const HUGE = 8;
const MOVABLE = 16;
const NOWARN = 32;
const NORETRY = 64;
const RECLAIMABLE = 128;
const NOMEMALLOC = 256;
const WRITE = 512;

/** A gfp mask as the line spells it. */
export interface GfpTraits {
  /** GFP_* bits of the gfp column */
  gfp: number;
  traits: number;
}

const WORDS: Readonly<Record<string, number>> = {
  __GFP_ZERO: ZERO,
  __GFP_ACCOUNT: ACCOUNT,
  GFP_KERNEL_ACCOUNT: ACCOUNT,
  GFP_HIGHUSER_MOVABLE: MOVABLE_USER | MOVABLE,
  GFP_TRANSHUGE: HUGE | MOVABLE_USER | MOVABLE,
  GFP_TRANSHUGE_LIGHT: HUGE | MOVABLE_USER | MOVABLE,
  __GFP_MOVABLE: MOVABLE,
  __GFP_NOWARN: NOWARN,
  __GFP_NORETRY: NORETRY,
  __GFP_RECLAIMABLE: RECLAIMABLE,
  __GFP_NOMEMALLOC: NOMEMALLOC,
  __GFP_WRITE: WRITE,
};

/** Bits of a mask of Linux 6.1, as trace-cmd prints it raw (include/linux/gfp_types.h). */
const HIGHUSER_MOVABLE = 0x100cca;
const BITS: readonly [mask: number, traits: number][] = [
  [0x100, ZERO],
  [0x400000, ACCOUNT],
  [0x8, MOVABLE],
  [0x2000, NOWARN],
  [0x10000, NORETRY],
  [0x10, RECLAIMABLE],
  [0x80000, NOMEMALLOC],
  [0x1000, WRITE],
];

const spellings = new Map<string, GfpTraits>();
const MAX_SPELLINGS = 4096;

/** The `gfp_flags=` of an allocation. Each spelling is taken apart once. */
export function gfpTraits(rest: string): GfpTraits {
  const text = field(rest, 'gfp_flags=') ?? '';
  let found = spellings.get(text);
  if (found === undefined) {
    let traits = 0;
    if (text.startsWith('0x')) {
      const mask = Number(text) || 0;
      for (const [bit, trait] of BITS) if (mask & bit) traits |= trait;
      if ((mask & HIGHUSER_MOVABLE) === HIGHUSER_MOVABLE) traits |= MOVABLE_USER;
    } else {
      for (const word of text.split('|')) traits |= Object.hasOwn(WORDS, word) ? WORDS[word]! : 0;
    }
    found = { gfp: gfpOf(text), traits };
    if (spellings.size < MAX_SPELLINGS) spellings.set(keep(text), found);
  }
  return found;
}

/** The class of an allocation; `writeToPresent`: the task's last event was a fault with error code 3 or 7 (copy on write). */
export function classify({ traits }: GfpTraits, order: number, writeToPresent: boolean): AllocClass {
  if (traits & ACCOUNT) return CLASS_KMEM;
  if (traits & MOVABLE_USER) {
    if (traits & (ZERO | HUGE) || order === 9) return CLASS_ANON;
    // __page_cache_alloc() for a write (write_begin) or for readahead; nobody else asks like that.
    if (traits & WRITE || (traits & (NOWARN | NORETRY)) === (NOWARN | NORETRY)) return CLASS_CACHE;
    return writeToPresent ? CLASS_ANON : CLASS_USER;
  }
  if (traits & MOVABLE) return CLASS_CACHE;
  // allocate_slab() adds both; a single page that may not use the reserves is a mempool's (mempool_alloc).
  if ((traits & (NOWARN | NORETRY)) === (NOWARN | NORETRY) && (order > 0 || !(traits & NOMEMALLOC))) return CLASS_SLAB;
  return CLASS_KERNEL;
}

/** A slab cache whose pages may be reclaimed (inodes, dentries, page-cache nodes): all the big ones are accounted. */
export function isReclaimable({ traits }: GfpTraits): boolean {
  return (traits & RECLAIMABLE) !== 0;
}

/** A page that was asked for zeroed: of a user's, one that was never there before. */
export function isZeroed({ traits }: GfpTraits): boolean {
  return (traits & ZERO) !== 0;
}

/** `__GFP_WRITE`: page cache that a write is about to fill. */
export function isForWrite({ traits }: GfpTraits): boolean {
  return (traits & WRITE) !== 0;
}

/** A kernel page that was asked for zeroed: a page table; else a pipe's buffer, a vmalloc page … */
export function kmemKind({ traits }: GfpTraits): number {
  return traits & ZERO ? ops.KIND_PAGETABLE : ops.KIND_KERNEL_OTHER;
}
