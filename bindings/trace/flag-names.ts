/** Flags, kinds and gfp bits by name, as tables write them: `WRITE|FAULT`, `order=9|kind=file`, `KERNEL|ACCOUNT`, or a number. */
import * as ops from '../../assembly/replay/ops.ts';

/** Kinds of charged memory (KIND_* of assembly/replay/ops.ts), by code. */
export const KIND_NAMES: readonly string[] = [
  'anon',
  'file',
  'shmem',
  'kernel_stack',
  'pagetables',
  'slab',
  'percpu',
  'vmalloc',
  'kernel',
  'sock',
];

const FLAGS: ReadonlyMap<string, number> = new Map([
  ['IRQ', ops.FLAG_IRQ],
  ['BY_FRAME', ops.FLAG_BY_FRAME],
  ['EXISTING', ops.FLAG_EXISTING],
  ['OFFLINE_FOLLOWS', ops.FLAG_OFFLINE_FOLLOWS],
  ['THREAD', ops.FLAG_THREAD],
  ['BEGIN', ops.FLAG_BEGIN],
  ['RECLAIM', ops.FLAG_RECLAIM],
  ['IN_CHARGE', ops.FLAG_IN_CHARGE],
  ['KERNEL_THREAD', ops.FLAG_KERNEL_THREAD],
  ['WRITE', ops.FLAG_WRITE],
  ['FAULT', ops.FLAG_FAULT],
  ['READAHEAD', ops.FLAG_READAHEAD],
  ['INFERRED', ops.FLAG_INFERRED],
  ['SHARED', ops.FLAG_SHARED],
  ['EXEC', ops.FLAG_EXEC],
  ['ONFAULT', ops.FLAG_ONFAULT],
  ['RECLAIMABLE', ops.FLAG_RECLAIMABLE],
  ['REFERENCED', ops.FLAG_REFERENCED],
]);

const GFP: ReadonlyMap<string, number> = new Map([
  ['DIRECT_RECLAIM', ops.GFP_DIRECT_RECLAIM],
  ['KSWAPD_RECLAIM', ops.GFP_KSWAPD_RECLAIM],
  ['HIGH', ops.GFP_HIGH],
  ['NOFAIL', ops.GFP_NOFAIL],
  ['NORETRY', ops.GFP_NORETRY],
  ['RETRY_MAYFAIL', ops.GFP_RETRY_MAYFAIL],
  ['ACCOUNT', ops.GFP_ACCOUNT],
  ['KERNEL', ops.GFP_KERNEL],
]);

/** Every flag bit that the schema names, with order and kind. */
const ALL_FLAGS = [...FLAGS.values()].reduce(
  (all, bit) => all | bit,
  ops.FLAG_ORDER_MASK | (ops.FLAG_KIND_MASK << ops.FLAG_KIND_SHIFT),
);
const ALL_GFP = [...GFP.values()].reduce((all, bit) => all | bit, 0);
const MAX_ORDER = 9;

/** The flags column of `text`. A text as the answer says what is wrong with it. */
export function parseFlags(text: string): number | string {
  const number = parseNumber(text);
  if (number !== null) {
    if (number > ALL_FLAGS || (number & ~ALL_FLAGS) !== 0) return `${text} has bits that mean nothing`;
    if ((number & ops.FLAG_ORDER_MASK) > MAX_ORDER) return `the order in ${text} is beyond ${MAX_ORDER}`;
    const kind = (number >> ops.FLAG_KIND_SHIFT) & ops.FLAG_KIND_MASK;
    return kind < ops.NR_KINDS ? number : `the kind in ${text} means nothing`;
  }
  let bits = 0;
  for (const word of text.split('|')) {
    const name = word.trim();
    const bit = FLAGS.get(name.toUpperCase());
    if (bit !== undefined) bits |= bit;
    else if (/^order=\d$/i.test(name)) bits |= Number(name.slice(6));
    else if (/^kind=/i.test(name) && KIND_NAMES.includes(name.slice(5).toLowerCase()))
      bits |= KIND_NAMES.indexOf(name.slice(5).toLowerCase()) << ops.FLAG_KIND_SHIFT;
    else
      return `${quoted(name)} is no flag; known: ${[...FLAGS.keys()].join(', ')}, order=0 to order=9, kind=${KIND_NAMES.join(', kind=')}`;
  }
  return bits;
}

/** The gfp column of `text`. A text as the answer says what is wrong with it. */
export function parseGfp(text: string): number | string {
  const number = parseNumber(text);
  if (number !== null)
    return (number & ~ALL_GFP) === 0 && number <= ALL_GFP ? number : `${text} has bits that mean nothing`;
  let bits = 0;
  for (const word of text.split('|')) {
    const bit = GFP.get(word.trim().toUpperCase());
    if (bit === undefined) return `${quoted(word.trim())} is no gfp bit; known: ${[...GFP.keys()].join(', ')}`;
    bits |= bit;
  }
  return bits;
}

function parseNumber(text: string): number | null {
  return /^(\d{1,10}|0x[0-9a-f]{1,8})$/i.test(text) ? Number(text) : null;
}

/** `text` in a message: short, in one line, in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
