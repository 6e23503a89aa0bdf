/**
 * The order in which a directory of kernfs is read: by a hash of the name, then by the name. fs/kernfs/dir.c: kernfs_name_hash(),
 * kernfs_sd_compare(); include/linux/stringhash.h (64-bit); include/linux/hash.h: hash_long().
 */
const GOLDEN_RATIO_64 = 0x61c8864680b583ebn;
const INT_MAX = 0x7fffffffn;

function nameHash(name: string): number {
  // A byte string (bindings/shell/kernel/bytes.ts) is its own bytes.
  const codes = [...name].map((c) => c.codePointAt(0)!);
  let hash = 0n;
  for (const byte of codes.some((code) => code > 255) ? new TextEncoder().encode(name) : codes) {
    const c = BigInt(byte);
    hash = BigInt.asUintN(64, (hash + (c << 4n) + (c >> 4n)) * 11n);
  }
  hash = (BigInt.asUintN(64, hash * GOLDEN_RATIO_64) >> 32n) & INT_MAX;
  if (hash < 2n) hash += 2n;
  return Number(hash >= INT_MAX ? INT_MAX - 1n : hash);
}

const hashes = new Map<string, number>();

function hashOf(name: string): number {
  let hash = hashes.get(name);
  if (hash === undefined) {
    hash = nameHash(name);
    if (hashes.size < 4096) hashes.set(name, hash);
  }
  return hash;
}

/** Sorts names as readdir(3) gives them. */
export function sortByHash(names: string[]): string[] {
  return names.sort((a, b) => hashOf(a) - hashOf(b) || (a < b ? -1 : a > b ? 1 : 0));
}
