/** /proc/sys. kernel/sysctl.c; mm/. */
import * as L from '../../../assembly/layout.ts';
import { SyscallError } from './error.ts';
import type { Kernel } from './kernel.ts';
import { parseInt10 } from './procfs-text.ts';
import { FIXED_SYSCTLS } from './sysctl-data.ts';
import type { Caller } from './vfs.ts';
import { FixedDirectory, TextFile, type VirtualFs } from './virtual-fs.ts';

interface Sysctl {
  mode: number;
  show?: () => string;
  store?: (text: string, caller: Caller) => void;
}

/** proc_dointvec_minmax(): an integer in a range. SyscallError EINVAL. */
function integer(text: string, least: number, most: number): number {
  const value = parseInt10(text);
  if (value === null || value < least || value > most) throw new SyscallError('EINVAL');
  return value;
}

/** A word of the machine's header that a knob of vm stands for. */
function word(kernel: Kernel, field: number): { get: () => number; set: (value: number) => void } {
  const words = new Uint32Array(kernel.machine.memory.buffer);
  const at = (L.HEADER + field) / 4;
  return {
    get: () => words[at]!,
    set: (value) => {
      words[at] = value;
    },
  };
}

function sysctls(kernel: Kernel): Map<string, Sysctl> {
  const all = new Map<string, Sysctl>();
  for (const [name, mode, value] of FIXED_SYSCTLS)
    all.set(name, {
      mode,
      show: () => `${value}\n`,
      store: (text) => {
        if (text.trim().replace(/[ \t]+/g, '\t') !== value) throw new SyscallError('EOPNOTSUPP');
      },
    });
  const swappiness = word(kernel, L.H_SWAPPINESS);
  all.set('vm/swappiness', {
    mode: 0o644,
    show: () => `${swappiness.get()}\n`,
    store: (text) => swappiness.set(integer(text, 0, 200)),
  });
  all.set('vm/min_free_kbytes', { mode: 0o444, show: () => `${word(kernel, L.H_MIN_FREE_KBYTES).get()}\n` });
  all.set('vm/watermark_scale_factor', { mode: 0o444, show: () => `${word(kernel, L.H_WATERMARK_SCALE).get()}\n` });
  all.set('vm/drop_caches', {
    mode: 0o200,
    store: (text, caller) => {
      const what = integer(text, 1, 4);
      if (what & 1) kernel.dropped.pagecache++;
      if (what & 2) kernel.dropped.slab++;
      if (what & 3) kernel.dropCaches((what & 3) as 1 | 2 | 3, caller);
    },
  });
  all.set('vm/compact_memory', {
    mode: 0o200,
    store: () => {
      throw new SyscallError('EOPNOTSUPP');
    },
  });
  all.set('kernel/hostname', {
    mode: 0o644,
    show: () => `${kernel.hostname}\n`,
    store: (text) => {
      kernel.hostname = text.split('\n')[0]!.slice(0, 64);
    },
  });
  all.set('kernel/osrelease', { mode: 0o444, show: () => `${kernel.release}\n` });
  all.set('kernel/version', { mode: 0o444, show: () => `${kernel.version}\n` });
  return all;
}

/** The directory /proc/sys. */
export function sysctlDirectory(fs: VirtualFs, kernel: Kernel): FixedDirectory {
  const root = new FixedDirectory(fs);
  const directories = new Map<string, FixedDirectory>();
  for (const [path, { mode, show, store }] of [...sysctls(kernel)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [directory, name] = path.split('/') as [string, string];
    const parent = directories.get(directory) ?? root.add(directory, new FixedDirectory(fs));
    directories.set(directory, parent);
    parent.add(
      name,
      new TextFile(fs, {
        mode,
        strict: true,
        ...(show && { show }),
        ...(store && {
          // do_proc_dointvec(): nothing was written
          store: (text: string, caller: Caller) => {
            if (text !== '') store(text, caller);
          },
        }),
      }),
    );
  }
  return root;
}
