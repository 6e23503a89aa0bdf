/** `memcharge inspect TRACE`: what is in a trace. */
import type { Command } from 'commander';
import { FLAG_EXISTING, OP_MKDIR } from '../../assembly/replay/ops.ts';
import { printable } from '../report/printable.ts';
import { openTrace, type TraceBatch } from '../trace/arrow-reader.ts';
import { InputError } from '../trace/input-error.ts';
import { type HighWater, OP_NAMES, ROOT_CGROUP } from '../trace/schema.ts';

interface InspectOptions {
  head: number;
  json?: boolean;
}

interface CgroupEntry {
  id: number;
  path: string | null;
  parent: number;
  existing: boolean;
  /** position in time of its mkdir, nanoseconds */
  ts: number;
}

interface HeadEvent {
  row: number;
  ts: string;
  cpu: number;
  op: string;
  task: number;
  cgroup: number;
  object: number;
  index: string;
  count: number;
  flags: number;
  gfp: number;
  name: string | null;
}

/** Adds the command to `program`. */
export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description('show what is in a trace')
    .argument('<trace>', 'an Arrow IPC file or stream; - is standard input')
    .option('--head <n>', 'show the first N events', wholeNumber, 0)
    .option('--json', 'print one JSON object')
    .action(runInspect);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InputError(`--head ${text}: not a whole number below 1000000000`);
  return Number(text);
}

async function runInspect(path: string, options: InspectOptions): Promise<void> {
  const trace = await openTrace(path);
  const histogram = new Float64Array(256);
  const cgroups: CgroupEntry[] = [{ id: ROOT_CGROUP, path: '/', parent: 0, existing: true, ts: 0 }];
  const head: HeadEvent[] = [];
  let events = 0;
  let first = 0n;
  let last = 0n;
  for await (const batch of trace.batches()) {
    if (events === 0) first = batch.ts[0]!;
    last = batch.ts[batch.length - 1]!;
    for (let row = 0; row < batch.length; row++) {
      const op = batch.opMap[batch.op[row]!]!;
      histogram[op]!++;
      if (op === OP_MKDIR)
        cgroups.push({
          id: batch.cgroup[row]!,
          path: batch.name(row),
          parent: batch.object[row]!,
          existing: (batch.flags[row]! & FLAG_EXISTING) !== 0,
          ts: Number(batch.ts[row]! - first),
        });
    }
    for (let row = 0; row < batch.length && head.length < options.head; row++) head.push(eventAt(batch, row));
    events += batch.length;
  }
  const ops: Record<string, number> = {};
  OP_NAMES.forEach((name, op) => {
    if (histogram[op]! > 0) ops[name] = histogram[op]!;
  });
  const summary = {
    trace: trace.path,
    events,
    duration_ns: Number(last - first),
    metadata: Object.fromEntries(trace.metadata),
    high_water: trace.highWater,
    ops,
    cgroups,
    ...(options.head > 0 ? { head } : {}),
  };
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : text(summary, trace.highWater, head));
}

function eventAt(batch: TraceBatch, row: number): HeadEvent {
  return {
    row: batch.firstRow + row,
    ts: String(batch.ts[row]),
    cpu: batch.cpu[row]!,
    op: OP_NAMES[batch.opMap[batch.op[row]!]!]!,
    task: batch.task[row]!,
    cgroup: batch.cgroup[row]!,
    object: batch.object[row]!,
    index: String(batch.index[row]),
    count: batch.count[row]!,
    flags: batch.flags[row]!,
    gfp: batch.gfp[row]!,
    name: batch.name(row),
  };
}

function text(
  summary: {
    trace: string;
    events: number;
    duration_ns: number;
    metadata: Record<string, string>;
    ops: Record<string, number>;
    cgroups: CgroupEntry[];
  },
  highWater: HighWater | null,
  head: HeadEvent[],
): string {
  const out = [
    `${printable(summary.trace)}: ${summary.events} events over ${(summary.duration_ns / 1e9).toFixed(3)} s`,
    '',
    'metadata',
  ];
  for (const [key, value] of Object.entries(summary.metadata)) {
    if (!key.startsWith('memcharge.capacity.')) out.push(`  ${printable(key).padEnd(24)} ${printable(value)}`);
  }
  out.push('', 'high-water marks');
  if (highWater === null) out.push('  none in this trace');
  else for (const [key, value] of Object.entries(highWater)) out.push(`  ${key.padEnd(24)} ${value}`);
  out.push('', 'ops');
  for (const [name, count] of Object.entries(summary.ops)) out.push(`  ${name.padEnd(24)} ${count}`);
  out.push('', 'cgroups');
  for (const line of tree(summary.cgroups)) out.push(`  ${line}`);
  if (head.length > 0) {
    out.push('', 'first events');
    for (const e of head) out.push(`  ${describe(e)}`);
  }
  return `${out.join('\n')}\n`;
}

function tree(cgroups: readonly CgroupEntry[]): string[] {
  const children = new Map<number, CgroupEntry[]>();
  for (const cgroup of cgroups) {
    const siblings = children.get(cgroup.parent);
    if (siblings === undefined) children.set(cgroup.parent, [cgroup]);
    else siblings.push(cgroup);
  }
  const lines: string[] = [];
  const shown = new Set<number>();
  // With its own stack: a damaged trace may nest as deeply as it likes.
  const stack = (children.get(0) ?? []).map((cgroup) => ({ cgroup, depth: 0 })).reverse();
  const drain = () => {
    for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
      const { cgroup, depth } = item;
      if (shown.has(cgroup.id)) continue;
      shown.add(cgroup.id);
      const existing = cgroup.existing && cgroup.id !== ROOT_CGROUP ? ' (existed before)' : '';
      lines.push(`${'  '.repeat(Math.min(depth, 40))}${printable(cgroup.path ?? '?')} #${cgroup.id}${existing}`);
      for (const child of (children.get(cgroup.id) ?? []).toReversed()) stack.push({ cgroup: child, depth: depth + 1 });
    }
  };
  drain();
  for (const cgroup of cgroups) {
    if (shown.has(cgroup.id)) continue;
    stack.push({ cgroup, depth: 0 });
    drain();
  }
  return lines;
}

function describe(e: HeadEvent): string {
  const parts = [
    `${e.row}`.padStart(6),
    `${e.ts.slice(0, -9) || '0'}.${e.ts.slice(-9).padStart(9, '0')}`,
    `cpu${e.cpu}`,
    e.op.padEnd(14),
    `task=${e.task}`,
  ];
  if (e.cgroup !== 0) parts.push(`cgroup=${e.cgroup}`);
  if (e.object !== 0) parts.push(`object=${e.object}`);
  if (e.index !== '0') parts.push(`index=${e.index}`);
  if (e.count !== 0) parts.push(`count=${e.count}`);
  if (e.flags !== 0) parts.push(`flags=0x${e.flags.toString(16)}`);
  if (e.gfp !== 0) parts.push(`gfp=0x${e.gfp.toString(16)}`);
  if (e.name !== null) parts.push(`name=${JSON.stringify(e.name)}`);
  return parts.join(' ');
}
