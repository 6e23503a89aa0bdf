// Random choices (which stock slot to evict) come from one generator per CPU, in memory: the same trace, policy and seed give
// the same state on every machine. SplitMix64 (Steele, Lea, Flood 2014).
import * as L from './layout';
import { cpuAt } from './memory';

@inline export function mix64(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** Where a CPU's generator starts. */
export function seedOf(cpu: u32, seed: u32): u64 {
  return mix64((<u64>seed << 32) | (cpu + 1));
}

export function seedRandom(cpu: u32, seed: u32): void {
  store<u64>(cpuAt(cpu), seedOf(cpu, seed), L.CPU_RANDOM);
}

/** Uniform in [0, bound): the kernel's get_random_u32_below(). */
export function randomBelow(cpu: u32, bound: u32): u32 {
  let at = cpuAt(cpu);
  let state = load<u64>(at, L.CPU_RANDOM) + 0x9e3779b97f4a7c15;
  store<u64>(at, state, L.CPU_RANDOM);
  return <u32>(((mix64(state) >> 32) * <u64>bound) >> 32);
}
