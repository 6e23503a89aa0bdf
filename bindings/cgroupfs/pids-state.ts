/** The pids controller's state of one cgroup. kernel/cgroup/pids.c: struct pids_cgroup. */

/** PIDS_MAX on 64 bits: one more than the highest number of tasks; reads as `max`. */
export const PIDS_MAX = 4_194_305n;

export class PidsState {
  limit = PIDS_MAX;
  /** tasks, the dead that nobody waited for among them */
  current = 0;
  /** the most there ever were */
  peak = 0;
  /** forks refused: in 6.1 of tasks here; in 6.18 by a limit here or below, and here */
  events = 0;
  localEvents = 0;
}
