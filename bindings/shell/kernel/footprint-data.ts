/** The shape of what programs and the kernel's own objects use; measured by `npm run parity -- --calibrate` (test/parity/calibration.md). */

/** One file that a running program maps. Pages. */
export interface FileFootprint {
  readonly path: string;
  /** the file's length */
  readonly pages: number;
  /** in the page cache once the program runs, readahead included: charged to the program's cgroup unless others hold the file open */
  readonly cached: number;
  /** in the program's page tables */
  readonly mapped: number;
}

/** What a program uses once it has begun. */
export interface ProgramFootprint {
  /** private pages that it has written */
  readonly anon: number;
  /** pages of page tables */
  readonly tables: number;
  /** bytes of slab of its address space (mm_struct, mappings, anon_vma), with the pointers to their owner */
  readonly slab: number;
  /** files that it maps: itself, libraries, the loader */
  readonly files: readonly FileFootprint[];
  /** what a child has of its memory that it forks and that outlives it, where it forks one */
  readonly forked?: ForkedFootprint;
}

/** What is left to a child that goes on in its parent's program. Pages. */
export interface ForkedFootprint {
  /** of the private pages, those that the parent had written by then */
  readonly anon: number;
  /** of the program's own file, in the child's page tables: fork(2) copies no entries of files, the child maps again what it runs */
  readonly mapped: number;
}

/** Bytes of slab (or of percpu memory) of objects that the kernel charges to who makes them, with the pointers to their owner. */
export interface ObjectFootprint {
  /** an open file */
  readonly file: number;
  /** a pipe without its two open files */
  readonly pipe: number;
  /** a name and an inode on tmpfs */
  readonly tmpfsInode: number;
  /** a name and an inode on ext4 */
  readonly ext4Inode: number;
  /** a name and an inode of procfs, gone at the end of its process or under reclaim */
  readonly procInode: number;
  /** a name and an inode of the file system that programs lie on: gone as soon as nobody holds the file */
  readonly programInode: number;
  /** a node of a file's page cache: one per 64 pages that are not alone, and those above them */
  readonly cacheNode: number;
  /** a buffer head: one per page written on ext4 */
  readonly bufferHead: number;
  /** percpu memory of a memcg, charged to the parent of the new cgroup */
  readonly memcgPercpu: number;
}

/** One kernel's figures. */
export interface FootprintData {
  readonly kernel: string;
  /** how they were found */
  readonly origin: string;
  /** order of the pages of a kernel stack */
  readonly stackOrder: number;
  /** bytes of slab of a process without its address space (task_struct, signal handlers, files, pid …) */
  readonly slab: number;
  readonly objects: ObjectFootprint;
  /** files that are held before a script begins (by bash), charged to the root */
  readonly held: readonly FileFootprint[];
  readonly programs: Readonly<Record<string, ProgramFootprint>>;
}
