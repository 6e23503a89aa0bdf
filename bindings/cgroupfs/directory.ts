/**
 * A cgroup: a directory of cgroup2. Not every one has a memcg of the engine: only where memory is enabled on the way. kernel/cgroup/
 * cgroup.c: struct cgroup, cgroup_control(), cgroup_ss_mask(), and the rules of threaded cgroups.
 */
import { PAGE_COUNTER_MAX, ROOT_CGROUP } from '../trace/schema.ts';
import { ALL_CONTROLLERS, type ControllerSet, MEMORY, THREADED_CONTROLLERS } from './controllers.ts';
import { CpuState } from './cpu-state.ts';
import type { FileType } from './file-type.ts';
import { PidsState } from './pids-state.ts';

/** INT_MAX, which reads as `max`. */
export const NO_LIMIT = 2 ** 31 - 1;

/** What stat(2) says of a directory or a file, and chmod(2) and chown(2) change. */
export interface Attributes {
  inode: number;
  /** permission bits */
  mode: number;
  uid: number;
  gid: number;
}

/** A control file that is there. */
export interface ControlFile extends Attributes {
  readonly type: FileType;
  readonly directory: Directory;
  /** false once its controller, or its directory, has gone */
  present: boolean;
}

export class Directory implements Attributes {
  readonly name: string;
  readonly parent: Directory | null;
  inode: number;
  mode: number;
  uid: number;
  gid: number;
  readonly children = new Map<string, Directory>();
  readonly files = new Map<string, ControlFile>();
  /** what cgroup.subtree_control says */
  subtreeControl: ControllerSet = 0;
  /** … and what that brings with it: subtree_ss_mask */
  subtreeEnabled: ControllerSet = 0;
  /** controllers that this cgroup has its own state of, shown or not */
  controllers: ControllerSet = 0;
  /** the engine's cgroup, if `controllers` has memory */
  memcg = 0;
  /** memcgs that it had before memory was switched off */
  readonly formerMemcgs: number[] = [];
  /** the cgroup whose domain this one's threads belong to: itself, unless it is threaded */
  domain: Directory;
  maxDepth = NO_LIMIT;
  maxDescendants = NO_LIMIT;
  /** what cgroup.freeze says */
  freeze = false;
  /** memory.zswap.max in pages, memory.zswap.writeback: kept, though nothing is compressed here */
  zswapMax = PAGE_COUNTER_MAX;
  zswapWriteback = true;
  /** what cgroup.pressure says */
  pressure = true;
  /** io.max by device */
  readonly ioLimits = new Map<string, Record<string, bigint | null>>();
  cpu = new CpuState();
  pids = new PidsState();
  /** live threads, in the order in which they came: kept by Members */
  readonly live = new Set<number>();
  removed = false;

  constructor(name: string, parent: Directory | null, attributes: Attributes) {
    this.name = name;
    this.parent = parent;
    this.inode = attributes.inode;
    this.mode = attributes.mode;
    this.uid = attributes.uid;
    this.gid = attributes.gid;
    this.domain = this;
    if (parent !== null) return;
    this.controllers = ALL_CONTROLLERS;
    this.memcg = ROOT_CGROUP;
  }

  get path(): string {
    if (this.parent === null) return '/';
    return this.parent.parent === null ? `/${this.name}` : `${this.parent.path}/${this.name}`;
  }

  get isRoot(): boolean {
    return this.parent === null;
  }

  /** Its path as it is seen from another cgroup, the root of a cgroup namespace: kernfs_path_from_node(). */
  pathFrom(root: Directory): string {
    const above = [...this.upwards()];
    const ways: string[] = [];
    for (const d of root.upwards()) {
      const at = above.indexOf(d);
      if (at >= 0)
        return `/${[
          ...ways,
          ...above
            .slice(0, at)
            .map(({ name }) => name)
            .reverse(),
        ].join('/')}`;
      ways.push('..');
    }
    return this.path;
  }

  /** This one and all below it, parents first, in the order in which they were made: cgroup_for_each_live_descendant_pre(). */
  *subtree(): Generator<Directory, void, undefined> {
    yield this;
    for (const child of this.children.values()) yield* child.subtree();
  }

  /** This one and those above it. */
  *upwards(): Generator<Directory, void, undefined> {
    for (let d: Directory | null = this; d !== null; d = d.parent) yield d;
  }

  /** cgroup_control(): what cgroup.controllers lists, which is whose files there are. */
  get available(): ControllerSet {
    if (this.parent === null) return ALL_CONTROLLERS;
    return this.isThreaded ? this.parent.subtreeControl & THREADED_CONTROLLERS : this.parent.subtreeControl;
  }

  /** cgroup_ss_mask(): what it has state of. */
  get enabled(): ControllerSet {
    if (this.parent === null) return ALL_CONTROLLERS;
    return this.isThreaded ? this.parent.subtreeEnabled & THREADED_CONTROLLERS : this.parent.subtreeEnabled;
  }

  /** The memcg that its tasks are charged to: its own, or that of the nearest ancestor that has one. */
  get effectiveMemcg(): number {
    for (const d of this.upwards()) if (d.controllers & d.enabled & MEMORY) return d.memcg;
    return ROOT_CGROUP;
  }

  get nrDescendants(): number {
    let n = 0;
    for (const child of this.children.values()) n += 1 + child.nrDescendants;
    return n;
  }

  get hasTasks(): boolean {
    return this.live.size > 0;
  }

  /** Somebody lives here or below. */
  get isPopulated(): boolean {
    if (this.hasTasks) return true;
    for (const child of this.children.values()) if (child.isPopulated) return true;
    return false;
  }

  /** It, or one above it, was told to freeze. */
  get isFreezing(): boolean {
    for (const d of this.upwards()) if (d.freeze) return true;
    return false;
  }

  // ------------------------------------------------------------------------------------------------ threaded cgroups

  get isThreaded(): boolean {
    return this.domain !== this;
  }

  /** cgroup_is_mixable(): domains and threaded cgroups, tasks and controllers side by side. */
  get isMixable(): boolean {
    return this.parent === null;
  }

  /** cgroup_can_be_thread_root() */
  get canBeThreadRoot(): boolean {
    if (this.isMixable) return true;
    if (this.isThreaded || this.subtreeControl & ~THREADED_CONTROLLERS) return false;
    for (const child of this.children.values()) if (!child.isThreaded && child.isPopulated) return false;
    return true;
  }

  /** cgroup_is_thread_root() */
  get isThreadRoot(): boolean {
    if (this.isThreaded) return false;
    for (const child of this.children.values()) if (child.isThreaded) return true;
    return this.hasTasks && (this.subtreeControl & THREADED_CONTROLLERS) !== 0;
  }

  /** cgroup_is_valid_domain() */
  get isValidDomain(): boolean {
    if (this.isThreaded) return false;
    for (let d = this.parent; d !== null; d = d.parent)
      if ((!d.isMixable && d.isThreadRoot) || d.isThreaded) return false;
    return true;
  }
}
