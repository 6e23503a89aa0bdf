/** The cpu controller's settings of one cgroup. They are kept and shown; the model has no time that they could divide. */
export class CpuState {
  /** what cpu.weight and cpu.weight.nice show, each in its way: 1024 is a weight of 100, and nice 0 */
  shares = 1024;
  idle = false;
  /** µs in each period; null: max */
  quota: bigint | null = null;
  period = 100_000n;
  burst = 0n;
}
