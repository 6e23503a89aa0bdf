/**
 * What a process maps, and the page tables for it. The engine knows what is resident; page tables are kernel memory that whoever first
 * touches their 2 MiB (a table of 512 entries) or 1 GiB pays for.
 */
import type { KernelPages } from '../../live.ts';
import type { FileMapping, Kernel } from './kernel.ts';
import type { Mapping } from './syscalls.ts';
import type { Caller } from './vfs.ts';

/** Entries of a table: bits of a virtual page number. */
const TABLE_SHIFT = 9;
/** TASK_UNMAPPED_BASE: where libraries and mappings begin. A mapping goes into the first gap that is large enough. */
const MMAP_BASE = 0x40000;

export class AddressSpace {
  readonly #kernel: Kernel;
  /** pages of the libraries, which come first */
  #libraries = 0;
  readonly anon = new Set<Mapping>();
  readonly files = new Set<FileMapping>();
  /** pages of page tables, by number of the 2 MiB; null: one that the program's footprint counts */
  readonly #tables = new Map<number, KernelPages | null>();
  /** … of the 1 GiB */
  readonly #directories = new Map<number, KernelPages | null>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The libraries of a program are mapped, whose page tables are there. */
  hasLibraries(pages: number): void {
    this.#libraries = pages;
    const last = (MMAP_BASE + pages - 1) >> TABLE_SHIFT;
    for (let table = MMAP_BASE >> TABLE_SHIFT; table <= last; table++) this.#tables.set(table, null);
    this.#directories.set(MMAP_BASE >> (2 * TABLE_SHIFT), null);
  }

  /** A place for a mapping. */
  place(pages: number): number {
    let at = MMAP_BASE + this.#libraries;
    for (const { vpn, pages: taken } of [...this.anon, ...this.files].sort((a, b) => a.vpn - b.vpn)) {
      if (vpn - at >= pages) break;
      at = Math.max(at, vpn + taken);
    }
    return at;
  }

  /** Pages that are mapped. */
  get size(): number {
    let sum = this.#libraries;
    for (const { pages } of [...this.anon, ...this.files]) sum += pages;
    return sum;
  }

  /** The page tables that a fault at `vpn` needs. SyscallError ENOMEM. */
  fault(vpn: number, caller: Caller): void {
    const table = vpn >> TABLE_SHIFT;
    if (this.#tables.has(table)) return;
    const directory = table >> TABLE_SHIFT;
    if (!this.#directories.has(directory))
      this.#directories.set(directory, this.#kernel.allocatePage(caller, 'pagetable'));
    this.#tables.set(table, this.#kernel.allocatePage(caller, 'pagetable'));
  }

  /** Pages of page tables. */
  get tables(): number {
    return [...this.#tables.values(), ...this.#directories.values()].filter((page) => page !== null).length;
  }

  /** Page tables of a range that nothing else needs go: free_pgtables(). */
  release({ vpn, pages }: Mapping, caller: Caller): void {
    const others = [...this.anon, ...this.files];
    const needed = (from: number, to: number) => others.some((m) => m.vpn < to && from < m.vpn + m.pages);
    const drop = (level: Map<number, KernelPages | null>, shift: number) => {
      const first = Math.floor(vpn / 2 ** shift);
      const last = Math.floor((vpn + pages - 1) / 2 ** shift);
      for (let i = first; i <= last; i++) {
        const page = level.get(i);
        if (page == null || needed(i * 2 ** shift, (i + 1) * 2 ** shift)) continue;
        level.delete(i);
        this.#kernel.freePage(page, caller);
      }
    };
    drop(this.#tables, TABLE_SHIFT);
    drop(this.#directories, 2 * TABLE_SHIFT);
  }

  /** fork(2): mappings and, of private memory, page tables are copied at once; those of shared mappings come with the faults. */
  copyInto(child: AddressSpace, caller: Caller): void {
    if (this.#libraries > 0) child.hasLibraries(this.#libraries);
    for (const mapping of this.anon) child.anon.add(mapping);
    for (const mapping of this.files) {
      mapping.file.references++;
      child.files.add(mapping);
    }
    for (const mapping of this.anon)
      for (const table of this.#tables.keys())
        if (mapping.vpn >> TABLE_SHIFT <= table && table <= (mapping.vpn + mapping.pages - 1) >> TABLE_SHIFT)
          child.fault(table << TABLE_SHIFT, caller);
  }

  /** Everything goes: exec, exit. Answers the files that were mapped, whose references the caller drops. */
  clear(caller: Caller): FileMapping[] {
    for (const page of [...this.#tables.values(), ...this.#directories.values()])
      if (page !== null) this.#kernel.freePage(page, caller);
    this.#tables.clear();
    this.#directories.clear();
    const files = [...this.files];
    this.files.clear();
    this.anon.clear();
    this.#libraries = 0;
    return files;
  }
}
