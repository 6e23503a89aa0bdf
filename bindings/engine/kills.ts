/** The table of kills (assembly/charge/kills.ts), as objects. Bytes. */
import * as L from '../../assembly/layout.ts';
import { PAGE_SIZE } from '../trace/schema.ts';

/** A process that the OOM killer could have taken. */
export interface Candidate {
  task: number;
  name: string | null;
  cgroup: number;
  /** what it had in its page tables */
  anon: number;
  file: number;
  shmem: number;
  /** what of it lay in swap */
  swap: number;
  /** page tables that its private memory needs */
  pagetables: number;
  oom_score_adj: number;
  /** oom_badness(): pages of all these, and a thousandth of the limit for each point of oom_score_adj */
  points: number;
}

/** One decision of the OOM killer. */
export interface Kill {
  ts: bigint;
  /** whose limit could not be kept; of a recorded kill the victim's own cgroup */
  cgroup: number;
  /** memory.current and memory.max of that cgroup, just before; null where a recording does not tell */
  usage: number | null;
  limit: number | null;
  victim: { task: number; name: string | null; cgroup: number; points: number | null };
  /** the cgroup that went whole (memory.oom.group), 0: only the victim did */
  group: number;
  /** processes killed */
  processes: number;
  /** who could have been chosen, the first choice first; at most 32. Recordings do not tell */
  candidates: Candidate[];
  /** candidates beyond those */
  omitted: number;
}

/** Record `kill` of the table that begins at `base`. `nameOf` tells what a task was called then. */
export function killAt(
  memory: ArrayBufferLike,
  base: number,
  kill: number,
  nameOf: (task: number) => string | null,
): Kill {
  const view = new DataView(memory as ArrayBuffer, base + kill * L.KILL_STRIDE, L.KILL_STRIDE);
  const word = (field: number) => view.getUint32(field, true);
  const long = (field: number) => Number(view.getBigInt64(field, true));
  const over = word(L.KILL_OVER);
  const recorded = over === 0;
  const candidates = Array.from({ length: word(L.KILL_NR_CANDIDATES) }, (_, i): Candidate => {
    const at = L.KILL_HEAD + i * L.CANDIDATE_STRIDE;
    const task = word(at + L.CANDIDATE_TASK);
    const bytes = (field: number) => word(at + field) * PAGE_SIZE;
    return {
      task,
      name: nameOf(task),
      cgroup: word(at + L.CANDIDATE_MEMCG),
      anon: bytes(L.CANDIDATE_ANON),
      file: bytes(L.CANDIDATE_FILE),
      shmem: bytes(L.CANDIDATE_SHMEM),
      swap: bytes(L.CANDIDATE_SWAP),
      pagetables: bytes(L.CANDIDATE_PAGE_TABLES),
      oom_score_adj: view.getInt32(at + L.CANDIDATE_ADJ, true),
      points: long(at + L.CANDIDATE_POINTS),
    };
  });
  const task = word(L.KILL_VICTIM);
  const memcg = word(L.KILL_MEMCG);
  return {
    ts: view.getBigUint64(L.KILL_TS, true),
    cgroup: recorded ? memcg : over,
    usage: recorded ? null : long(L.KILL_USAGE) * PAGE_SIZE,
    limit: recorded ? null : long(L.KILL_LIMIT) * PAGE_SIZE,
    victim: { task, name: nameOf(task), cgroup: memcg, points: recorded ? null : long(L.KILL_POINTS) },
    group: word(L.KILL_GROUP),
    processes: word(L.KILL_PROCESSES),
    candidates,
    omitted: word(L.KILL_OMITTED),
  };
}

/** Tasks that a record names. */
export function tasksOfKill(memory: ArrayBufferLike, base: number, kill: number): number[] {
  const view = new DataView(memory as ArrayBuffer, base + kill * L.KILL_STRIDE, L.KILL_STRIDE);
  const tasks = [view.getUint32(L.KILL_VICTIM, true)];
  const n = view.getUint32(L.KILL_NR_CANDIDATES, true);
  for (let i = 0; i < n; i++) tasks.push(view.getUint32(L.KILL_HEAD + i * L.CANDIDATE_STRIDE + L.CANDIDATE_TASK, true));
  return tasks;
}
