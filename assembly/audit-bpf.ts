// BPF maps and programs, and recharges under way: what an object says of its memory is what is charged for it. Cold code.
import { differs, tallyAdd } from './audit';
import {
  bpfPages, bytesOf, ELEMENT_BYTES, elementWord, isBpf, nextElement,
} from './folio/bpf';
import { NO_KEY, radixEntries, radixNodes } from './folio/radix';
import * as L from './layout';
import { bondAt, headerGet, policyMemcgAt, policyTables } from './memory';
import { prechargedPages, prechargedTo } from './policy/reuse';

@inline function objectEnd(): u32 {
  return policyTables ? max<u32>(1, headerGet(L.H_OBJECT_END)) : 0;
}

/** What recharges have charged to objcgs ahead of the pages: whole pages behind them as behind bytes. */
export function addPrecharged(): void {
  if (!headerGet(L.H_RECHARGES)) return;
  for (let object: u32 = 1; object < objectEnd(); object++)
    if (load<u32>(bondAt(object), L.BOND_BUSY)) tallyAdd(prechargedTo(object), L.AUDIT_BYTE_PAGES, prechargedPages(object));
}

/** Pages that a level, and all above it, does not count twice. */
export function skippedPages(memcg: u32): i64 {
  return policyTables ? load<i64>(policyMemcgAt(memcg), L.PM_SKIPPED) : 0;
}

/** Nodes of what objects have beside their pages; 0xffffffff: a count is wrong. */
export function bondNodes(): u32 {
  let nodes: u32 = 0;
  for (let object: u32 = 0; object < objectEnd(); object++) {
    let elements = radixNodes(bondAt(object) + L.BOND_RADIX);
    let recharge = radixNodes(bondAt(object) + L.BOND_RECHARGE);
    if (elements == 0xffffffff || recharge == 0xffffffff) return 0xffffffff;
    nodes += elements + recharge;
  }
  return nodes;
}

function auditObject(object: u32): u32 {
  let bond = bondAt(object);
  let elements: i64 = 0;
  let bytes: i64 = 0;
  for (let e = nextElement(object, 0); e != NO_KEY; e = nextElement(object, e + 4)) {
    if (!elementWord(object, e, ELEMENT_BYTES)) return differs(L.AUDIT_BPF, object, 1, 0);
    elements++;
    bytes += bytesOf(object, e);
  }
  let code = differs(L.AUDIT_BPF, object, elements, load<i64>(bond, L.BOND_ELEMENTS));
  if (!code) code = differs(L.AUDIT_BPF, object, bytes, load<i64>(bond, L.BOND_ELEMENT_BYTES));
  let pages: i64 = radixEntries(bpfPages(object));
  if (!code && pages) code = differs(L.AUDIT_BPF, object, pages << 12, load<i64>(bond, L.BOND_BUCKET_BYTES));
  return code;
}

/** What objects count of their own is there; nothing is left of a recharge that is over. */
export function auditBpf(): u32 {
  let busy: i64 = 0;
  for (let object: u32 = 1; object < objectEnd(); object++) {
    let bond = bondAt(object);
    if (!isBpf(object)) {
      if (radixEntries(bond + L.BOND_RECHARGE)) return differs(L.AUDIT_BPF, object, 0, 1);
      continue;
    }
    let code = auditObject(object);
    if (!code && !load<u32>(bond, L.BOND_BUSY)) code = differs(L.AUDIT_BPF, object, 0, radixEntries(bond + L.BOND_RECHARGE));
    if (code) return code;
    if (load<u32>(bond, L.BOND_BUSY)) busy++;
  }
  return differs(L.AUDIT_BPF, 0, busy, policyTables ? headerGet(L.H_RECHARGES) : 0);
}
