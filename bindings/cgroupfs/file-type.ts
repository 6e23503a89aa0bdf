/** Kinds of control files: what struct cftype is in the kernel. */
import type { EngineError } from '../engine/error.ts';
import type { Kernel, Machine } from '../machine.ts';
import type { Payer } from '../policy/policy.ts';
import type { KernelConfig } from './config.ts';
import type { Controller } from './controllers.ts';
import type { Directory } from './directory.ts';
import type { Members } from './members.ts';
import type { Processes } from './processes.ts';

/** Who does something: what the kernel looks at where permission is asked. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
  /** CAP_DAC_OVERRIDE, CAP_FOWNER and their like; root has them unless told */
  readonly capable?: boolean;
}

/** What the files need of the file system that they are in. */
export interface Tree {
  readonly machine: Machine;
  readonly kernel: Kernel;
  readonly config: KernelConfig;
  readonly root: Directory;
  readonly members: Members;
  readonly processes: Processes;
  /** block devices, `major:minor`, as io.stat lists them */
  readonly devices: readonly string[];
  /** cgroup_subtree_control_write(): after its rules were asked */
  setSubtreeControl(directory: Directory, set: number, by: Credentials): void;
  /** cgroup_enable_threaded(): after its rules were asked */
  makeThreaded(directory: Directory, by: Credentials): void;
  /** EACCES unless they may write to that cgroup's cgroup.procs */
  mayWriteProcs(directory: Directory, credentials: Credentials): boolean;
  /** cgroup.freeze changed here or above */
  refreeze(directory: Directory): void;
  /** cgroup.pressure: the files *.pressure of a cgroup come and go */
  showPressure(directory: Directory, shown: boolean): void;
  /** cgroups below that are removed and not yet free */
  nrDying(directory: Directory): number;
  /** … and of a controller, here and below */
  nrDyingOf(directory: Directory, controller: Controller): number;
}

/** A write: who does it, and who opened the file. */
export interface Writer {
  /** pid of who writes; 0: somebody outside */
  readonly pid: number;
  readonly credentials: Credentials;
}

/** A file that is open keeps what belongs to it alone. */
export interface OpenState {
  read(): string;
  write(text: string): void;
  close(): void;
}

export interface FileType {
  readonly name: string;
  /** whose file it is; none: every cgroup has it */
  readonly controller?: Controller;
  readonly notOnRoot?: boolean;
  /** which kernel has it; both unless told */
  readonly kernel?: Kernel;
  /** which answer to `payer` of the charging policy brings it along: a kernel with that patch; none: it is in every one */
  readonly payer?: Payer;
  /** what the kernel must be built with */
  readonly config?: keyof KernelConfig;
  /** what it reads; none: EINVAL, and nobody but root may open it for reading */
  readonly show?: (tree: Tree, directory: Directory) => string;
  /** what a write does; the text is not empty. Throws {@link EngineError}. None: EINVAL. */
  readonly write?: (tree: Tree, directory: Directory, text: string, writer: Writer) => void;
  /** where each open file has a state of its own: instead of `show` and `write` */
  readonly open?: (tree: Tree, directory: Directory) => OpenState;
  /** … and whether it can be written */
  readonly writable?: boolean;
}
