/** Tasks of the reference model, and who pays for what they do. Facts: get_mem_cgroup_from_mm(), current_obj_cgroup(). */
import type { Memcg, Objcg } from './cgroup.ts';

export class Task {
  memcg: Memcg;
  /** the task that owns the mm; null for a kernel thread */
  mm: Task | null;
  live = true;
  /** set_active_memcg(), innermost last; null = default rules */
  readonly scopes: (Memcg | null)[] = [];
  /** uncharge_gather: what it freed for one memcg and has not given back yet */
  batch: { memcg: Memcg; pages: number; kernelPages: number } | null = null;

  constructor(memcg: Memcg) {
    this.memcg = memcg;
    this.mm = null;
    memcg.tasks++;
  }

  get active(): Memcg | null {
    return this.scopes.at(-1) ?? null;
  }

  move(memcg: Memcg): void {
    if (this.live) {
      this.memcg.tasks--;
      memcg.tasks++;
    }
    this.memcg = memcg;
  }

  exit(): void {
    if (this.live) this.memcg.tasks--;
    this.live = false;
  }

  /** An explicit mm (anonymous memory) beats the scope; the mm's owner pays, not the thread that faults. */
  folioPayer(anon: boolean, root: Memcg): Memcg {
    if (!anon && this.active) return this.active;
    return this.mm?.memcg ?? root;
  }

  /** The scope, or the task's own cgroup; a dead one passes it up; the root and kernel threads pay nothing. */
  kernelPayer(): Objcg | null {
    let payer = this.active ?? (this.mm ? this.memcg : null);
    while (payer?.parent && payer.state === 'dying') payer = payer.parent;
    return payer && !payer.isRoot ? payer.objcg : null;
  }
}
