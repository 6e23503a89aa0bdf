// Who pays is the cgroup that made a resource. Debate 2.

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function creatorPayer(task: u32, object: u32, toucher: u32): u32 {
  return toucher;
}
