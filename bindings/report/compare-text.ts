/** A comparison on a terminal: what each cgroup is charged under each policy, a table a question, who does best. */
import { PAGE_SIZE } from '../trace/schema.ts';
import type {
  CompareCgroup,
  CompareResult,
  DiffResult,
  PolicyResult,
  Question,
  Questions,
  QuestionTotals,
} from './compare-result.ts';
import { crossTable } from './cross.ts';
import { table } from './table.ts';

/** Cgroups that a terminal shows; JSON has all. */
const CGROUPS_SHOWN = 40;

/** `32M`, `10.67M`, `4K`, `0`: as memory.max is written, with two decimals where it is no whole number. */
export function size(bytes: number): string {
  const units: [number, string][] = [
    [2 ** 30, 'G'],
    [2 ** 20, 'M'],
    [2 ** 10, 'K'],
  ];
  if (bytes === 0) return '0';
  for (const [unit, letter] of units)
    if (Math.abs(bytes) >= unit) {
      const text = (bytes / unit).toFixed(2).replace(/\.?0+$/, '');
      return `${text}${letter}`;
    }
  return `${Math.round(bytes)}B`;
}

function signed(bytes: number): string {
  return bytes > 0 ? `+${size(bytes)}` : size(bytes);
}

/** Byte-seconds: `1.5M·s`. */
const byteSeconds = (value: number): string => (value === 0 ? '0' : `${size(value)}·s`);
const seconds = (ns: number): string => (ns === 0 ? '0' : `${(ns / 1e9).toPrecision(3)}s`);

/** A row of a question's table: what of a cgroup, and of the total. Null: the question was not asked. */
interface View {
  header: string[];
  cgroup(all: Questions): string[] | null;
  total(all: QuestionTotals): string[] | null;
}

const refused = (enomem: Record<string, number>): string => {
  const some = Object.entries(enomem).filter(([, n]) => n > 0);
  return some.length === 0 ? '0' : some.map(([context, n]) => `${n} ${context}`).join(' ');
};

const VIEWS: Readonly<Record<Question, View>> = {
  attribution: {
    header: ['charged', 'proportional', 'difference', 'error', 'mean error'],
    cgroup: ({ attribution: a }) => [
      size(a.charged),
      size(a.proportional),
      signed(a.difference),
      size(a.error),
      size(a.mean_error),
    ],
    total: ({ attribution: a }) => [
      size(a.charged),
      size(a.proportional),
      signed(a.charged - a.proportional),
      size(a.error),
      size(a.mean_error),
    ],
  },
  determinism: {
    header: ['runs', 'min', 'max', 'spread', 'mean', '95 %'],
    cgroup: ({ determinism: d }) =>
      d && [
        String(d.permutations),
        size(d.min),
        size(d.max),
        size(d.spread),
        size(d.mean),
        `${size(d.ci95[0])} to ${size(d.ci95[1])}`,
      ],
    total: ({ determinism: d }) => d && [String(d.permutations), '', '', size(d.worst_spread), '', ''],
  },
  innocents: {
    header: ['kills', 'errors'],
    cgroup: ({ innocents: i }) => [String(i.kills), String(i.errors)],
    total: ({ innocents: i }) => [String(i.kills), String(i.errors)],
  },
  overrun: {
    header: ['peak', 'now', 'integral', 'forced', 'by'],
    cgroup: ({ overrun: o }) => overrun(o),
    total: ({ overrun: o }) => overrun(o),
  },
  stranded: {
    header: ['dead', 'integral', 'unasked', 'integral', 'unpaid', 'integral', 'unclaimed'],
    cgroup: ({ stranded: s }) => stranded(s),
    total: ({ stranded: s }) => stranded(s),
  },
  movement: {
    header: ['moved in', 'moved out', 'recharged in', 'recharged out', 'released', 'unclaimed'],
    cgroup: ({ movement: m }) => [
      ...[m.moved_in, m.moved_out, m.recharged_in, m.recharged_out, m.released].map(String),
      size(m.unclaimed),
    ],
    total: ({ movement: m }) => [
      ...[m.moved, m.moved, m.recharged, m.recharged, m.released].map(String),
      size(m.unclaimed),
    ],
  },
  pressure: {
    header: ['scanned', 'reclaimed', 'refaulted', 'throttled', 'queued', 'wakes', 'wasted', 'workers'],
    cgroup: ({ pressure: p }) => [
      ...[p.scanned, p.reclaimed, p.refaulted].map(String),
      seconds(p.throttled_ns),
      seconds(p.queued_ns),
      String(p.wakes),
      String(p.wakes_wasted),
      '',
    ],
    total: ({ pressure: p }) => [
      ...[p.scanned, p.reclaimed, p.refaulted].map(String),
      seconds(p.throttled_ns),
      seconds(p.queued_ns),
      String(p.wakes),
      String(p.wakes_wasted),
      String(p.workers_peak),
    ],
  },
  refusals: {
    header: ['enomem', 'enospc', 'edquot', 'sigbus', 'restarts'],
    cgroup: ({ refusals: r }) => [refused(r.enomem), ...[r.enospc, r.edquot, r.sigbus, r.restarts].map(String)],
    total: ({ refusals: r }) => [refused(r.enomem), ...[r.enospc, r.edquot, r.sigbus, r.restarts].map(String)],
  },
};

function overrun(o: Questions['overrun']): string[] {
  const by = Object.entries(o.forced).flatMap(([reason, bytes]) => (bytes > 0 ? [`${reason} ${size(bytes)}`] : []));
  return [size(o.peak), size(o.now), byteSeconds(o.byte_s), String(o.force_charge), by.join(' ')];
}

function stranded(s: Questions['stranded']): string[] {
  return [
    size(s.dead),
    byteSeconds(s.dead_byte_s),
    size(s.unasked),
    byteSeconds(s.unasked_byte_s),
    size(s.unpaid),
    byteSeconds(s.unpaid_byte_s),
    size(s.unclaimed),
  ];
}

/** Cgroups in the order of the tree, those that are there under any policy. */
function paths(policies: readonly PolicyResult[]): string[] {
  const all = new Set(policies.flatMap(({ cgroups }) => Object.keys(cgroups)));
  return [...all].sort((a, b) => (a < b ? -1 : 1));
}

/** Restarts: what the first two instances of each service were charged for when they ended, and what stood around them at the end. */
function servicesTable(policies: readonly PolicyResult[]): string | null {
  const rows = policies.flatMap(({ policy, services = [] }) =>
    services.map(({ service, instances, around, difference, distinguished }) => [
      service,
      policy.name,
      ...[0, 1].map((i) => (instances[i] === undefined ? '-' : size(instances[i].pages * PAGE_SIZE))),
      size(around * PAGE_SIZE),
      signed(difference * PAGE_SIZE),
      distinguished ? '' : 'persistent or instance: undefined',
    ]),
  );
  rows.sort(([a], [b]) => (a! < b! ? -1 : a! > b! ? 1 : 0));
  const header = ['instances of', 'policy', 'first', 'second', 'around', 'difference', ''];
  return rows.length === 0 ? null : table(header, rows.slice(0, CGROUPS_SHOWN), 2);
}

/** The whole answer: what each is charged, then the questions, kills, who does best. */
export function compareText(result: CompareResult): string {
  const { policies, questions, trace } = result;
  const parts: string[] = [];
  const all = paths(policies);
  const shown = all.slice(0, CGROUPS_SHOWN);
  const current = (of: CompareCgroup | undefined) => (of === undefined ? '-' : size(of['memory.current']));
  parts.push(
    table(
      ['memory.current', ...policies.map(({ policy }) => policy.name)],
      shown.map((path) => [path, ...policies.map(({ cgroups }) => current(cgroups[path]))]),
    ),
  );
  const scripts = policies.flatMap(({ policy, script }) =>
    script ? [[policy.name, String(script.exit), lastLine(script.stdout)]] : [],
  );
  if (scripts.length > 0) parts.push(table(['script under', 'exit', 'last line printed'], scripts, 3));
  for (const question of questions) {
    const text = questionTable(question, policies, shown);
    if (text !== null) parts.push(text);
  }
  const services = servicesTable(policies);
  if (services !== null) parts.push(services);
  const work = questions.includes('pressure') ? crossTable(policies, size) : null;
  if (work !== null) parts.push(work);
  if (shown.length < all.length) parts.push(`${all.length - shown.length} cgroups more: --json has them`);
  const kills = policies.flatMap(({ policy, kills }) =>
    kills.map(({ ts, cgroup, victim, innocent, own_use, own_limit }) => [
      policy.name,
      (ts / 1e9).toFixed(6),
      cgroup,
      victim.name ?? String(victim.task),
      victim.cgroup,
      size(own_use),
      own_limit === null ? 'max' : size(own_limit),
      innocent ? 'innocent' : '',
    ]),
  );
  if (kills.length > 0)
    parts.push(
      table(['policy', 'killed at s', 'limit of', 'task', 'of cgroup', 'own use', 'of max', ''], kills.slice(0, 20), 5),
    );
  if (kills.length > 20) parts.push(`… and ${kills.length - 20} kills more`);
  if (policies.length > 1 && result.verdict.length > 0)
    parts.push(
      table(
        ['question', 'least', 'by'],
        result.verdict.map(({ question, figure, ranking }) => [
          question,
          ranking
            .filter(({ rank }) => rank === 1)
            .map(({ policy }) => policy)
            .join(', '),
          figure,
        ]),
        3,
      ),
    );
  if (result.diff) parts.push(diffTable(result.diff));
  parts.push(
    `${trace.path}: ${trace.kind === 'trace' ? `${trace.events} events` : 'a script'} over ${(trace.duration_ns / 1e9).toFixed(3)} s; ${result.residency} residency, kernel ${result.kernel}; ` +
      `sampled every ${(result.sample_ns / 1e6).toFixed(3)} ms`,
  );
  return `${parts.join('\n\n')}\n`;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** One row a cgroup and policy where there is anything to say, and the totals. Null: it was not asked for. */
function questionTable(question: Question, policies: readonly PolicyResult[], shown: readonly string[]): string | null {
  const view = VIEWS[question];
  const rows: string[][] = [];
  const silent = (cells: readonly string[]) => cells.every((cell) => cell === '0' || cell === '' || cell === '0 to 0');
  for (const path of shown)
    for (const { policy, cgroups } of policies) {
      const of = cgroups[path];
      const cells = of && view.cgroup(of.questions);
      if (cells && !silent(cells)) rows.push([path, policy.name, ...cells]);
    }
  let asked = false;
  for (const { policy, totals } of policies) {
    const cells = view.total(totals);
    if (cells === null) continue;
    asked = true;
    rows.push(['total', policy.name, ...cells]);
  }
  return asked ? table([question, 'policy', ...view.header], rows, 2) : null;
}

function diffTable({ a, b, cgroups }: DiffResult): string {
  const rows = Object.entries(cgroups).flatMap(([path, figures]) =>
    Object.entries(figures).map(([key, { a: from, b: to, difference }]) => [
      path,
      key,
      ...[from, to].map(plain),
      difference > 0 ? `+${plain(difference)}` : plain(difference),
    ]),
  );
  return table(['cgroup', 'figure', a, b, 'difference'], rows, 2);
}

function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : (Math.round(value * PAGE_SIZE) / PAGE_SIZE).toFixed(3);
}
