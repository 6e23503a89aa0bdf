/**
 * A capture replayed from its accesses alone: the public trace says who touched what (`import --accesses`), the model decides what is
 * resident, reclaimed and killed, and its figures are put beside the kernel's own at every labelled sample. A sample's files were read
 * at some moment between its `t` and its `t_end`; the model is read half-way.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { regionAt } from '../../bindings/engine/capacities.ts';
import type { BootOptions, Machine } from '../../bindings/machine.ts';
import { bootFor } from '../../bindings/replay/replay.ts';
import { lookAt } from '../../bindings/replay/residency.ts';
import type { TraceBatch } from '../../bindings/trace/arrow-reader.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import type { ImportReport } from '../../bindings/trace/import-report.ts';
import { PAGE_SIZE, ROOT_CGROUP } from '../../bindings/trace/schema.ts';
import { captureBytes } from './run.ts';

/** What is compared, in the table's order. Memory in pages. */
export const FIGURES = [
  'current',
  'peak',
  'swap',
  'anon',
  'file',
  'shmem',
  'kernel',
  'max',
  'high',
  'oom',
  'oom_kill',
  'oom_group_kill',
  'pgscan',
  'pgsteal',
  'refault_anon',
  'refault_file',
  'pgfault',
  'pgmajfault',
] as const;
export type Figure = (typeof FIGURES)[number];
export type Figures = Record<Figure, number>;

/** One cgroup at one labelled sample. `model` null: the model does not know the cgroup. */
export interface PhaseFigures {
  phase: string;
  path: string;
  model: Figures | null;
  kernel: Figures;
}

export interface Killed {
  pid: number;
  comm: string;
}

export interface ModelledRun {
  machine: Machine;
  report: ImportReport;
  phases: PhaseFigures[];
  killed: { model: Killed[]; kernel: Killed[] };
}

interface KernelCgroup {
  id: number;
  current: number;
  peak: number;
  swap_current?: number;
  events: Record<string, number>;
  stat: Record<string, number>;
}

interface LabelledSample {
  at: number;
  label: string;
  cgroups: Record<string, KernelCgroup>;
}

const pages = (bytes: number | undefined) => (bytes ?? 0) / PAGE_SIZE;

function figuresOf(
  stat: Record<string, number>,
  events: Record<string, number>,
  current: number,
  peak: number,
  swap: number,
): Figures {
  return {
    current: pages(current),
    peak: pages(peak),
    swap: pages(swap),
    anon: pages(stat.anon),
    file: pages(stat.file),
    shmem: pages(stat.shmem),
    kernel: pages(stat.kernel),
    max: events.max!,
    high: events.high!,
    oom: events.oom!,
    oom_kill: events.oom_kill!,
    oom_group_kill: events.oom_group_kill!,
    pgscan: stat.pgscan!,
    pgsteal: stat.pgsteal!,
    refault_anon: stat.workingset_refault_anon!,
    refault_file: stat.workingset_refault_file!,
    pgfault: stat.pgfault!,
    pgmajfault: stat.pgmajfault!,
  };
}

/** The samples, and the size of the swap device in pages. */
async function labelledSamples(path: string): Promise<{ wanted: LabelledSample[]; swap: number }> {
  const lines = (await captureBytes(path))
    .toString()
    .split('\n')
    .filter((line) => line.includes('"label":"'))
    .map((line) => JSON.parse(line));
  const wanted = lines
    .map(({ t, t_end, label, cgroups }) => ({ at: Math.round(((t + t_end) / 2) * 1e9), label, cgroups }))
    .sort((a, b) => a.at - b.at);
  const kilobytes = lines.find(({ meminfo_kB }) => meminfo_kB !== undefined)?.meminfo_kB.SwapTotal ?? 0;
  return { wanted, swap: Math.floor((kilobytes * 1024) / PAGE_SIZE) };
}

/** Who is who, and whom the OOM killer took, on the recorded machine and in the model. */
class Tasks {
  readonly #names = new Map<number, Killed>();
  readonly #counted = new Set<number>();
  readonly model: Killed[] = [];
  readonly kernel: Killed[] = [];

  /** Notes what a row that was just run says. */
  row(batch: TraceBatch, row: number, machine: Machine): void {
    const op = batch.opMap[batch.op[row]!];
    const object = batch.object[row]!;
    if (op === O.OP_SPAWN || op === O.OP_FORK) {
      const id = op === O.OP_SPAWN ? batch.task[row]! : object;
      this.#names.set(id, { pid: Number(batch.index[row]!), comm: batch.name(row) ?? '' });
      // A child of one that was killed never lived in the model: it is no victim.
      if (op === O.OP_FORK && this.#isKilled(machine, id)) this.#counted.add(id);
    }
    if (op === O.OP_EXEC) {
      const name = this.#names.get(batch.task[row]!);
      if (name) name.comm = (batch.name(row) ?? '').split('/').at(-1)!;
    }
    if (op === O.OP_MARK_VICTIM) this.kernel.push({ ...this.#names.get(object)! });
  }

  look(machine: Machine): void {
    for (const [id, name] of this.#names) {
      if (this.#counted.has(id) || !this.#isKilled(machine, id)) continue;
      this.#counted.add(id);
      this.model.push({ ...name });
    }
  }

  #isKilled(machine: Machine, id: number): boolean {
    const base = regionAt(L.R_MM, machine.capacities);
    return new Uint32Array(machine.memory.buffer)[(base + id * L.MM_STRIDE + L.TASK_KILLED) / 4] !== 0;
  }
}

/** Ops after which somebody may have come or gone. */
const WATCHED: ReadonlySet<number> = new Set([O.OP_SPAWN, O.OP_FORK, O.OP_EXEC, O.OP_MARK_VICTIM]);

/** The recorded machine: reads 128 KiB ahead and maps 64 KiB around a fault, as Linux does unless told. */
export const LINUX_61: BootOptions = { kernel: '6.1', readahead: 32, faultAround: 16 };

/** Imports the accesses of a public trace, replays them with `boot`, and reads the figures beside the labelled samples. */
export async function runModelled(trace: string, samples: string, boot: BootOptions = LINUX_61): Promise<ModelledRun> {
  const folder = await mkdtemp(join(tmpdir(), 'memcharge-modelled-'));
  try {
    const path = join(folder, 'capture.arrow');
    const writer = new TraceWriter(path, { source: 'ftrace', clock: 'recorded' });
    const { report, highWater } = await importFiles([trace], writer, { accesses: true });
    writer.close(highWater);
    const opened = await openTrace(path);
    try {
      const looked = await lookAt(opened);
      const { wanted, swap } = await labelledSamples(samples);
      const machine = await bootFor(looked.trace, { swap, ...boot, residency: 'modelled' }, false);
      const phases: PhaseFigures[] = [];
      const tasks = new Tasks();
      const read = ({ at, label, cgroups }: LabelledSample) => {
        machine.engine.advance(BigInt(at));
        for (const [path, kernel] of Object.entries(cgroups)) {
          if (path === '/' || kernel.current === undefined) continue;
          const id = [...machine.cgroups].findLast(([, { kernelId }]) => Number(kernelId) === kernel.id)?.[0];
          phases.push({
            phase: label,
            path,
            model: id === undefined || id === ROOT_CGROUP ? null : modelFigures(machine, id),
            kernel: figuresOf(kernel.stat, kernel.events, kernel.current, kernel.peak, kernel.swap_current ?? 0),
          });
        }
      };
      let next = 0;
      for await (const batch of looked.trace.batches()) {
        let row = 0;
        while (row < batch.length) {
          let to = row;
          const at = wanted[next]?.at ?? Number.POSITIVE_INFINITY;
          while (to < batch.length && to - row < L.COLUMN_ROWS && Number(batch.ts[to]!) <= at) {
            if (WATCHED.has(batch.opMap[batch.op[to++]!]!)) break;
          }
          if (to > row) {
            machine.replay(batch, row, to);
            tasks.row(batch, to - 1, machine);
            tasks.look(machine);
          } else read(wanted[next++]!);
          row = to;
        }
      }
      while (next < wanted.length) read(wanted[next++]!);
      return { machine, report, phases, killed: { model: tasks.model, kernel: tasks.kernel } };
    } finally {
      await opened.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function modelFigures(machine: Machine, id: number): Figures {
  const own = machine.figures(id);
  const { 'memory.stat': stat, 'memory.events': events } = own;
  return figuresOf(stat, events, own['memory.current'], own['memory.peak'], own['memory.swap.current']);
}

/** Rows of a table of one capture: equal figures once, others as `model|kernel`. Figures that are 0 throughout are left out. */
export function modelledTable(phases: readonly PhaseFigures[]): { header: string[]; rows: string[][] } {
  const shown = FIGURES.filter((figure) => phases.some(({ model, kernel }) => kernel[figure] !== 0 || model?.[figure]));
  const cell = (model: Figures | null, kernel: Figures, figure: Figure) => {
    if (model === null) return `-|${kernel[figure]}`;
    return model[figure] === kernel[figure] ? String(kernel[figure]) : `${model[figure]}|${kernel[figure]}`;
  };
  const rows = phases.map(({ phase, path, model, kernel }) => [
    phase,
    path,
    ...shown.map((figure) => cell(model, kernel, figure)),
  ]);
  return { header: ['phase', 'cgroup', ...shown], rows };
}
