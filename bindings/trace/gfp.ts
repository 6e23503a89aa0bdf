/** A gfp mask as the few properties that the model knows (GFP_* of assembly/replay/ops.ts). */
import * as ops from '../../assembly/replay/ops.ts';
import { field, keep } from './ftrace.ts';

/** A gfp mask of Linux 6.1 as GFP_* bits. */
export function hexGfp(mask: number): number {
  let bits = 0;
  if (mask & 0x20) bits |= ops.GFP_HIGH;
  if (mask & 0x400) bits |= ops.GFP_DIRECT_RECLAIM;
  if (mask & 0x800) bits |= ops.GFP_KSWAPD_RECLAIM;
  if (mask & 0x4000) bits |= ops.GFP_RETRY_MAYFAIL;
  if (mask & 0x8000) bits |= ops.GFP_NOFAIL;
  if (mask & 0x10000) bits |= ops.GFP_NORETRY;
  if (mask & 0x400000) bits |= ops.GFP_ACCOUNT;
  return bits;
}

const symbolic = new Map<string, number>();

/** The `gfp_flags=` of a public line, which differ in spelling between kernels but repeat endlessly: each spelling is read once. */
export function symbolicGfp(rest: string): number {
  const text = field(rest, 'gfp_flags=');
  if (text === null) return 0;
  let bits = symbolic.get(text);
  if (bits === undefined) {
    bits = gfpOf(text);
    if (symbolic.size < 4096) symbolic.set(keep(text), bits);
  }
  return bits;
}

/** The spelling of a mask, `GFP_KERNEL|__GFP_ZERO` or `0x400dc0` (Linux 6.1), as GFP_* bits. */
export function gfpOf(text: string): number {
  if (text.startsWith('0x')) return hexGfp(Number(text) || 0);
  let bits = 0;
  for (const word of text.split('|')) bits |= gfpWord(word);
  return bits;
}

function gfpWord(word: string): number {
  switch (word) {
    case 'GFP_ATOMIC':
      return ops.GFP_HIGH | ops.GFP_KSWAPD_RECLAIM;
    case 'GFP_NOWAIT':
    case 'GFP_TRANSHUGE_LIGHT':
      return word === 'GFP_NOWAIT' ? ops.GFP_KSWAPD_RECLAIM : 0;
    case 'GFP_TRANSHUGE':
      return ops.GFP_DIRECT_RECLAIM;
    case '__GFP_HIGH':
      return ops.GFP_HIGH;
    case '__GFP_DIRECT_RECLAIM':
      return ops.GFP_DIRECT_RECLAIM;
    case '__GFP_KSWAPD_RECLAIM':
      return ops.GFP_KSWAPD_RECLAIM;
    case '__GFP_RECLAIM':
      return ops.GFP_KERNEL;
    case '__GFP_RETRY_MAYFAIL':
      return ops.GFP_RETRY_MAYFAIL;
    case '__GFP_NOFAIL':
      return ops.GFP_NOFAIL;
    case '__GFP_NORETRY':
      return ops.GFP_NORETRY;
    case '__GFP_ACCOUNT':
      return ops.GFP_ACCOUNT;
    case 'GFP_KERNEL_ACCOUNT':
      return ops.GFP_KERNEL | ops.GFP_ACCOUNT;
    default:
      // GFP_KERNEL, GFP_USER, GFP_HIGHUSER_MOVABLE, GFP_NOFS, GFP_NOIO …: all of them may block.
      return word.startsWith('GFP_') && word !== 'GFP_DMA' && word !== 'GFP_DMA32' ? ops.GFP_KERNEL : 0;
  }
}
