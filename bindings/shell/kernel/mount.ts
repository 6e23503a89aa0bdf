/** Mounts and mount namespaces. fs/namespace.c. Nothing propagates: the guest has no shared mount. */
import { SyscallError } from './error.ts';
import type { Caller, FileSystem, Inode, MountReference } from './vfs.ts';

/** A directory of the tree of mounts. */
export interface Path {
  readonly mount: Mount;
  readonly inode: Inode;
}

/** What mount(8) passes on: flags of the mount, not of its file system. */
const FLAG_OPTIONS = new Set(['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'strictatime']);
/** … words that change no flag */
const NO_OPTIONS = new Set([
  'rw',
  'suid',
  'dev',
  'exec',
  'atime',
  'diratime',
  'defaults',
  'async',
  'silent',
  'loud',
  '',
]);

export class Mount implements MountReference {
  readonly id: number;
  readonly fs: FileSystem;
  readonly root: Inode;
  /** what /proc/mounts calls it */
  readonly source: string;
  /** ro, nosuid … of this mount */
  readonly flags: Set<string>;
  users = 0;
  /** in no namespace any more */
  detached = false;
  /** where it hangs; null: the root of its namespace, or detached */
  parent: Mount | null = null;
  point: Inode | null = null;
  readonly children = new Map<Inode, Mount>();

  constructor(id: number, fs: FileSystem, root: Inode, source: string, flags: Iterable<string>) {
    this.id = id;
    this.fs = fs;
    this.root = root;
    this.source = source;
    this.flags = new Set(flags);
    fs.mounts++;
  }
  get readonly(): boolean {
    return this.flags.has('ro') || this.fs.readonly;
  }
}

/** The mounts that some processes see. */
export class MountNamespace {
  root: Mount;
  /** in the order of /proc/mounts */
  readonly mounts: Mount[] = [];
  /** processes in it */
  users = 0;
  /** it belongs to a user namespace of somebody without privileges */
  ofUsers = false;

  constructor(root: Mount) {
    this.root = root;
    this.mounts.push(root);
  }

  /** The topmost mount that covers a directory. */
  descend(path: Path): Path {
    let at = path;
    for (let over = at.mount.children.get(at.inode); over; over = at.mount.children.get(at.inode))
      at = { mount: over, inode: over.root };
    return at;
  }

  attach(mount: Mount, at: Path): void {
    mount.parent = at.mount;
    mount.point = at.inode;
    at.mount.children.set(at.inode, mount);
    at.mount.users++;
    this.mounts.push(mount);
  }

  /** Takes a mount and all below it out of the tree. */
  detach(mount: Mount): Mount[] {
    const gone = [...mount.children.values()].flatMap((child) => this.detach(child));
    if (mount.parent !== null) {
      mount.parent.children.delete(mount.point!);
      mount.parent.users--;
    }
    mount.parent = null;
    mount.point = null;
    this.mounts.splice(this.mounts.indexOf(mount), 1);
    return [...gone, mount];
  }

  /** unshare(CLONE_NEWNS): a copy of the tree; `moved` says where each mount's copy is. */
  copy(nextId: () => number): { namespace: MountNamespace; moved: Map<Mount, Mount> } {
    const moved = new Map<Mount, Mount>();
    const clone = (mount: Mount) => {
      const copy = new Mount(nextId(), mount.fs, mount.root, mount.source, mount.flags);
      moved.set(mount, copy);
      return copy;
    };
    const namespace = new MountNamespace(clone(this.root));
    for (const mount of this.mounts)
      if (mount !== this.root)
        namespace.attach(clone(mount), { mount: moved.get(mount.parent!)!, inode: mount.point! });
    return { namespace, moved };
  }
}

/** A mount that is in no namespace and that nobody uses: its file system goes with its last mount. */
export function dropMount(mount: Mount, caller: Caller): void | Promise<void> {
  if (--mount.fs.mounts === 0) return mount.fs.unmount(caller);
}

/** Options as mount(2) takes them apart: flags of the mount, and what is left for the file system. */
export function mountOptions(options: string): {
  flags: Set<string>;
  rest: string[];
  bind: boolean;
  rbind: boolean;
  remount: boolean;
  propagation: boolean;
} {
  const flags = new Set<string>();
  const rest: string[] = [];
  let [bind, rbind, remount, propagation] = [false, false, false, false];
  for (const word of options.split(',')) {
    if (word === 'ro') flags.add('ro');
    else if (FLAG_OPTIONS.has(word)) flags.add(word);
    else if (word === 'bind') bind = true;
    else if (word === 'rbind') rbind = bind = true;
    else if (word === 'remount') remount = true;
    else if (/^r?(private|slave|shared|unbindable)$/.test(word)) propagation = true;
    else if (!NO_OPTIONS.has(word)) rest.push(word);
  }
  return { flags, rest, bind, rbind, remount, propagation };
}

/** EBUSY while somebody uses it. */
export function checkIdle(mount: Mount): void {
  if (mount.users > 0) throw new SyscallError('EBUSY');
}
