// Who pays for work that is done for somebody else: workerOf(). Linux 6.18: the issuer, by a worker of its own. Debate 3.

/** The memcg that pays for what a loop device does for the sake of `memcg`, which is `issuer` in Linux. */
export function loopPayer(object: u32, memcg: u32, issuer: u32): u32 {
  return issuer;
}
