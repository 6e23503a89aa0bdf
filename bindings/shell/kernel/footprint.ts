/**
 * What processes use beside what their programs ask for: kernel stacks, page tables, structures of the kernel, the pages that a program
 * writes as it starts, and the pages of its files that it maps. Data per kernel (footprint-data-*.ts).
 *
 * The files of programs lie on a file system that drops an inode as soon as nobody holds it (hostfs), and its page cache with it.
 */
import type { KernelPages } from '../../live.ts';
import type { FootprintData, ProgramFootprint } from './footprint-data.ts';
import type { Kernel } from './kernel.ts';
import type { UserProcess } from './process.ts';
import { allocate, free, type SlabObject } from './slab.ts';

/** Where the private pages of programs are, as virtual page numbers: below all mappings. */
const PROGRAM_VPN = 0x1000;
/** What the C library maps beside its files. Pages. */
const LIBRARY_DATA = 50;

/**
 * Pages that execve(2) takes on its way and gives back with the old address space: the last writes of the old program, the first place of
 * the stack and its page tables. Measured on the guest by what a first program leaves in the CPU's stock: 3 or 4 more than it has later.
 */
const EXEC_PAGES = 3;
/**
 * Private pages that a shell writes right after a fork, and those that the child alone writes before it executes a program. The parent runs
 * first, until it waits: it copies, and what the child writes of the same pages needs no copy. Measured on the guest with a shell that joins a
 * cgroup before it forks: anon while the child waits in an open (21 or 22), and once it has executed a program (16 of the shell's).
 */
const FORK_PARENT_PAGES = 16;
const FORK_CHILD_PAGES = 6;

/** A file that some programs run from. */
interface ProgramFile {
  readonly object: number;
  /** while somebody holds it */
  inode: SlabObject | null;
  users: number;
}

/** A file of an address space, and a page of it that the program comes by as it runs. */
interface RunFrom {
  readonly object: number;
  readonly index: number;
}

/** An address space as far as its program made it. */
interface ProgramMemory {
  readonly program: ProgramFootprint;
  readonly slab: SlabObject;
  readonly tables: KernelPages[];
  readonly files: readonly ProgramFile[];
}

/** What one process was charged for. */
interface ProcessCharges {
  readonly stack: KernelPages;
  readonly slab: SlabObject;
  memory: ProgramMemory | null;
  /** its own file, which reclaim may take while it runs */
  text: RunFrom | null;
  /** time spent in reclaim when it was last there */
  reclaimed: bigint;
}

export class Footprint {
  readonly data: FootprintData;
  readonly #charges = new Map<UserProcess, ProcessCharges>();
  readonly #files = new Map<string, ProgramFile>();

  constructor(data: FootprintData) {
    this.data = data;
  }

  /** fork(2), on the parent's account. SyscallError ENOMEM. */
  forked(kernel: Kernel, parent: UserProcess, child: UserProcess): void {
    const slab = allocate(parent, { kind: 'slab', bytes: this.data.slab });
    const stack = kernel.allocatePage(parent, 'kernel_stack', this.data.stackOrder);
    const own: ProcessCharges = { stack, slab, memory: null, text: null, reclaimed: 0n };
    this.#charges.set(child, own);
    const from = this.#charges.get(parent)?.memory;
    if (!from) return;
    const { program, files } = from;
    own.text = this.#charges.get(parent)?.text ?? null;
    own.reclaimed = kernel.reclaimWork;
    own.memory = { program, slab: allocate(parent, { kind: 'slab', bytes: program.slab }), tables: [], files };
    for (const file of files) file.users++;
    for (let i = 0; i < program.tables; i++) own.memory.tables.push(kernel.allocatePage(parent, 'pagetable'));
  }

  /** What a process and its parent write right after a fork: the child is not running yet, and is killed later if it has to be. */
  copied(kernel: Kernel, parent: UserProcess, child: UserProcess): void {
    const anon = this.#charges.get(parent)?.memory?.program.anon ?? 0;
    parent.userFault(() => this.#touch(parent, 0, Math.min(anon, FORK_PARENT_PAGES)));
    for (let i = FORK_PARENT_PAGES; i < Math.min(anon, FORK_PARENT_PAGES + FORK_CHILD_PAGES); i++) {
      if (kernel.machine.isKilled(child.task)) break;
      kernel.machine.touchAnon(child.task, { vpn: PROGRAM_VPN + i }, parent.cpuId);
    }
    this.#goesOn(kernel, parent, child);
    kernel.noteEvents();
  }

  /** A child that goes on in its parent's program: it maps the file again, and has none of what the parent writes later. */
  #goesOn(kernel: Kernel, parent: UserProcess, child: UserProcess): void {
    const from = this.#charges.get(parent)?.memory;
    const forked = from?.program.forked;
    const file = from?.files.at(-1);
    if (!from || forked === undefined || file === undefined || kernel.machine.isKilled(child.task)) return;
    const { machine } = kernel;
    machine.freeAnon(
      child.task,
      { vpn: PROGRAM_VPN + forked.anon, pages: from.program.anon - forked.anon },
      parent.cpuId,
    );
    machine.access(child.task, file.object, { index: 0, pages: forked.mapped, fault: true, exec: true }, parent.cpuId);
    // Mapped around the last fault, beyond what it has.
    machine.unmap(child.task, file.object, { index: forked.mapped }, parent.cpuId);
  }

  /** execve(2): the address space is new; the program comes. SyscallError ENOMEM. */
  executed(kernel: Kernel, process: UserProcess, name: string): void {
    const own = this.#charges.get(process);
    if (own === undefined) return;
    const program = this.data.programs[name] ?? this.data.programs.cat!;
    this.#touch(process, own.memory?.program.anon ?? 0, EXEC_PAGES);
    const slab = allocate(process, { kind: 'slab', bytes: program.slab });
    process.charge((machine, task, cpu) => machine.exec(task, cpu));
    this.#drop(kernel, process, own);
    const files: ProgramFile[] = [];
    own.memory = { program, slab, tables: [], files };
    own.text = null;
    for (let i = 0; i < program.tables; i++) own.memory.tables.push(kernel.allocatePage(process, 'pagetable'));
    let libraries = 0;
    for (const { path, cached, mapped, pages } of program.files) {
      if (!path.startsWith('/usr/bin/')) libraries += pages;
      const file = this.#fileAt(kernel, path, cached);
      file.users++;
      files.push(file);
      if (file.inode === null) this.#read(process, file, cached);
      const { object } = file;
      if (path.startsWith('/usr/bin/')) own.text = { object, index: mapped >> 1 };
      if (mapped > 0)
        process.userFault(() =>
          process.charge((machine, task, cpu) =>
            machine.access(task, object, { index: 0, pages: mapped, fault: true, exec: true }, cpu),
          ),
        );
    }
    if (libraries > 0) process.space.hasLibraries(libraries + LIBRARY_DATA);
    process.userFault(() => this.#touch(process, 0, program.anon));
  }

  /** It runs on in user mode: if something was reclaimed, what it runs from may be gone, and comes back with what is read around it. */
  runsOn(kernel: Kernel, process: UserProcess): void {
    const own = this.#charges.get(process);
    if (own === undefined || own.text === null || own.reclaimed === kernel.reclaimWork) return;
    own.reclaimed = kernel.reclaimWork;
    const { object, index } = own.text;
    process.userFault(() =>
      process.charge((machine, task, cpu) =>
        machine.access(task, object, { index, pages: 1, fault: true, exec: true }, cpu),
      ),
    );
  }

  /** Pages of page tables beside those of mappings. */
  tablesOf(process: UserProcess): number {
    return this.#charges.get(process)?.memory?.tables.length ?? 0;
  }

  /** exit_mm(): what the engine does not free by itself. */
  exited(kernel: Kernel, process: UserProcess): void {
    const own = this.#charges.get(process);
    if (own !== undefined) this.#drop(kernel, process, own);
  }

  /** Its parent has waited: stack and structures go. */
  reaped(kernel: Kernel, process: UserProcess): void {
    const own = this.#charges.get(process);
    if (own === undefined) return;
    this.#charges.delete(process);
    kernel.freePage(own.stack, process);
    free(kernel.machine, own.slab);
  }

  /** Pages of the program's own region. */
  #touch(process: UserProcess, from: number, pages: number): void {
    for (let i = from; i < from + pages; i++)
      process.charge((machine, task, cpu) => machine.touchAnon(task, { vpn: PROGRAM_VPN + i }, cpu));
  }

  #fileAt(kernel: Kernel, path: string, pages: number): ProgramFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = { object: kernel.machine.newObject('file', pages), inode: null, users: 0 };
    this.#files.set(path, file);
    return file;
  }

  /** Whoever is the first to hold a program's file reads it. */
  #read(process: UserProcess, file: ProgramFile, pages: number): void {
    file.inode = allocate(process, { kind: 'slab', bytes: this.data.objects.programInode });
    process.charge((machine, task, cpu) => machine.access(task, file.object, { index: 0, pages }, cpu));
  }

  /** exit_mmap(), and the files that nobody else runs from. */
  #drop(kernel: Kernel, process: UserProcess, own: ProcessCharges): void {
    const { memory } = own;
    if (memory === null) return;
    own.memory = null;
    for (const table of memory.tables) kernel.freePage(table, process);
    free(kernel.machine, memory.slab);
    for (const file of memory.files) {
      if (--file.users > 0) continue;
      kernel.machine.truncate(0, file.object, { index: 0 }, process.cpuId);
      if (file.inode !== null) free(kernel.machine, file.inode);
      file.inode = null;
    }
  }
}
