/**
 * What processes use beside what their programs ask for: kernel stacks, page tables, structures of the kernel, the pages that a program
 * writes as it starts, and the pages of its files that it maps. Data per kernel (footprint-data-*.ts).
 */
import type { KernelPages } from '../../live.ts';
import type { Kernel } from './kernel.ts';
import type { UserProcess } from './process.ts';

/** What a program uses once it runs. Pages. */
export interface ProgramFootprint {
  /** private pages that it writes until it has begun */
  anon: number;
  /** pages of page tables, without those of mappings that it makes later */
  tables: number;
  /** files that it maps, and how many pages of each are then in memory */
  files: readonly { path: string; pages: number; mapped: number }[];
}

export interface FootprintData {
  /** order of the pages of a kernel stack */
  stackOrder: number;
  /** bytes of slab of a process: task_struct, mm_struct, files, signal handlers, mappings … with the pointers to their owner */
  slab: number;
  /** private pages that child and parent write soon after a fork, which breaks the sharing of each */
  forkChild: number;
  forkParent: number;
  programs: Readonly<Record<string, ProgramFootprint>>;
  /** for programs that are not listed */
  other: ProgramFootprint;
}

/** Where the private pages of programs are, as virtual page numbers: below all mappings. */
const PROGRAM_VPN = 0x1000;

/** What one process was charged for. */
interface Charges {
  stack: KernelPages;
  tables: KernelPages[];
  slab: { cgroup: number; bytes: number } | null;
  program: ProgramFootprint | null;
  /** that it maps */
  files: ProgramFile[];
}

/** A program or library in memory: of hostfs, which forgets an inode and its pages with its last user (generic_delete_inode()). */
interface ProgramFile {
  readonly path: string;
  readonly object: number;
  /** processes that map it */
  users: number;
}

export class Footprint {
  readonly data: FootprintData;
  readonly #charges = new Map<UserProcess, Charges>();
  /** programs and libraries that somebody runs, by path */
  readonly #files = new Map<string, ProgramFile>();

  constructor(data: FootprintData) {
    this.data = data;
  }

  /** fork(2), on the parent's account. SyscallError ENOMEM. */
  forked(kernel: Kernel, parent: UserProcess, child: UserProcess): void {
    const stack = kernel.allocatePage(parent, 'kernel_stack', this.data.stackOrder);
    const own: Charges = { stack, tables: [], slab: null, program: null, files: [] };
    this.#charges.set(child, own);
    const object = { kind: 'slab', bytes: this.data.slab } as const;
    parent.charge((machine, task, cpu) => machine.chargeKmem(task, object, cpu));
    const payer = kernel.kmemPayer(parent.task);
    own.slab = payer === 0 ? null : { cgroup: payer, bytes: this.data.slab };
    const from = this.#charges.get(parent);
    own.program = from?.program ?? null;
    own.files = [...(from?.files ?? [])];
    for (const file of own.files) file.users++;
    for (let i = 0; i < (from?.tables.length ?? 0); i++) own.tables.push(kernel.allocatePage(parent, 'pagetable'));
  }

  /** What a process and its parent write right after a fork. */
  copied(process: UserProcess, pages: number): void {
    const program = this.#charges.get(process)?.program;
    for (let i = 0; i < Math.min(pages, program?.anon ?? 0); i++)
      process.charge((machine, task, cpu) => machine.touchAnon(task, { vpn: PROGRAM_VPN + i }, cpu));
  }

  /** execve(2): the address space is new; the program comes. SyscallError ENOMEM. */
  executed(kernel: Kernel, process: UserProcess, name: string): void {
    const own = this.#charges.get(process);
    if (own === undefined) return;
    for (const table of own.tables.splice(0)) kernel.freePage(table, process);
    const before = own.files;
    own.files = [];
    const program = this.data.programs[name] ?? this.data.other;
    own.program = program;
    for (let i = 0; i < program.tables; i++) own.tables.push(kernel.allocatePage(process, 'pagetable'));
    for (const { path, pages, mapped } of program.files) {
      const file = this.#file(kernel, path === '' ? `/usr/bin/${name}` : path, pages);
      file.users++;
      own.files.push(file);
      process.charge((machine, task, cpu) =>
        machine.access(task, file.object, { index: 0, pages: mapped, fault: true, exec: true }, cpu),
      );
    }
    for (let i = 0; i < program.anon; i++)
      process.charge((machine, task, cpu) => machine.touchAnon(task, { vpn: PROGRAM_VPN + i }, cpu));
    this.#forget(kernel, before);
  }

  /** Pages of page tables beside those of mappings. */
  tablesOf(process: UserProcess): number {
    return this.#charges.get(process)?.tables.length ?? 0;
  }

  /** exit: what the engine does not free by itself. */
  exited(kernel: Kernel, process: UserProcess): void {
    const own = this.#charges.get(process);
    if (own === undefined) return;
    for (const table of own.tables.splice(0)) kernel.freePage(table, process);
    this.#forget(kernel, own.files.splice(0));
  }

  /** The parent has waited: stack and structures go. */
  reaped(kernel: Kernel, process: UserProcess): void {
    const own = this.#charges.get(process);
    if (own === undefined) return;
    kernel.freePage(own.stack, process);
    if (own.slab !== null) kernel.machine.freeKmem(own.slab.cgroup, { kind: 'slab', bytes: own.slab.bytes });
    this.#charges.delete(process);
  }

  #file(kernel: Kernel, path: string, pages: number): ProgramFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const file = { path, object: kernel.machine.newObject('file', pages), users: 0 };
    this.#files.set(path, file);
    return file;
  }

  /** Mappings that are gone: iput() of each. */
  #forget(kernel: Kernel, files: readonly ProgramFile[]): void {
    for (const file of files) {
      if (--file.users > 0) continue;
      kernel.machine.freeObject(0, file.object);
      this.#files.delete(file.path);
    }
  }
}
