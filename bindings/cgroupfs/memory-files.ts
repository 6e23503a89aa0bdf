/**
 * The files memory.*. mm/memcontrol.c: memory_files[], swap_files[], zswap_files[] and their handlers. Figures and enforcement are the
 * engine's; zswap is not modelled: its settings are kept, and nothing is ever in it.
 */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { EngineError } from '../engine/error.ts';
import { PAGE_SIZE } from '../trace/schema.ts';
import type { Directory } from './directory.ts';
import type { FileType, OpenState, Tree } from './file-type.ts';
import { showNumaStat, showStat } from './memory-stat-files.ts';
import { pageCounterMemparse, parseReclaim, parseSwitch, printPages } from './parse.ts';

const EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill'] as const;
const SWAP_EVENTS = ['high', 'max', 'fail'] as const;

function counter(which: number, field: number): (tree: Tree, d: Directory) => string {
  return ({ machine }, d) => `${BigInt(machine.engine.pageCounterField(d.memcg, which, field)) * BigInt(PAGE_SIZE)}\n`;
}

function limit(name: string, knob: number): FileType {
  return {
    name,
    controller: 'memory',
    notOnRoot: true,
    show: ({ machine }, d) => `${printPages(machine.engine.readKnob(d.memcg, knob))}\n`,
    write: ({ machine }, d, text) => machine.writeKnob(d.memcg, knob, pageCounterMemparse(text)),
  };
}

function peak(name: string, which: 'memory' | 'swap'): Pick<FileType, 'name' | 'controller' | 'notOnRoot' | 'open'> {
  return {
    name,
    controller: 'memory',
    notOnRoot: true,
    open: ({ machine }, d): OpenState => {
      const file = machine.openPeak(d.memcg, which);
      return {
        read: () => `${file.read()}\n`,
        write: (text) => file.write(text),
        close: () => file.close(),
      };
    },
  };
}

function events({ machine, kernel }: Tree, d: Directory, local: number): string {
  const lines = EVENTS.map((name, event) => `${name} ${machine.engine.eventCount(d.memcg, event, local)}\n`);
  return lines.join('') + (kernel === '6.18' ? 'sock_throttled 0\n' : '');
}

function swapEvents({ machine }: Tree, d: Directory): string {
  return SWAP_EVENTS.map(
    (name, event) => `${name} ${machine.engine.eventCount(d.memcg, L.EVENT_SWAP_HIGH + event, 0)}\n`,
  ).join('');
}

function writeReclaim({ machine, kernel }: Tree, d: Directory, text: string): void {
  const { pages, swappiness } = parseReclaim(text, kernel);
  if (machine.residency !== 'modelled')
    throw new EngineError('EOPNOTSUPP', 'EOPNOTSUPP: a recording says itself what is reclaimed');
  machine.reclaim(d.memcg, pages * BigInt(PAGE_SIZE), { swappiness });
}

const common = { controller: 'memory', notOnRoot: true } as const;
const show = (name: string, read: FileType['show']): FileType => ({ ...common, name, show: read! });

export const MEMORY_FILES: readonly FileType[] = [
  show('memory.current', counter(L.COUNTER_MEMORY, L.PC_USAGE)),
  { ...peak('memory.peak', 'memory'), kernel: '6.18', writable: true },
  { ...peak('memory.peak', 'memory'), kernel: '6.1' },
  limit('memory.min', O.KNOB_MIN),
  limit('memory.low', O.KNOB_LOW),
  limit('memory.high', O.KNOB_HIGH),
  limit('memory.max', O.KNOB_MAX),
  show('memory.events', (tree, d) => events(tree, d, 0)),
  show('memory.events.local', (tree, d) => events(tree, d, 1)),
  { name: 'memory.stat', controller: 'memory', show: showStat },
  { name: 'memory.numa_stat', controller: 'memory', config: 'NUMA', show: showNumaStat },
  {
    ...common,
    name: 'memory.oom.group',
    show: ({ machine }, d) => `${machine.engine.readKnob(d.memcg, O.KNOB_OOM_GROUP)}\n`,
    write: ({ machine }, d, text) => machine.writeKnob(d.memcg, O.KNOB_OOM_GROUP, parseSwitch(text) ? 1n : 0n),
  },
  { name: 'memory.reclaim', controller: 'memory', write: writeReclaim },
  show('memory.swap.current', counter(L.COUNTER_SWAP, L.PC_USAGE)),
  limit('memory.swap.high', O.KNOB_SWAP_HIGH),
  limit('memory.swap.max', O.KNOB_SWAP_MAX),
  { ...peak('memory.swap.peak', 'swap'), kernel: '6.18', writable: true },
  show('memory.swap.events', swapEvents),
  show('memory.zswap.current', () => '0\n'),
  {
    ...common,
    name: 'memory.zswap.max',
    show: (_tree, d) => `${printPages(d.zswapMax)}\n`,
    write: (_tree, d, text) => {
      d.zswapMax = pageCounterMemparse(text);
    },
  },
  {
    name: 'memory.zswap.writeback',
    controller: 'memory',
    kernel: '6.18',
    show: (_tree, d) => (d.zswapWriteback ? '1\n' : '0\n'),
    write: (_tree, d, text) => {
      d.zswapWriteback = parseSwitch(text);
    },
  },
];
