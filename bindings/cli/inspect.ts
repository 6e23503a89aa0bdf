/** `memcharge inspect TRACE`: what is in a trace. */
import type { Command } from 'commander';
import { printable } from '../report/printable.ts';
import { table } from '../report/table.ts';
import { openTrace } from '../trace/arrow-reader.ts';
import { type HighWater, ROOT_CGROUP } from '../trace/schema.ts';
import { MAX_PARTIES, type Sharing, sharingOf } from '../trace/sharing.ts';
import { type CgroupEntry, type EventEntry, type Summary, summarize, type TopEntry } from '../trace/summary.ts';
import { InputError } from './errors.ts';
import { addRange, parseRange, type RangeOptions } from './time-range.ts';
import { parseCount } from './values.ts';

interface InspectOptions extends RangeOptions {
  head: string;
  top: string;
  sharing?: boolean;
  json?: boolean;
}

/** Adds the command to `program`. */
export function addInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description('show what is in a trace')
    .argument('<trace>', 'an Arrow IPC file or stream; - is standard input')
    .option('--head <n>', 'show the first N events', '0')
    .option('--top <n>', 'show the N objects, cgroups and tasks that have most', '10')
    .option('--sharing', 'which pages of these objects which of these cgroups touch, and who is first')
    .option('--json', 'print one JSON object');
  addRange(command, 'count from here on');
  command.action(runInspect);
}

async function runInspect(path: string, options: InspectOptions): Promise<void> {
  const head = parseCount('--head', options.head, 0, 999_999_999);
  const top = parseCount('--top', options.top, 0, 1_000_000);
  const range = parseRange(options);
  if (options.sharing && path === '-')
    throw new InputError('--sharing reads the trace twice: standard input cannot be');
  const trace = await openTrace(path);
  // Sharing is between all that matter, however few the tables show.
  const all = await summarize(trace, { head, top: options.sharing ? Math.max(top, MAX_PARTIES) : top, range });
  const { objects, cgroups, tasks } = all.top;
  const shown = { objects: objects.slice(0, top), cgroups: cgroups.slice(0, top), tasks: tasks.slice(0, top) };
  const summary = { ...all, top: shown };
  let sharing: Sharing | null = null;
  if (options.sharing) {
    const again = await openTrace(path);
    sharing = await sharingOf(again, { ...all, top: { ...all.top, objects: shown.objects } }, range);
  }
  if (options.json) {
    const result = {
      trace: trace.path,
      events: summary.events,
      duration_ns: summary.durationNs,
      metadata: Object.fromEntries(trace.metadata),
      high_water: trace.highWater,
      ops: summary.ops,
      cgroups: summary.cgroups,
      top: summary.top,
      ...(sharing === null ? {} : { sharing }),
      ...(head > 0 ? { head: summary.head } : {}),
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } else {
    process.stdout.write(text(trace.path, trace.metadata, trace.highWater, summary, sharing));
  }
}

function text(
  path: string,
  metadata: ReadonlyMap<string, string>,
  highWater: HighWater | null,
  summary: Summary,
  sharing: Sharing | null,
): string {
  const out = [
    `${printable(path)}: ${summary.events} events over ${(summary.durationNs / 1e9).toFixed(3)} s`,
    '',
    'metadata',
  ];
  for (const [key, value] of metadata) {
    if (!key.startsWith('memcharge.capacity.')) out.push(`  ${printable(key).padEnd(24)} ${printable(value)}`);
  }
  out.push('', 'high-water marks');
  if (highWater === null) out.push('  none in this trace');
  else for (const [key, value] of Object.entries(highWater)) out.push(`  ${key.padEnd(24)} ${value}`);
  out.push('', 'ops');
  for (const [name, count] of Object.entries(summary.ops)) out.push(`  ${name.padEnd(24)} ${count}`);
  out.push('', 'cgroups');
  for (const line of tree(summary.cgroups)) out.push(`  ${line}`);
  topTable(out, 'object', summary.top.objects);
  topTable(out, 'cgroup', summary.top.cgroups);
  topTable(out, 'task', summary.top.tasks);
  if (sharing !== null) out.push('', ...sharingTable(sharing));
  if (summary.head.length > 0) {
    out.push('', 'first events');
    for (const e of summary.head) out.push(`  ${describe(e)}`);
  }
  return `${out.join('\n')}\n`;
}

function label(id: number, name: string | null): string {
  return `${name ?? '?'} #${id}`;
}

function topTable(out: string[], what: string, entries: readonly TopEntry[]): void {
  if (entries.length === 0) return;
  const rows = entries.map((e) => [label(e.id, e.name), String(e.pages), String(e.events)]);
  out.push('', table([what, 'pages', 'events'], rows));
}

function sharingTable({ by, parties, objects }: Sharing): string[] {
  if (objects.length === 0 || parties.length === 0) return ['sharing: no object is touched'];
  const header = ['object', 'pages', 'shared', ...parties.map((party) => printable(label(party.id, party.name)))];
  const rows = objects.map((o) => [
    label(o.id, o.name),
    String(o.pages),
    String(o.shared),
    ...parties.map((_, i) => (o.touched[i] === 0 ? '-' : `${o.touched[i]} (${o.first[i]})`)),
  ]);
  return [`sharing: distinct pages touched by each ${by} (of these, by it first)`, table(header, rows)];
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

function describe(e: EventEntry): string {
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
