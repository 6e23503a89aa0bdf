/** Every control file, in the order in which the kernel makes those of a cgroup. */
import type { Kernel } from '../machine.ts';
import type { Payer } from '../policy/policy.ts';
import type { KernelConfig } from './config.ts';
import type { Controller } from './controllers.ts';
import { CORE_FILES } from './core-files.ts';
import { CPU_FILES } from './cpu-files.ts';
import type { FileType } from './file-type.ts';
import { IO_FILES } from './io-files.ts';
import { MEMORY_FILES } from './memory-files.ts';
import { PAYER_FILES } from './payer-files.ts';
import { PIDS_FILES } from './pids-files.ts';
import { PRESSURE_FILES, PRESSURE_SWITCH } from './pressure-files.ts';

const TYPES: readonly FileType[] = [
  ...CORE_FILES,
  ...PRESSURE_FILES,
  PRESSURE_SWITCH,
  ...CPU_FILES,
  ...IO_FILES,
  ...MEMORY_FILES,
  ...PAYER_FILES,
  ...PIDS_FILES,
];

/** The files of a controller, or those that every cgroup has (`null`), of the root or another cgroup. */
export function fileTypes(
  controller: Controller | null,
  root: boolean,
  kernel: Kernel,
  config: KernelConfig,
  payer: Payer,
): FileType[] {
  return TYPES.filter(
    (type) =>
      (type.controller ?? null) === controller &&
      !(root && type.notOnRoot) &&
      (type.kernel ?? kernel) === kernel &&
      (type.payer ?? payer) === payer &&
      (type.config === undefined || config[type.config]),
  );
}

export function isReadable(type: FileType): boolean {
  return (type.show ?? type.open) !== undefined;
}

export function isWritable(type: FileType): boolean {
  return type.write !== undefined || type.writable === true;
}

/** cgroup_file_mode() */
export function fileMode(type: FileType): number {
  return (isReadable(type) ? 0o444 : 0) | (isWritable(type) ? 0o200 : 0);
}
