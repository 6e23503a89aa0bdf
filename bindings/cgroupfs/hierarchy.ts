/**
 * The tree of cgroups, and what each has of the controllers. kernel/cgroup/cgroup.c: cgroup_propagate_control(),
 * cgroup_apply_control_enable(), cgroup_apply_control_disable(), css_populate_dir(), cgroup_destroy_locked().
 */
import * as O from '../../assembly/replay/ops.ts';
import { EngineError } from '../engine/error.ts';
import type { Machine } from '../machine.ts';
import { PAGE_COUNTER_MAX, ROOT_CGROUP } from '../trace/schema.ts';
import type { KernelConfig } from './config.ts';
import { CONTROLLERS, type Controller, controllerBit, IO, MEMORY, withDependencies } from './controllers.ts';
import { CpuState } from './cpu-state.ts';
import { Directory } from './directory.ts';
import type { Credentials, FileType } from './file-type.ts';
import { fileMode, fileTypes } from './file-types.ts';
import type { Members } from './members.ts';
import { ROOT_USER } from './permission.ts';
import { PidsState } from './pids-state.ts';
import { PRESSURE_FILES } from './pressure-files.ts';
import { restoreDirectory, type SavedCgroupFs, type SavedDirectory, saveDirectory } from './saved.ts';

/** A cgroup that was removed, and the memcgs that it had: some may be referred to still. */
interface Removed {
  readonly directory: Directory;
  readonly memcgs: readonly number[];
}

/** Knobs that css_reset() sets back: mem_cgroup_css_reset(). */
const RESET: readonly (readonly [knob: number, value: bigint])[] = [
  [O.KNOB_MAX, PAGE_COUNTER_MAX],
  [O.KNOB_SWAP_MAX, PAGE_COUNTER_MAX],
  [O.KNOB_SWAP_HIGH, PAGE_COUNTER_MAX],
  [O.KNOB_MIN, 0n],
  [O.KNOB_LOW, 0n],
  [O.KNOB_HIGH, PAGE_COUNTER_MAX],
];

export class Hierarchy {
  readonly root: Directory;
  /** by the engine's cgroup */
  readonly ofMemcg = new Map<number, Directory>();
  readonly #machine: Machine;
  readonly #config: KernelConfig;
  readonly #typesOf = new Map<string, readonly FileType[]>();
  #removed: Removed[] = [];
  #nextInode = 1;
  /** cgroups of the machine that were looked at */
  #known = 1;

  constructor(machine: Machine, config: KernelConfig, saved: SavedCgroupFs | null = null) {
    this.#machine = machine;
    this.#config = config;
    if (saved !== null) {
      this.root = this.#restore(saved);
      return;
    }
    this.root = new Directory('', null, { inode: this.#nextInode++, mode: 0o555, uid: 0, gid: 0 });
    this.ofMemcg.set(ROOT_CGROUP, this.root);
    this.#populate(this.root, null, ROOT_USER);
    for (const controller of CONTROLLERS) this.#populate(this.root, controller, ROOT_USER);
  }

  #types(controller: Controller | null, { isRoot }: Directory): readonly FileType[] {
    const key = `${controller} ${isRoot}`;
    let types = this.#typesOf.get(key);
    if (types === undefined) {
      const { kernel, policy } = this.#machine;
      types = fileTypes(controller, isRoot, kernel, this.#config, policy.answers.payer);
      this.#typesOf.set(key, types);
    }
    return types;
  }

  /** Makes the files of a controller, or (`null`) those that every cgroup has. EngineError EEXIST: a child cgroup has the name. */
  #populate(directory: Directory, controller: Controller | null, { uid, gid }: Credentials): void {
    for (const type of this.#types(controller, directory)) {
      if (directory.files.has(type.name)) continue;
      const inode = this.#nextInode++;
      if (directory.children.has(type.name))
        throw new EngineError('EEXIST', `EEXIST: a cgroup of the name ${directory.path}/${type.name} is in the way`);
      const file = { type, directory, inode, mode: fileMode(type), uid, gid, present: true };
      directory.files.set(type.name, file);
    }
  }

  #clear(directory: Directory, controller: Controller | null): void {
    for (const type of this.#types(controller, directory)) {
      const file = directory.files.get(type.name);
      if (file !== undefined) file.present = false;
      directory.files.delete(type.name);
    }
  }

  // ------------------------------------------------------------------------------------------------ controllers

  /** css_create() */
  #create(directory: Directory, controller: Controller): void {
    if (controller === 'memory') {
      const parent = directory.parent!.effectiveMemcg;
      const { path, inode } = directory;
      directory.memcg = this.#machine.mkdir(path, parent, BigInt(inode));
      this.#known = this.#machine.cgroups.size;
      this.#own(directory, directory.memcg);
    }
    if (controller === 'pids') directory.pids = new PidsState();
    if (controller === 'cpu') directory.cpu = new CpuState();
    if (controller === 'io') directory.ioLimits.clear();
    directory.controllers |= controllerBit(controller);
  }

  #own(directory: Directory, memcg: number): void {
    directory.memcg = memcg;
    directory.zswapMax = PAGE_COUNTER_MAX;
    directory.zswapWriteback = true;
    this.ofMemcg.set(memcg, directory);
  }

  /** kill_css(): whoever was in it has been moved. */
  #kill(directory: Directory, controller: Controller): void {
    this.#clear(directory, controller);
    directory.controllers &= ~controllerBit(controller);
    if (controller !== 'memory') return;
    const { memcg } = directory;
    if (!this.#machine.isRemoved(memcg)) this.#machine.rmdir(memcg);
    directory.formerMemcgs.push(memcg);
    directory.memcg = 0;
    this.ofMemcg.delete(memcg);
  }

  /** What is switched off, but kept for a controller that needs it, loses its settings. */
  #reset({ memcg }: Directory, controller: Controller): void {
    if (controller !== 'memory') return;
    for (const [knob, value] of RESET)
      if (this.#machine.engine.readKnob(memcg, knob) !== value) this.#machine.writeKnob(memcg, knob, value);
  }

  #propagate(top: Directory): void {
    for (const d of top.subtree()) {
      d.subtreeControl &= d.available;
      d.subtreeEnabled = withDependencies(d.subtreeControl, d.enabled);
    }
  }

  #enable(top: Directory, by: Credentials): void {
    for (const d of top.subtree())
      for (const controller of CONTROLLERS) {
        const bit = controllerBit(controller);
        if (!(d.enabled & bit)) continue;
        if (!(d.controllers & bit)) this.#create(d, controller);
        if (d.available & bit) this.#populate(d, controller, by);
      }
  }

  /**
   * cgroup_get_e_css(): whom the io controller knows a memcg's writes by, and which memcg that is. A loop device's worker acts for that one; for
   * the root's it is charged to nobody.
   */
  #attributeIo(top: Directory): void {
    for (const d of top.subtree()) {
      if (d.isRoot || !(d.controllers & MEMORY)) continue;
      const known = [...d.upwards()].find(({ controllers }) => controllers & IO);
      this.#machine.setIoMemcg(d.memcg, known === undefined || known.isRoot ? null : known.effectiveMemcg);
    }
  }

  #disable(top: Directory): void {
    for (const d of [...top.subtree()].reverse())
      for (const controller of CONTROLLERS) {
        const bit = controllerBit(controller);
        if (!(d.controllers & bit)) continue;
        if (!(d.enabled & bit)) this.#kill(d, controller);
        else if (!(d.available & bit)) {
          this.#clear(d, controller);
          this.#reset(d, controller);
        }
      }
  }

  /**
   * cgroup_apply_control(), cgroup_finalize_control(): makes `change`, and what follows from it for the cgroup and all below it. Where a
   * part of that fails, all is as it was.
   */
  apply(directory: Directory, members: Members, by: Credentials, change: () => void): void {
    const before = [...directory.subtree()].map((d) => ({ d, subtreeControl: d.subtreeControl, domain: d.domain }));
    change();
    this.#propagate(directory);
    try {
      this.#enable(directory, by);
    } catch (error) {
      for (const { d, subtreeControl, domain } of before) Object.assign(d, { subtreeControl, domain });
      this.#propagate(directory);
      this.#disable(directory);
      throw error;
    }
    members.migrate(directory.subtree());
    this.#disable(directory);
    this.#attributeIo(directory);
  }

  // ------------------------------------------------------------------------------------------------ cgroups

  /** cgroup_mkdir(), after its limits were asked. */
  mkdir(parent: Directory, name: string, mode: number, { uid, gid }: Credentials): Directory {
    const directory = new Directory(name, parent, { inode: this.#nextInode++, mode, uid, gid });
    parent.children.set(name, directory);
    try {
      this.#populate(directory, null, { uid, gid });
      this.#enable(directory, { uid, gid });
      this.#attributeIo(directory);
    } catch (error) {
      this.remove(directory);
      throw error;
    }
    return directory;
  }

  /** cgroup_destroy_locked(), after its rules were asked. */
  remove(directory: Directory): void {
    for (const controller of CONTROLLERS)
      if (directory.controllers & controllerBit(controller)) this.#kill(directory, controller);
    this.#clear(directory, null);
    directory.removed = true;
    directory.parent!.children.delete(directory.name);
    this.#removed.push({ directory, memcgs: directory.formerMemcgs });
  }

  /** Takes over what the machine made and removed by itself. */
  sync(members: Members): void {
    for (const [memcg, directory] of this.ofMemcg)
      if (memcg !== ROOT_CGROUP && this.#machine.isRemoved(memcg)) this.#vanish(directory, members);
    if (this.#machine.cgroups.size === this.#known) return;
    this.#known = this.#machine.cgroups.size;
    for (const [memcg, { path, kernelId, parent }] of this.#machine.cgroups)
      if (!this.ofMemcg.has(memcg) && !this.#machine.isRemoved(memcg)) {
        const above = this.ofMemcg.get(parent);
        if (above !== undefined) this.#adopt(above, path.slice(path.lastIndexOf('/') + 1), memcg, kernelId, members);
      }
  }

  #vanish(directory: Directory, members: Members): void {
    for (const d of [...directory.subtree()].reverse()) {
      for (const tid of [...d.live]) members.forget(tid);
      this.remove(d);
    }
  }

  #adopt(parent: Directory, wanted: string, memcg: number, kernelId: bigint, members: Members): void {
    const there = parent.children.get(wanted);
    const name = there === undefined || there.controllers & MEMORY ? this.#freeName(parent, wanted, memcg) : wanted;
    const inode = kernelId > 0n ? Number(kernelId) : this.#nextInode++;
    const directory =
      there?.name === name ? there : new Directory(name, parent, { inode, mode: 0o755, uid: 0, gid: 0 });
    if (directory !== there) {
      parent.children.set(name, directory);
      this.#populate(directory, null, ROOT_USER);
    }
    directory.controllers |= MEMORY;
    this.#own(directory, memcg);
    this.apply(this.root, members, ROOT_USER, () => {
      for (const d of parent.upwards()) d.subtreeControl |= MEMORY;
    });
  }

  /** A trace may reuse a path, or name a cgroup like a file, or as no directory can be called. */
  #freeName({ children, files }: Directory, name: string, memcg: number): string {
    const impossible = ['', '.', '..'].includes(name) || name.includes('\0');
    return impossible || children.has(name) || files.has(name) ? `${name.replaceAll('\0', '')}#${memcg}` : name;
  }

  // ------------------------------------------------------------------------------------------------ what is left of the removed

  /** Of the removed, those that something refers to still: a memcg that is not free, the dead that nobody waited for, a removed child. */
  #dying(members: Members): Removed[] {
    const held = new Set<Directory>();
    this.#removed = this.#removed.filter(({ directory, memcgs }) => {
      const pinned =
        held.has(directory) ||
        memcgs.some((memcg) => !this.#machine.isReleased(memcg)) ||
        !members.deadIn(directory).next().done;
      if (pinned) held.add(directory.parent!);
      return pinned;
    });
    return this.#removed;
  }

  nrDying(directory: Directory, members: Members): number {
    return this.#dying(members).filter(
      (removed) => removed.directory !== directory && [...removed.directory.upwards()].includes(directory),
    ).length;
  }

  nrDyingOf(directory: Directory, controller: Controller, members: Members): number {
    if (controller !== 'memory') return 0;
    const memcgs = [...directory.subtree()].flatMap((d) => d.formerMemcgs);
    for (const removed of this.#dying(members))
      if ([...removed.directory.upwards()].includes(directory)) memcgs.push(...removed.memcgs);
    return memcgs.filter((memcg) => !this.#machine.isReleased(memcg)).length;
  }

  // ------------------------------------------------------------------------------------------------ snapshots

  /** Every directory that is remembered: parents first, the removed last. */
  #all(): Directory[] {
    return [...this.root.subtree(), ...this.#removed.map(({ directory }) => directory)];
  }

  save(members: Members): Pick<SavedCgroupFs, 'nextInode' | 'directories'> {
    const all = this.#all();
    return {
      nextInode: this.#nextInode,
      directories: all.map((d) => saveDirectory(d, all, members.tasksIn(d))),
    };
  }

  #restore({ nextInode, directories }: SavedCgroupFs): Directory {
    this.#nextInode = nextInode;
    this.#known = this.#machine.cgroups.size;
    const made: Directory[] = [];
    // A removed cgroup may stand before its parent, which was removed later.
    const make = (index: number): Directory => {
      const saved = directories[index]!;
      made[index] ??= new Directory(saved.name, saved.parent < 0 ? null : make(saved.parent), saved);
      return made[index];
    };
    for (const [index, saved] of directories.entries()) {
      const d = make(index);
      restoreDirectory(d, saved);
      if (d.removed) this.#removed.push({ directory: d, memcgs: d.formerMemcgs });
      else d.parent?.children.set(d.name, d);
      if (d.controllers & MEMORY) this.ofMemcg.set(d.memcg, d);
      this.#restoreFiles(d, saved);
    }
    for (const [index, { domain }] of directories.entries()) made[index]!.domain = made[domain] ?? made[index]!;
    return made[0]!;
  }

  /** … and who is in them: the list begins with the tree as it is walked. */
  restoreMembers({ directories }: SavedCgroupFs, members: Members): void {
    const all = this.#all();
    for (const [index, { tasks }] of directories.entries()) members.restore(all[index]!, tasks);
  }

  #restoreFiles(d: Directory, { files }: SavedDirectory): void {
    const types = [null, ...CONTROLLERS].flatMap((controller) => this.#types(controller, d));
    for (const { name, ...file } of files) {
      const type = types.find((each) => each.name === name)!;
      d.files.set(name, { ...file, type, directory: d });
    }
  }

  // ------------------------------------------------------------------------------------------------ pressure

  /** cgroup_file_show() */
  showPressure(directory: Directory, shown: boolean): void {
    directory.pressure = shown;
    for (const { name } of PRESSURE_FILES) {
      const file = directory.files.get(name);
      if (file !== undefined) file.present = shown;
    }
  }
}
