/**
 * The controllers of cgroup v2 that the model has, as sets of bits. kernel/cgroup/cgroup.c: cgroup_subsys[], cgrp_dfl_threaded_ss_mask,
 * cgroup_calc_subtree_ss_mask(). They are those of the kernel that `memcharge run` is compared with; cpuset, hugetlb, rdma, misc and dmem
 * are not among them.
 */

export type Controller = 'cpu' | 'io' | 'memory' | 'pids';
/** A set of controllers: bit n is CONTROLLERS[n]. */
export type ControllerSet = number;

/** In the kernel's order, which is that of cgroup.controllers. */
export const CONTROLLERS: readonly Controller[] = ['cpu', 'io', 'memory', 'pids'];
export const CPU = 1;
export const IO = 2;
export const MEMORY = 4;
export const PIDS = 8;
export const ALL_CONTROLLERS: ControllerSet = CPU | IO | MEMORY | PIDS;
/** Those that can divide the threads of one process. */
export const THREADED_CONTROLLERS: ControllerSet = CPU | PIDS;

/** The set of one, 0 for a name that is none of them. */
export function controllerBit(name: string): ControllerSet {
  const index = (CONTROLLERS as readonly string[]).indexOf(name);
  return index < 0 ? 0 : 1 << index;
}

/** Those of a set, in order. */
export function controllersOf(set: ControllerSet): Controller[] {
  return CONTROLLERS.filter((_, index) => set & (1 << index));
}

/** `cpu io` and a newline; nothing for none: cgroup_print_ss_mask(). */
export function printControllers(set: ControllerSet): string {
  return set ? `${controllersOf(set).join(' ')}\n` : '';
}

/** What is switched on along with a set: io depends on memory, which is there then without its files. */
export function withDependencies(set: ControllerSet, available: ControllerSet): ControllerSet {
  return (set & IO ? set | MEMORY : set) & available;
}
