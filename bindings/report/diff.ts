/** What differs between two policies, cgroup by cgroup. */
import type { CompareCgroup, DiffResult, PolicyResult } from './compare-result.ts';

/** Every number of a cgroup's figures, by the keys on the way to it; ids and what only tells when are left out. */
function numbers(cgroup: CompareCgroup | undefined): Map<string, number> {
  const found = new Map<string, number>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'number') found.set(path, value);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path} ${key}`);
  };
  if (cgroup !== undefined) {
    const { id: _id, parent: _parent, kernel_id: _kernel, ...figures } = cgroup;
    visit(figures, '');
  }
  return found;
}

export function diffOf(a: PolicyResult, b: PolicyResult): DiffResult {
  const cgroups: DiffResult['cgroups'] = Object.create(null);
  for (const path of new Set([...Object.keys(a.cgroups), ...Object.keys(b.cgroups)])) {
    const [of, other] = [numbers(a.cgroups[path]), numbers(b.cgroups[path])];
    const differ: DiffResult['cgroups'][string] = {};
    for (const key of new Set([...of.keys(), ...other.keys()])) {
      const [from, to] = [of.get(key) ?? 0, other.get(key) ?? 0];
      if (from !== to) differ[key] = { a: from, b: to, difference: to - from };
    }
    if (Object.keys(differ).length > 0) cgroups[path] = differ;
  }
  return { a: a.policy.name, b: b.policy.name, cgroups };
}
