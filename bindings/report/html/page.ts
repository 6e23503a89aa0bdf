/** The report of a comparison: one page that needs nothing else, no script, no network. Every drawing has its figures in a table beside it. */
import { CONTEXTS } from '../../policy/policy.ts';
import type { CompareResult, Flow, PolicyResult, Question, Refusals } from '../compare-result.ts';
import { areas, bars, colourOf, colourOfRest, flow, grouped, heat, type Layer, moments } from './charts.ts';
import { STYLE } from './style.ts';
import { byteSeconds, bytes, count, escaped, nanoseconds } from './text.ts';

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
/** Kills whose candidates are listed, by policy. */
const KILLS = 50;

/** The page. */
export function reportPage(result: CompareResult, made: Made): string {
  const { trace, policies } = result;
  const title = `Who pays: ${trace.path}`;
  const sections: [id: string, title: string, body: string][] = [
    ['verdict', 'Verdict', verdict(result)],
    ['tree', 'The tree over time', tree(result)],
    ['payers', 'Who pays for what', payers(result)],
    ['flows', 'Pages that changed their payer', flows(result)],
    ['kills', 'Kills', kills(result)],
    ['refusals', 'Refusals', refusals(result)],
    ['cgroups', 'Cgroups at the end', cgroups(result)],
    ...(result.diff
      ? [['diff', `${result.diff.a} and ${result.diff.b}`, difference(result.diff)] as [string, string, string]]
      : []),
    ['again', 'To make it again', again(result, made)],
  ];
  const { machine } = result;
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
<p class="dim">${count(trace.events)} events over ${nanoseconds(trace.duration_ns)}; ${policies.length} policies; ${escaped(result.residency)} residency, kernel ${escaped(
    result.kernel,
  )}, ${bytes(machine.memory)} of memory, ${machine.swap === 0 ? 'no swap' : `${bytes(machine.swap)} of swap`}, ${count(machine.cpus)} CPUs</p>
<nav>${sections.map(([id, name]) => `<a href="#${id}">${escaped(name)}</a>`).join('')}</nav>
${sections.map(([id, name, body]) => `<section id="${id}">\n<h2>${escaped(name)}</h2>\n${body}\n</section>`).join('\n')}
</body>
</html>
`;
}

function figure(svg: string, caption: string, series: number): string {
  return `<figure role="img" aria-label="${escaped(caption)}" data-series="${series}">${svg}<figcaption>${escaped(caption)}</figcaption></figure>`;
}

function tableOf(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const header = head.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.join('')}</tr>`).join('\n');
  return `<div class="scroll"><table><caption>${escaped(caption)}</caption><thead><tr>${header}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

const rowHead = (name: string) => `<th scope="row">${escaped(name)}</th>`;
const text = (value: string) => `<td class="text">${escaped(value)}</td>`;
/** A figure: as one reads it, and as it is. */
const cell = (value: number, shown: (value: number) => string, look = '') =>
  `<td${look === '' ? '' : ` class="${look}"`} data-value="${value}">${escaped(shown(value))}</td>`;

function verdict({ verdict: judged, policies }: CompareResult): string {
  const rows = judged.map(({ question, ranking }) => {
    const [name, , unit] = ASKED[question];
    const cells = policies.map(({ policy }) => {
      const place = ranking.find((each) => each.policy === policy.name);
      return place === undefined ? '<td>–</td>' : cell(place.value, unit, place.rank === 1 ? 'best' : '');
    });
    return [rowHead(name), ...cells];
  });
  const drawn = judged.map(({ question, ranking }) => {
    const [name, asks, unit] = ASKED[question];
    const svg = bars(
      ranking.map((each) => each.policy),
      ranking.map((each) => each.value),
      unit,
    );
    return figure(svg, `${name}: ${asks}`, ranking.length);
  });
  const names = policies.map(({ policy }) => policy.name);
  const about = policies.map(({ policy, lower_bound, warnings }) => {
    const notes = [lower_bound ? 'a lower bound: the trace shows no hits' : '', ...warnings].filter(
      (note) => note !== '',
    );
    return [rowHead(policy.name), text(policy.summary), text(policy.rows.join(' ')), text(notes.join('; '))];
  });
  return `<p>Smaller is better in every question; ★ marks the best, and those that are as good.</p>
${tableOf('The eight questions, by policy', ['question', ...names], rows)}
<div class="grid">${drawn.join('\n')}</div>
${tableOf('The policies', ['policy', 'what it does', 'rows', 'to know'], about)}`;
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
  const names = shown
    .slice(0, LAYERS)
    .map(([path]) => path)
    .sort();
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
  const rest = shown.length - names.length;
  const figures = policies.map(({ policy, series }, p) => {
    const cgroups = each[p]!;
    const zeros = () => series.ts.map(() => 0);
    const layers: Layer[] = names.map((path, i) => ({
      name: path,
      values: cgroups.get(path) ?? zeros(),
      colour: colourOf(i),
    }));
    if (rest > 0) {
      const values = zeros();
      for (const [path, own] of cgroups)
        if (!names.includes(path))
          own.forEach((value, i) => {
            values[i]! += value;
          });
      layers.push({ name: `${rest} others`, values, colour: colourOfRest });
    }
    return `<h3>${escaped(policy.name)}</h3>\n${figure(areas(series.ts, layers, most), `${policy.name}: bytes charged to each cgroup itself, over time`, layers.length)}`;
  });
  return `<p>What each cgroup is charged itself, without the cgroups below it; their sum is what all are charged. Colours and scale are the same for all policies.</p>\n${figures.join('\n')}`;
}

function payers({ policies }: CompareResult): string {
  const most = policies.reduce(
    (high, { uses }) => uses.bytes.reduce((h, row) => row.reduce((a, b) => Math.max(a, b), h), high),
    0,
  );
  const figures = policies.map(({ policy, uses }) => {
    if (uses.users.length === 0) return `<h3>${escaped(policy.name)}</h3>\n<p>Nothing is in use at the end.</p>`;
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
      most,
    );
    const left = uses.users.length - users.length + uses.payers.length - columns.length;
    const rows = users.map((u) => [rowHead(uses.users[u]!), ...columns.map((p) => cell(uses.bytes[u]![p]!, bytes))]);
    const table = tableOf('The same figures', ['used by', ...columns.map((p) => name(uses.payers[p]!))], rows);
    return `<h3>${escaped(policy.name)}</h3>\n${figure(svg, `${policy.name}: what each cgroup uses (a share of each page), and who is charged for it, at the end${left > 0 ? `; ${left} that have less are left out` : ''}`, users.length)}
<details><summary>Figures</summary>${table}</details>`;
  });
  return `<p>Each page is split evenly among the cgroups that used it. Down: who uses it; across: who is charged for it. Where everybody pays for what they use, only the diagonal has anything.</p>\n${figures.join('\n')}`;
}

const KINDS: readonly Flow['kind'][] = ['moved', 'recharged', 'reparented', 'released', 'claimed'];

function flows({ policies }: CompareResult): string {
  const figures = policies.map(({ policy, flows: all }) => {
    const sorted = all.filter(({ pages }) => pages > 0).sort((a, b) => b.pages - a.pages);
    if (sorted.length === 0) return `<h3>${escaped(policy.name)}</h3>\n<p>No page changed its payer.</p>`;
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
    const table = tableOf('Pages by payer before and after', ['how', 'from', 'to', 'pages'], rows);
    const left = sorted.length - shown.length;
    return `<h3>${escaped(policy.name)}</h3>\n${figure(svg, `${policy.name}: pages, from their payer before (left) to the one after (right)${left > 0 ? `; the ${left} smallest flows are left out` : ''}`, shown.length)}\n${table}`;
  });
  const key = KINDS.map((kind, i) => `<span class="key" style="background:${colourOf(i)}"></span>${kind}`).join('');
  return `<p>By colour:${key}</p>\n${figures.join('\n')}`;
}

function kills({ policies, trace }: CompareResult): string {
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
    if (all.length === 0) return `<h3>${escaped(policy.name)}</h3>\n<p>Nobody was killed.</p>`;
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
    return `<h3>${escaped(policy.name)}</h3>\n${tableOf(`${all.length + lost} kills${left > 0 ? `, the first ${rows.length} of them` : ''}`, head, rows)}`;
  });
  return `${figure(svg, 'Kills over time, by policy', names.length)}\n${lists.join('\n')}`;
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
  const svg = grouped(
    groups,
    all.map(({ name, told }) => ({ name, values: told.map(([, value]) => value) })),
  );
  const rows = all.map(({ name, told }) => [rowHead(name), ...told.map(([, value]) => cell(value, count))]);
  const head = ['policy', ...groups.map((name) => name.replace('\n', ' '))];
  return `<p>Charges that ended in an error: ENOMEM by where the charge was made, system calls that were begun again last.</p>
${figure(svg, 'Charges refused, by context and error', all.length)}\n${tableOf('Charges refused', head, rows)}`;
}

function cgroups({ policies }: CompareResult): string {
  const paths = [...new Set(policies.flatMap(({ cgroups: all }) => Object.keys(all)))];
  const names = policies.map(({ policy }) => policy.name);
  const rows = paths.slice(0, ROWS).map((path) => [
    rowHead(path),
    ...policies.flatMap(({ cgroups: all }) => {
      const found = all[path];
      return found === undefined
        ? ['<td>–</td>', '<td>–</td>']
        : [cell(found['memory.current'], bytes), cell(found.questions.attribution.proportional, bytes)];
    }),
  ]);
  const left = paths.length - rows.length;
  const head = ['cgroup', ...names.flatMap((name) => [`${name}: memory.current`, `${name}: share`])];
  return `<p>What each cgroup is charged with all below it, and its proportional share of user pages.</p>\n${tableOf(
    left > 0 ? `The first ${ROWS} of ${paths.length} cgroups` : 'All cgroups',
    head,
    rows,
  )}`;
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
  const left = rows.length - ROWS;
  return `<p>Figures of ${escaped(b)} that are not those of ${escaped(a)}.</p>\n${tableOf(
    left > 0 ? `The first ${ROWS} of ${rows.length}` : 'All that differ',
    ['cgroup', 'figure', a, b, 'difference'],
    rows.slice(0, ROWS),
  )}`;
}

function again(result: CompareResult, { command, version }: Made): string {
  const rows = result.policies.map(({ policy, state_digest }) => [
    rowHead(policy.name),
    `<td class="text"><code>${escaped(state_digest)}</code></td>`,
    text(policy.rewrite ?? '–'),
    `<td class="text"><code>${escaped(JSON.stringify(policy.answers))}</code></td>`,
  ]);
  const quoted = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  const warnings = result.warnings.map((warning) => `<li>${escaped(warning)}</li>`).join('');
  return `<pre>${escaped(quoted.join(' '))}</pre>
<p>memcharge ${escaped(version)}, seed ${count(result.seed)}, a sample every ${nanoseconds(result.sample_ns)} of the trace. The digests are of the engine's whole state at the end.</p>
${warnings === '' ? '' : `<ul>${warnings}</ul>`}
${tableOf('Digests', ['policy', 'digest', 'rewrite', 'answers that are not those of Linux'], rows)}`;
}
