/** The report of a comparison: one page that needs nothing else, no script, no network. Every drawing has its figures in a table beside it. */
import { CONTEXTS } from '../../policy/policy.ts';
import type { CompareResult, Flow, PolicyResult, Question, Refusals } from '../compare-result.ts';
import {
  areas,
  bars,
  colourOf,
  colourOfRemoved,
  colourOfRest,
  flow,
  grouped,
  heat,
  KILL_COLOURS,
  type Layer,
  moments,
  RANGE_COLOURS,
  ranges,
} from './charts.ts';
import { STYLE } from './style.ts';
import { byteSeconds, bytes, count, escaped, nanoseconds, numbered } from './text.ts';

/** How the page was made. */
export interface Made {
  /** the command line that makes it again */
  command: readonly string[];
  version: string;
}

/** What each question asks, and the unit of the figure that it is judged by. */
const ASKED: { readonly [Q in Question]: readonly [title: string, asks: string, unit: (value: number) => string] } = {
  attribution: [
    'Attribution error',
    'distance of what is charged from the proportional share, on average over time',
    bytes,
  ],
  determinism: ['Determinism', 'how much a charge varies with the order in which jobs start, at worst', bytes],
  innocents: ['Innocents', 'kills and errors that hit a cgroup whose own use was below its limit', count],
  overrun: ['Overrun', 'highest excess over memory.max', bytes],
  stranded: ['Stranded', 'charged to the dead, to who never asked, or to nobody, over time', byteSeconds],
  movement: ['Movement', 'pages that changed their payer', (value) => `${count(value)} pages`],
  pressure: ['Pressure', 'pages scanned by reclaim', (value) => `${count(value)} pages`],
  refusals: ['Refusals', 'charges that ended in an error', count],
};

/** Cgroups that a drawing tells apart; the others are one. */
const LAYERS = 8;
/** Rows and columns of a heat map. */
const CELLS = 12;
/** Rows of a table, and links of a flow. */
const ROWS = 200;
const LINKS = 30;
/** As the path of a removed cgroup ends. */
const REMOVED = / \(deleted\)#\d+$/;
/** Kills whose candidates are listed, by policy. */
const KILLS = 50;

/** Policies that are the columns of the verdict. */
const BESIDE = 5;
/** Policies that a table has side by side where each has more than one column: as many as a printed page is wide. */
const SIDE_BY_SIDE = 4;
/** Characters of a script's output. */
const OUTPUT = 20_000;

type Section = [id: string, title: string, body: string];

/** The page. */
export function reportPage(result: CompareResult, made: Made): string {
  const { trace, policies } = result;
  const title = `Who pays: ${trace.path}`;
  const sections: Section[] = [
    ['verdict', 'Verdict', verdict(result)],
    ...(policies.some(({ shuffle }) => shuffle)
      ? [['determinism', 'Order of the jobs', order(result)] as Section]
      : []),
    ['tree', 'The tree over time', tree(result)],
    ['payers', 'Who pays for what', payers(result)],
    ['flows', 'Pages that changed their payer', flows(result)],
    ['kills', 'Kills', kills(result)],
    ['refusals', 'Refusals', refusals(result)],
    ['cgroups', 'Cgroups at the end', cgroups(result)],
    ...(result.diff ? [['diff', `${result.diff.a} and ${result.diff.b}`, difference(result.diff)] as Section] : []),
    ...(policies.some(({ script }) => script)
      ? [['output', 'What the script printed', output(result)] as Section]
      : []),
    ['answers', 'What the policies answer', answers(result)],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${about(result, made)}
<nav>${sections.map(([id, name]) => `<a href="#${id}">${escaped(name)}</a>`).join('')}</nav>
${sections.map(([id, name, body]) => `<section id="${id}">\n<h2>${escaped(name)}</h2>\n${body}\n</section>`).join('\n')}
</body>
</html>
`;
}

/** What was compared, and how it is made again. */
function about(result: CompareResult, { command, version }: Made): string {
  const { trace, policies, machine } = result;
  const run =
    trace.kind === 'script'
      ? `The script <code>${escaped(trace.path)}</code>, ${nanoseconds(trace.duration_ns)} of its machine's time, was run`
      : `The trace <code>${escaped(trace.path)}</code>, ${numbered(trace.events, 'event')} in ${nanoseconds(trace.duration_ns)}, was replayed`;
  const quoted = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  const shuffle = policies.find(({ shuffle: found }) => found)?.shuffle;
  const warnings = result.warnings.map((warning) => `<br>${escaped(warning)}`).join('');
  const digests = policies.map(
    ({ policy, state_digest }) => `<li>${escaped(policy.name)}: <code>${escaped(state_digest)}</code></li>`,
  );
  const told: [string, string][] = [
    [
      'What',
      `${run} under ${policies.length === 1 ? 'one policy' : `${policies.length} policies`}, each on a machine of its own.${warnings}`,
    ],
    [
      'Machine',
      `kernel ${escaped(result.kernel)}, ${bytes(machine.memory)} of memory, ${machine.swap === 0 ? 'no swap' : `${bytes(machine.swap)} of swap`}, ${numbered(machine.cpus, 'CPU')}; ${result.residency} residency; a sample every ${nanoseconds(result.sample_ns)}`,
    ],
    [
      'Seed',
      `${result.seed}${shuffle ? `; the ${shuffle.jobs.length} jobs were started in ${numbered(shuffle.permutations, 'order')}` : ''}`,
    ],
    ['Command', `<pre>${escaped(quoted.join(' '))}</pre>`],
    [
      'Made by',
      `memcharge ${escaped(version)}; the state of the engine at the end has these digests:<ul>${digests.join('')}</ul>`,
    ],
  ];
  return `<dl id="about">${told.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('\n')}</dl>`;
}

/** Policies of which one sentence says all. */
function alike(names: readonly string[], all: number, what: string): string {
  if (names.length === 0) return '';
  const which = names.length === all ? 'every policy' : names.join(', ');
  return `<p class="none">Under ${escaped(which)}: ${what}</p>`;
}

/** A series of a drawing, for its legend. */
type Key = readonly [name: string, colour: string];

function figure(svg: string, caption: string, keys: readonly Key[] = []): string {
  const legend =
    keys.length === 0
      ? ''
      : `<ul class="legend">${keys.map(([name, colour]) => `<li><span class="key" style="background:${colour}"></span>${escaped(name)}</li>`).join('')}</ul>`;
  return `<figure><figcaption>${escaped(caption)}</figcaption><div role="img" aria-label="${escaped(caption)}">${svg}</div>${legend}</figure>`;
}

/** `words`: columns of text, which stand at the left. */
function tableOf(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly string[] = [],
): string {
  const look = (name: string) => (words.includes(name) ? ' class="text"' : '');
  const header = head.map((name) => `<th scope="col"${look(name)}>${escaped(name)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><caption>${escaped(caption)}</caption><thead><tr>${header}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

const rowHead = (name: string) => `<th scope="row">${escaped(name)}</th>`;
const text = (value: string) => `<td class="text">${escaped(value)}</td>`;
/** A figure: as one reads it, and as it is. */
const cell = (value: number, shown: (value: number) => string, look = '') =>
  `<td${look === '' ? '' : ` class="${look}"`} data-value="${value}">${escaped(shown(value))}</td>`;

const ABOUT = ['what it does', 'rows', 'to know'];

function verdict({ verdict: judged, policies }: CompareResult): string {
  const rows = judged.map(({ question, ranking }) => {
    const [name, , unit] = ASKED[question];
    const cells = policies.map(({ policy }) => {
      const place = ranking.find((each) => each.policy === policy.name);
      return place === undefined ? '<td>–</td>' : cell(place.value, unit, place.rank === 1 ? 'best' : '');
    });
    return [rowHead(name), ...cells];
  });
  const differ = judged.filter(({ ranking }) => ranking.some(({ value }) => value !== 0));
  const same = judged.filter((each) => !differ.includes(each)).map(({ question }) => ASKED[question][0]);
  const drawn = differ.map(({ question, ranking }) => {
    const [name, asks, unit] = ASKED[question];
    const svg = bars(
      ranking.map((each) => each.policy),
      ranking.map((each) => each.value),
      unit,
    );
    return figure(svg, `${name}: ${asks}`);
  });
  const names = policies.map(({ policy }) => policy.name);
  // Policies stand beside each other as long as there is room for them, and then below each other.
  const table =
    names.length <= BESIDE
      ? tableOf('The eight questions, by policy', ['question', ...names], rows)
      : tableOf(
          'The eight questions, by policy',
          ['policy', ...judged.map(({ question }) => ASKED[question][0])],
          names.map((name, p) => [rowHead(name), ...rows.map((cells) => cells[p + 1]!)]),
        );
  const about = policies.map(({ policy, lower_bound, warnings }) => {
    const notes = [lower_bound ? 'a lower bound: the trace shows no hits' : '', ...warnings].filter(
      (note) => note !== '',
    );
    return [rowHead(policy.name), text(policy.summary), text(policy.rows.join(' ')), text(notes.join('; '))];
  });
  return `<p>Smaller is better in every question; ★ marks the best, and those that are as good.</p>
${table}
<div class="grid">${drawn.join('\n')}</div>
${same.length === 0 ? '' : `<p class="none">Not drawn, because they are 0 under every policy: ${same.join(', ')}.</p>`}
${tableOf('The policies', ['policy', ...ABOUT], about, ABOUT)}`;
}

/** What each cgroup is charged itself, without what is below it, over time. */
function own({ series, cgroups: all }: PolicyResult): Map<string, number[]> {
  const paths = Object.keys(series.cgroups);
  const byId = new Map(paths.flatMap((path) => (all[path] === undefined ? [] : [[all[path].id, path] as const])));
  const result = new Map(paths.map((path) => [path, series.cgroups[path]!.current.map((value) => value ?? 0)]));
  for (const path of paths) {
    const parent = byId.get(all[path]?.parent ?? -1);
    if (parent === undefined || parent === path) continue;
    const above = result.get(parent)!;
    series.cgroups[path]!.current.forEach((value, i) => {
      above[i] = above[i]! - (value ?? 0);
    });
  }
  return result;
}

function tree({ policies }: CompareResult): string {
  const each = policies.map(own);
  const peaks = new Map<string, number>();
  for (const cgroups of each)
    for (const [path, values] of cgroups)
      peaks.set(
        path,
        values.reduce((most, value) => Math.max(most, value), peaks.get(path) ?? 0),
      );
  // The same colour and scale in all drawings.
  const shown = [...peaks].filter(([, peak]) => peak > 0).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const stay = shown.map(([path]) => path).filter((path) => !REMOVED.test(path));
  const names = stay.slice(0, LAYERS).sort();
  const removed = shown.length - stay.length;
  const others = stay.length - names.length;
  const most = Math.max(
    1,
    ...each.map((cgroups, p) =>
      policies[p]!.series.ts.reduce(
        (high, _, i) =>
          Math.max(
            high,
            [...cgroups.values()].reduce((sum, values) => sum + Math.max(0, values[i]!), 0),
          ),
        0,
      ),
    ),
  );
  const empty: string[] = [];
  const figures = policies.map(({ policy, series }, p) => {
    const cgroups = each[p]!;
    const zeros = () => series.ts.map(() => 0);
    const layers: Layer[] = names.map((path, i) => ({
      name: path,
      values: cgroups.get(path) ?? zeros(),
      colour: colourOf(i),
    }));
    const sum = (belongs: (path: string) => boolean) => {
      const values = zeros();
      for (const [path, own] of cgroups)
        if (belongs(path))
          own.forEach((value, i) => {
            values[i]! += value;
          });
      return values;
    };
    if (others > 0)
      layers.push({
        name: others === 1 ? 'one other' : `${others} others`,
        values: sum((path) => !REMOVED.test(path) && !names.includes(path)),
        colour: colourOfRest,
      });
    if (removed > 0)
      layers.push({
        name: `${removed} that ${removed === 1 ? 'is' : 'are'} removed in the end`,
        values: sum((path) => REMOVED.test(path)),
        colour: colourOfRemoved,
      });
    const drawn = layers.filter(({ values }) => values.some((value) => value > 0));
    if (drawn.length === 0) {
      empty.push(policy.name);
      return '';
    }
    return `<h3>${escaped(policy.name)}</h3>\n${figure(
      areas(series.ts, drawn, most),
      `${policy.name}: bytes charged to each cgroup itself, over time`,
      drawn.map(({ name, colour }) => [name, colour]),
    )}`;
  });
  return `<p>What each cgroup is charged itself, without the cgroups below it; the height of the stack is what all are charged. Colours and scale are the same for all policies, so that one sees what one policy charges and another does not.</p>
${figures.join('\n')}\n${alike(empty, policies.length, 'no cgroup was charged anything at any sample.')}`;
}

function payers({ policies }: CompareResult): string {
  const empty = policies.filter(({ uses }) => uses.users.length === 0);
  const figures = policies.map(({ policy, uses }) => {
    if (uses.users.length === 0) return '';
    const sums = (n: number, at: (i: number) => number) =>
      Array.from({ length: n }, (_, i) => [i, at(i)] as const)
        .sort((a, b) => b[1] - a[1])
        .slice(0, CELLS)
        .map(([i]) => i)
        .sort((a, b) => a - b);
    const users = sums(uses.users.length, (u) => uses.bytes[u]!.reduce((sum, value) => sum + value, 0));
    const columns = sums(uses.payers.length, (p) => uses.bytes.reduce((sum, row) => sum + row[p]!, 0));
    const name = (path: string) => (path === '/' ? '/ (nobody)' : path);
    const svg = heat(
      users.map((u) => uses.users[u]!),
      columns.map((p) => name(uses.payers[p]!)),
      users.map((u) => columns.map((p) => uses.bytes[u]![p]!)),
      users.reduce((high, u) => columns.reduce((h, p) => Math.max(h, uses.bytes[u]![p]!), high), 0),
    );
    const left = uses.users.length - users.length + uses.payers.length - columns.length;
    const rows = users.map((u) => [rowHead(uses.users[u]!), ...columns.map((p) => cell(uses.bytes[u]![p]!, bytes))]);
    const table = tableOf('The same figures', ['used by', ...columns.map((p) => name(uses.payers[p]!))], rows);
    return `<h3>${escaped(policy.name)}</h3>\n${figure(svg, `${policy.name}: what each cgroup uses (a share of each page), and who is charged for it, at the end${left > 0 ? `; ${left} that have less are left out` : ''}`)}
<details><summary>Figures</summary>${table}</details>`;
  });
  return `<p>Each page is split evenly among the cgroups that used it. Down: who uses it; across: who is charged for it. Where everybody pays for what they use, only the cells of a cgroup with itself have anything. Kernel memory and BPF maps have no users to split among, and are not in it.</p>
${figures.join('\n')}\n${alike(
    empty.map(({ policy }) => policy.name),
    policies.length,
    'no user page is in use at the end.',
  )}`;
}

const KINDS: readonly Flow['kind'][] = ['moved', 'recharged', 'reparented', 'released', 'claimed'];

function flows({ policies }: CompareResult): string {
  const still: string[] = [];
  const figures = policies.map(({ policy, flows: all }) => {
    const sorted = all.filter(({ pages }) => pages > 0).sort((a, b) => b.pages - a.pages);
    if (sorted.length === 0) {
      still.push(policy.name);
      return '';
    }
    const shown = sorted.slice(0, LINKS);
    const nobody = (path: string | null) => path ?? 'nobody';
    const svg = flow(
      shown.map(({ kind, from, to, pages }) => ({
        from: nobody(from),
        to: nobody(to),
        value: pages,
        kind: KINDS.indexOf(kind),
      })),
    );
    const rows = sorted
      .slice(0, ROWS)
      .map(({ kind, from, to, pages }) => [text(kind), text(nobody(from)), text(nobody(to)), cell(pages, count)]);
    const table = tableOf('Pages by payer before and after', ['how', 'from', 'to', 'pages'], rows, [
      'how',
      'from',
      'to',
    ]);
    const left = sorted.length - shown.length;
    return `<h3>${escaped(policy.name)}</h3>\n${figure(
      svg,
      `${policy.name}: pages, from their payer before (left) to the one after (right)${left > 0 ? `; the ${left} smallest flows are left out` : ''}`,
      KINDS.map((kind, i): Key => [kind, colourOf(i)]).filter(([kind]) => shown.some((each) => each.kind === kind)),
    )}\n${table}`;
  });
  return `<p>From left to right: who paid before, and who has paid since; a band is as wide as it has pages, its colour is the reason. A page that moves twice is in two bands.</p>
${figures.join('\n')}\n${alike(still, policies.length, 'no page changed its payer.')}`;
}

function kills({ policies, trace }: CompareResult): string {
  const spared = policies.filter(({ kills: all }) => all.length === 0).map(({ policy }) => policy.name);
  const none = alike(spared, policies.length, 'nobody was killed.');
  if (spared.length === policies.length) return none;
  const names = policies.map(({ policy }) => policy.name);
  const points = (innocent: boolean) =>
    policies.flatMap(({ kills: all }, p) =>
      all.filter((kill) => kill.innocent === innocent).map(({ ts }) => [p, ts] as const),
    );
  const svg = moments(names, trace.duration_ns, [
    { name: 'kills', points: points(false) },
    { name: 'kills of innocents', points: points(true) },
  ]);
  const lists = policies.map(({ policy, kills: all, kills_lost: lost }) => {
    if (all.length === 0) return '';
    const rows = all.slice(0, KILLS).map((kill) => {
      const victim =
        kill.victim.name === null ? `task ${kill.victim.task}` : `${kill.victim.name} (${kill.victim.task})`;
      const whole = kill.group === null ? '' : `, with all ${kill.processes} of ${kill.group}`;
      const candidates = kill.candidates
        .map(
          (c) =>
            `${c.name ?? `task ${c.task}`} in ${c.cgroup}: anon ${bytes(c.anon)}, file ${bytes(c.file)}, shmem ${bytes(c.shmem)}, swap ${bytes(c.swap)}, adj ${c.oom_score_adj}, ${c.points} points`,
        )
        .map((line) => `<li>${escaped(line)}</li>`);
      const more = kill.omitted > 0 ? `<li>and ${kill.omitted} more</li>` : '';
      return [
        cell(kill.ts, (ts) => `${(ts / 1e9).toFixed(6)} s`),
        text(kill.cgroup),
        `<td class="text${kill.innocent ? ' bad' : ''}">${escaped(victim + whole)}${kill.innocent ? ' <b>innocent</b>' : ''}</td>`,
        cell(kill.own_use, bytes),
        kill.own_limit === null ? '<td>none</td>' : cell(kill.own_limit, bytes),
        `<td class="text"><details><summary>${kill.candidates.length + kill.omitted}</summary><ul>${candidates.join('')}${more}</ul></details></td>`,
      ];
    });
    const left = all.length - rows.length + lost;
    const head = ['when', 'limit of', 'victim', 'own use', 'own limit', 'candidates'];
    return `<h3>${escaped(policy.name)}</h3>\n${tableOf(`${all.length + lost} kills${left > 0 ? `, the first ${rows.length} of them` : ''}`, head, rows, ['limit of', 'victim', 'candidates'])}`;
  });
  return `<p>Each point is a process that was killed for want of memory. An innocent is one whose cgroup, and all above it, itself used less than its limit; the candidates are those that the killer chose among.</p>
${figure(svg, 'Kills over time, by policy', [
  ['kills', KILL_COLOURS[0]],
  ['kills of innocents', KILL_COLOURS[1]],
])}\n${lists.join('\n')}\n${none}`;
}

/** Refusals by where the charge was made, then by what was told. */
function refused(refusals: Refusals): [name: string, value: number][] {
  const { enomem, enospc, edquot, sigbus, restarts } = refusals;
  return [
    ...CONTEXTS.map((context): [string, number] => [`ENOMEM\n${context}`, enomem[context]]),
    ['ENOSPC', enospc],
    ['EDQUOT', edquot],
    ['SIGBUS', sigbus],
    ['restarts', restarts],
  ];
}

function refusals({ policies }: CompareResult): string {
  const all = policies.map(({ policy, totals }) => ({ name: policy.name, told: refused(totals.refusals) }));
  const groups = all[0]?.told.map(([name]) => name) ?? [];
  if (all.every(({ told }) => told.every(([, value]) => value === 0)))
    return alike(
      all.map(({ name }) => name),
      all.length,
      'no charge was refused, and no system call was begun again.',
    );
  const svg = grouped(
    groups,
    all.map(({ name, told }) => ({ name, values: told.map(([, value]) => value) })),
  );
  const rows = all.map(({ name, told }) => [rowHead(name), ...told.map(([, value]) => cell(value, count))]);
  const head = ['policy', ...groups.map((name) => name.replace('\n', ' '))];
  return `<p>Charges that ended in an error: ENOMEM by where the charge was made, ENOSPC, EDQUOT and SIGBUS by what the program was told, and last the system calls that were begun again.</p>
${figure(
  svg,
  'Charges refused, by context and error',
  all.map(({ name }, i) => [name, colourOf(i)]),
)}\n${tableOf('Charges refused', head, rows)}`;
}

function cgroups({ policies }: CompareResult): string {
  const paths = [...new Set(policies.flatMap(({ cgroups: all }) => Object.keys(all)))];
  if (paths.length === 0) return '<p class="none">There is no cgroup at the end.</p>';
  const left = paths.length - ROWS;
  const caption = left > 0 ? `The first ${ROWS} of ${paths.length} cgroups` : 'All cgroups';
  const tables: string[] = [];
  for (let from = 0; from < policies.length; from += SIDE_BY_SIDE) {
    const beside = policies.slice(from, from + SIDE_BY_SIDE);
    const rows = paths.slice(0, ROWS).map((path) => [
      rowHead(path),
      ...beside.flatMap(({ cgroups: all }) => {
        const found = all[path];
        return found === undefined
          ? ['<td>–</td>', '<td>–</td>']
          : [cell(found['memory.current'], bytes), cell(found.questions.attribution.proportional, bytes)];
      }),
    ]);
    const head = ['cgroup', ...beside.flatMap(({ policy: { name } }) => [`${name}: memory.current`, `${name}: share`])];
    tables.push(tableOf(caption, head, rows));
  }
  return `<p>What each cgroup is charged with all below it, kernel memory too, and its proportional share of user pages: where the two differ by more than kernel memory, it pays for others or others pay for it.</p>\n${tables.join('\n')}`;
}

function difference({ a, b, cgroups: all }: NonNullable<CompareResult['diff']>): string {
  const plain = (value: number) => count(value);
  const rows = Object.entries(all).flatMap(([path, figures]) =>
    Object.entries(figures).map(([figureName, { a: first, b: second, difference: by }]) => [
      rowHead(path),
      text(figureName),
      cell(first, plain),
      cell(second, plain),
      cell(by, (value) => (value > 0 ? `+${plain(value)}` : plain(value))),
    ]),
  );
  if (rows.length === 0) return `<p class="none">No figure of ${escaped(b)} differs from that of ${escaped(a)}.</p>`;
  const left = rows.length - ROWS;
  return `<p>Figures of ${escaped(b)} that are not those of ${escaped(a)}, as --json names them: bytes, pages, nanoseconds and counts.</p>\n${tableOf(
    left > 0 ? `The first ${ROWS} of ${rows.length}` : 'All that differ',
    ['cgroup', 'figure', a, b, 'difference'],
    rows.slice(0, ROWS),
  )}`;
}

/** How much the order in which jobs start decides who is charged. */
function order({ policies }: CompareResult): string {
  const shuffled = policies.filter(({ shuffle }) => shuffle !== undefined);
  const jobs = shuffled[0]?.shuffle?.jobs ?? [];
  const spreads = new Map<string, number>();
  for (const { cgroups: all } of shuffled)
    for (const [path, { questions }] of Object.entries(all))
      spreads.set(path, Math.max(spreads.get(path) ?? 0, questions.determinism?.spread ?? 0));
  const varying = [...spreads].filter(([, spread]) => spread > 0).sort((a, b) => b[1] - a[1]);
  const shown = varying.slice(0, CELLS).map(([path]) => path);
  const known = shuffled.map(({ policy, cgroups: all, shuffle }) => {
    const found = shown.flatMap((path) => {
      const range = all[path]?.questions.determinism;
      return range ? [{ name: path, ...range }] : [];
    });
    return { name: policy.name, orders: shuffle?.permutations ?? 0, found };
  });
  const most = known.reduce((high, { found }) => found.reduce((h, { max }) => Math.max(h, max), high), 1);
  const settled = known.filter(({ found }) => found.every(({ spread }) => spread === 0)).map(({ name }) => name);
  const figures = known.map(({ name, orders, found }) => {
    if (settled.includes(name)) return '';
    const left = spreads.size - shown.length;
    const svg = ranges(found, most);
    const rows = found.map(({ name: path, min, max, spread, mean, ci95 }) => [
      rowHead(path),
      ...[spread, min, max, mean, ...ci95].map((value) => cell(value, bytes)),
    ]);
    const head = ['cgroup', 'spread', 'least', 'most', 'mean', '95 % from', '95 % to'];
    const some = varying.length > shown.length ? 'that vary less or not at all' : 'that vary under no policy';
    return `<h3>${escaped(name)}</h3>\n${figure(
      svg,
      `${name}: memory.current at the end, over ${numbered(orders, 'order')}${left > 0 ? `; ${numbered(left, 'cgroup')} ${some} left out` : ''}`,
      [
        ['least to most', RANGE_COLOURS[0]],
        ['95 % confidence interval of the mean', RANGE_COLOURS[1]],
        ['mean', RANGE_COLOURS[2]],
      ],
    )}\n${tableOf('The same figures', head, rows)}`;
  });
  return `<p>The same jobs, started in other orders: a long line is a cgroup whose charge depends on who came first. Where all orders were run, the mean is exact and its interval is a point. Jobs: ${escaped(jobs.join(', '))}.</p>
${figures.join('\n')}\n${alike(settled, shuffled.length, 'no charge depends on the order.')}`;
}

/** Of a script: what it printed under each policy. */
function output({ policies }: CompareResult): string {
  const seen = new Map<string, string>();
  const printed = policies.flatMap(({ policy, script }) => {
    if (script === undefined) return [];
    const { stdout, stderr, exit } = script;
    const key = JSON.stringify([stdout, stderr, exit]);
    const before = seen.get(key);
    if (before !== undefined)
      return [`<p class="none">${escaped(policy.name)}: the same as under ${escaped(before)}.</p>`];
    seen.set(key, policy.name);
    const part = (name: string, all: string) => {
      if (all === '') return `<p class="none">Nothing on ${name}.</p>`;
      const lines = all.slice(0, OUTPUT).split('\n').map(escaped).join('\n');
      const left = all.length - OUTPUT;
      return `<p>On ${name}:</p><pre>${lines}</pre>${left > 0 ? `<p>… and ${numbered(left, 'character')} more</p>` : ''}`;
    };
    return [
      `<details data-policy="${escaped(policy.name)}"><summary>${escaped(policy.name)}: exit status ${exit}, ${numbered(stdout.split('\n').length - 1, 'line')}</summary>${part('standard output', stdout)}${part('standard error', stderr)}</details>`,
    ];
  });
  return `<p>A script sees its machine: where the lines differ, a program would have noticed the policy.</p>\n${printed.join('\n')}`;
}

const ANSWERS = ['rewrite', 'answers that are not those of Linux'];

function answers({ policies }: CompareResult): string {
  const rows = policies.map(({ policy }) => [
    rowHead(policy.name),
    text(policy.rewrite ?? '–'),
    `<td class="text"><code>${escaped(JSON.stringify(policy.answers))}</code></td>`,
  ]);
  return `<p>A policy is a change of the trace before it is replayed, if any, and its answers to what the engine asks it.</p>\n${tableOf('Policies', ['policy', ...ANSWERS], rows, ANSWERS)}`;
}
