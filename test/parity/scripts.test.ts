/**
 * The proof of `memcharge run`: every script of this folder prints in the simulator what a real kernel prints. Against the recordings of both
 * kernels; and where Debian's user-mode-linux is installed, against the live kernel too. `npm run parity` shows the same as a table.
 */
import { describe, expect, it } from 'vitest';
import { type Comparison, compare } from './compare.ts';
import { guestKernel, runOnGuest } from './guest/guest.ts';
import { unexplained } from './reasons.ts';
import { type Kernel, recorded, type Script, scripts } from './recordings.ts';
import { type SimulatedRun, simulate } from './simulate.ts';

const all = scripts();
const given = all.filter(({ name }) => recorded(name, '6.18') !== null);

interface Scores {
  exact: number;
  tolerant: number;
  of: number;
}

function total(comparisons: Iterable<Comparison>): Scores {
  const sum = { exact: 0, tolerant: 0, of: 0 };
  for (const { exact, tolerant, of } of comparisons) {
    sum.exact += exact;
    sum.tolerant += tolerant;
    sum.of += of;
  }
  return sum;
}

/** Simulated once per kernel: the scripts are deterministic there. */
const simulated = new Map<string, Promise<SimulatedRun>>();
function mine(script: Script, kernel: Kernel): Promise<SimulatedRun> {
  const key = `${kernel} ${script.name}`;
  const known = simulated.get(key) ?? simulate(script, kernel);
  simulated.set(key, known);
  return known;
}

async function against(kernel: Kernel, chosen: readonly Script[]): Promise<Map<string, Comparison>> {
  const found = new Map<string, Comparison>();
  for (const script of chosen) {
    found.set(script.name, compare(recorded(script.name, kernel)!, (await mine(script, kernel)).lines));
  }
  return found;
}

/** How near the two kernels are to each other on the given scripts: the bar for the exact score. */
function betweenKernels(): number {
  const comparisons = given.map(({ name }) => {
    const scores = recorded(name, '6.18')!.map((run) => compare(recorded(name, '6.1')!, run));
    return scores.reduce((best, one) => (one.exact > best.exact ? one : best));
  });
  return total(comparisons).exact;
}

describe('the scripts that were given', () => {
  it.each(['6.1', '6.18'] as const)('print what Linux %s prints, tolerantly in each line', async (kernel) => {
    const comparisons = await against(kernel, given);
    const { exact, tolerant, of } = total(comparisons.values());
    expect(tolerant).toBe(of);
    expect(exact).toBeGreaterThanOrEqual(betweenKernels());
  });
});

describe('all scripts', () => {
  it('print what Linux 6.1 printed, tolerantly in 97 of 100 lines', async () => {
    const { tolerant, of } = total((await against('6.1', all)).values());
    expect(of).toBeGreaterThan(800);
    expect(tolerant / of).toBeGreaterThanOrEqual(0.97);
  });

  it.each(['6.1', '6.18'] as const)('differ from Linux %s for reasons that are written down', async (kernel) => {
    expect(unexplained(kernel, await against(kernel, kernel === '6.1' ? all : given))).toEqual([]);
  });

  it.runIf(guestKernel() !== null)(
    'print what a live Linux 6.1 prints',
    async () => {
      const comparisons: Comparison[] = [];
      for (const script of all) {
        const real = await runOnGuest(script.source, `${script.name}.sh`);
        comparisons.push(compare([...recorded(script.name, '6.1')!, real.lines], (await mine(script, '6.1')).lines));
      }
      const { tolerant, of } = total(comparisons);
      expect(tolerant / of).toBeGreaterThanOrEqual(0.97);
    },
    600_000,
  );
});
