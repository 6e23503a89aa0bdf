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

/** So long live kernels are asked, one after the other; recordings stand in for the rest. */
const LIVE_MS = 240_000;

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

/** Lines of the given scripts that are not even tolerantly what the kernel prints: reasons.json has why. */
const OPEN = ['03-page-cache-limit: workingset_refault_file 8'];

describe('the scripts that were given', () => {
  it.each(['6.1', '6.18'] as const)('print what Linux %s prints, tolerantly in each line but one', async (kernel) => {
    const comparisons = await against(kernel, given);
    const open = [...comparisons].flatMap(([name, { lines }]) =>
      lines.filter((line) => !line.tolerant).map((line) => `${name}: ${line.want[0]}`),
    );
    expect(open).toEqual(OPEN);
    expect(total(comparisons.values()).exact).toBeGreaterThanOrEqual(betweenKernels());
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

  it('print what a live Linux 6.1 prints', { timeout: 2 * LIVE_MS }, async () => {
    const comparisons: Comparison[] = [];
    const without: string[] = [];
    const end = performance.now() + LIVE_MS;
    for (const script of all) {
      const known = recorded(script.name, '6.1')!;
      const live = guestKernel() !== null && performance.now() < end ? await alive(script) : null;
      if (live === null) without.push(script.name);
      comparisons.push(compare(live === null ? known : [...known, live], (await mine(script, '6.1')).lines));
    }
    if (without.length > 0)
      console.warn(`no live kernel, but recordings, for ${without.length} scripts: ${without.join(' ')}`);
    if (guestKernel() !== null) expect(all.length - without.length).toBeGreaterThanOrEqual(given.length);
    const { tolerant, of } = total(comparisons);
    expect(tolerant / of).toBeGreaterThanOrEqual(0.97);
  });
});

/** What the live kernel prints; null where it does not end, as one that is short of memory on a busy machine. */
async function alive(script: Script): Promise<readonly string[] | null> {
  try {
    return (await runOnGuest(script.source, `${script.name}.sh`, 30_000)).lines;
  } catch (error) {
    console.warn(error instanceof Error ? error.message.split('\n')[0] : error);
    return null;
  }
}
