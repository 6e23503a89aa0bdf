// Who pays is the cgroup that userspace named for a resource. Debate 2.

/** The memcg that is charged for a page of `object` (0: private memory) which `toucher` would pay for in Linux. */
export function namedPayer(task: u32, object: u32, toucher: u32): u32 {
  return toucher;
}
