// Resource domains. Debate 2, row P7: a cgroup declares itself a resource domain, and whoever makes a resource only says what it is for.
// No path and no id is ever named, and where nobody has declared anything it is charged as in Linux.
//
//     /slice            domain "slice"          shared     → /slice     (the domain around the nearest one, if there is one)
//       └─ service      domain                  persistent → service    (the nearest domain)
//            └─ instance                        "slice"    → /slice     (the nearest of that name)
//                                               no mark    → instance
//
// A file has the mark of its mount unless it has one of its own. With OPTION_DEFAULT_CLASSES page cache is persistent unless marked
// otherwise (row P7a): files, block devices and what is on a tmpfs, but no anonymous memory, shared or not. (What `shared` matches, and
// that a name stands once on a path from the root, is ours.)
import { EEXIST, ENOENT } from '../constants';
import { openObject, typeOf } from '../folio/mapping';
import * as L from '../layout';
import { memcgExists, memcgState, nextInSubtree, parentOf } from '../memcg/memcg';
import { bondAt, outOfRange, policyMemcgAt, policyTables } from '../memory';
import { MARK_NAMED, MARK_NONE, MARK_PERSISTENT, MARK_SHARED, OBJECT_BLOCK, OBJECT_FILE } from '../replay/ops';
import { hasOption, refuseRow } from './policy';

/** DOMAIN_UNNAMED, the number of its name, or 0: it is none. */
@inline function domainOf(memcg: u32): u32 {
  return load<u32>(policyMemcgAt(memcg), L.PM_DOMAIN);
}

/** A cgroup above or below has that name. */
function isTaken(memcg: u32, name: u32): bool {
  for (let m = parentOf(memcg); m; m = parentOf(m)) if (domainOf(m) == name) return true;
  for (let m = nextInSubtree(memcg, memcg); m; m = nextInSubtree(m, memcg))
    if (memcgState(m) == L.MEMCG_ONLINE && domainOf(m) == name) return true;
  return false;
}

/** A cgroup declares itself a domain (DOMAIN_UNNAMED, or a name's number), or (0) one no more. Refused: EEXIST; ENOENT (it is removed). */
export function declareDomain(memcg: u32, name: u32): i32 {
  if (!memcgExists(memcg)) return outOfRange(L.FIELD_CGROUP, memcg, ENOENT);
  if (memcgState(memcg) != L.MEMCG_ONLINE) return refuseRow(ENOENT);
  if (name >= MARK_NAMED && isTaken(memcg, name)) return refuseRow(EEXIST);
  store<u32>(policyMemcgAt(memcg), name, L.PM_DOMAIN);
  return 0;
}

/** A resource is marked: MARK_*, or the number of a name. */
export function markObject(object: u32, mark: u32): i32 {
  let errno = openObject(object);
  if (!errno) store<u32>(bondAt(object), mark, L.BOND_MARK);
  return errno;
}

function markOf(object: u32): u32 {
  let at = bondAt(object);
  let mark = load<u32>(at, L.BOND_MARK);
  let mount = load<u32>(at, L.BOND_SUPER);
  if (mark == MARK_NONE && mount) mark = load<u32>(bondAt(mount), L.BOND_MARK);
  if (mark != MARK_NONE || !hasOption(L.OPTION_DEFAULT_CLASSES)) return mark;
  let type = typeOf(object);
  return type == OBJECT_FILE || type == OBJECT_BLOCK || mount ? MARK_PERSISTENT : MARK_NONE;
}

/** The nearest domain, `memcg` itself or above it; 0: there is none. */
function nearestDomain(memcg: u32): u32 {
  let m = memcg;
  while (m && !domainOf(m)) m = parentOf(m);
  return m;
}

/** The nearest domain at or above `toucher` that a mark is for; 0: there is none. */
function matching(toucher: u32, mark: u32): u32 {
  if (mark == MARK_NONE) return 0;
  let nearest = nearestDomain(toucher);
  if (mark == MARK_PERSISTENT || !nearest) return nearest;
  if (mark == MARK_SHARED) {
    let around = nearestDomain(parentOf(nearest));
    return around ? around : nearest;
  }
  let m = nearest;
  while (m && domainOf(m) != mark) m = nearestDomain(parentOf(m));
  return m;
}

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function domainPayer(task: u32, object: u32, toucher: u32): u32 {
  if (!object || !policyTables) return toucher;
  let domain = matching(toucher, markOf(object));
  return domain ? domain : toucher;
}
