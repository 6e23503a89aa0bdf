/**
 * The files *.pressure and cgroup.pressure. kernel/cgroup/cgroup.c: cgroup_psi_files[], cgroup_pressure_write(); kernel/sched/psi.c:
 * psi_show(). The model knows who waits for memory; of CPU and I/O, and in a cgroup without a memcg of its own, it shows an idle machine.
 */
import { EngineError } from '../engine/error.ts';
import type { Pressure, PressureLine } from '../report/pressure.ts';
import { MEMORY } from './controllers.ts';
import type { Directory } from './directory.ts';
import type { FileType, Tree } from './file-type.ts';
import { parseInteger } from './parse.ts';

const IDLE_LINE: PressureLine = { avg10: 0, avg60: 0, avg300: 0, total: 0 };
const IDLE: Pressure = { some: IDLE_LINE, full: IDLE_LINE };

function print({ some, full }: Pressure): string {
  const line = (name: string, { avg10, avg60, avg300, total }: PressureLine) =>
    `${name} avg10=${avg10.toFixed(2)} avg60=${avg60.toFixed(2)} avg300=${avg300.toFixed(2)} total=${total}\n`;
  return line('some', some) + line('full', full);
}

function memoryPressure({ machine }: Tree, d: Directory): string {
  return print(d.controllers & MEMORY && machine.residency === 'modelled' ? machine.pressure(d.memcg) : IDLE);
}

function refuseTrigger(): void {
  throw new EngineError('EOPNOTSUPP', 'EOPNOTSUPP: triggers of pressure are not modelled');
}

function writeShown(tree: Tree, d: Directory, text: string): void {
  const shown = parseInteger(text);
  if (shown < 0 || shown > 1) throw new EngineError('ERANGE', `ERANGE: ${shown} is not 0 or 1`);
  if (d.pressure !== (shown === 1)) tree.showPressure(d, shown === 1);
}

/** The files that cgroup.pressure shows and hides. */
export const PRESSURE_FILES: readonly FileType[] = [
  { name: 'io.pressure', config: 'PSI', show: () => print(IDLE), write: refuseTrigger },
  { name: 'memory.pressure', config: 'PSI', show: memoryPressure, write: refuseTrigger },
  { name: 'cpu.pressure', config: 'PSI', show: () => print(IDLE), write: refuseTrigger },
];

export const PRESSURE_SWITCH: FileType = {
  name: 'cgroup.pressure',
  config: 'PSI',
  show: (_tree, d) => (d.pressure ? '1\n' : '0\n'),
  write: writeShown,
};
