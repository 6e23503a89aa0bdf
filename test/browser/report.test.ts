/** The report of a comparison in a browser: it shows the figures of --json, draws all there is, stays within the page and fetches nothing. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CompareResult } from '../../bindings/report/compare-result.ts';
import { reportPage } from '../../bindings/report/html/page.ts';
import { memcharge, scratch } from '../trace/helpers.ts';
import { inBrowser } from './page.ts';

const POLICIES = ['linux', 'memcg-mount', 'common-ancestor'];

/** What a page shows at a width of 1000 pixels. */
interface Shown {
  width: number;
  content: number;
  wide: string[];
  resources: number;
  scripts: number;
  title: string;
  sections: { id: string; drawings: number; empty: number }[];
  verdict: Record<string, { policy: string; value: number; best: boolean }[]>;
  current: Record<string, number[]>;
  spreads: Record<string, (string | number)[][]>;
  killed: { ts: number; own: number; candidates: number; innocent: boolean }[];
  printed: string[][];
  about: string;
  none: string[];
  layers: { fills: number; legend: string[] }[];
  flows: number;
  cells: number[];
  kills: number;
  overlaps: string[];
}

async function look(page: string): Promise<Shown> {
  return (await inBrowser(`
    const frame = document.createElement('iframe');
    frame.width = 1000; frame.height = 800; frame.style.border = '0';
    frame.srcdoc = ${JSON.stringify(page).replaceAll('<', '\\u003c')};
    const loaded = new Promise((resolve) => { frame.onload = resolve; });
    document.documentElement.append(frame);
    await loaded;
    const doc = frame.contentDocument;
    const all = (at, selector) => [...at.querySelectorAll(selector)];
    const head = (table) => all(table, 'thead th').map((th) => th.textContent);
    const verdict = {};
    const [judged] = all(doc, '#verdict table');
    for (const row of all(judged, 'tbody tr'))
      verdict[row.querySelector('th').textContent] = all(row, 'td').map((td, i) => (
        { policy: head(judged)[i + 1], value: Number(td.dataset.value), best: td.classList.contains('best') }));
    const current = {};
    for (const row of all(doc, '#cgroups tbody tr'))
      (current[row.querySelector('th').textContent] ??= []).push(...all(row, 'td').filter((_, i) => i % 2 === 0).map((td) => Number(td.dataset.value)));
    const spreads = {};
    for (const title of all(doc, '#determinism h3')) {
      const rows = all(title.nextElementSibling.nextElementSibling, 'tbody tr');
      spreads[title.textContent] = rows.map((row) => [row.querySelector('th').textContent, ...all(row, 'td').map((td) => Number(td.dataset.value))]);
    }
    const killed = all(doc, '#kills tbody tr').map((row) => {
      const [when, , , own, , candidates] = all(row, ':scope > td');
      return { ts: Number(when.dataset.value), own: Number(own.dataset.value), candidates: all(candidates, 'li').length, innocent: row.querySelector('.bad') !== null };
    });
    const printed = all(doc, '#output details').map((each) => [each.dataset.policy, ...all(each, 'pre').map((pre) => pre.textContent)]);
    const layers = all(doc, '#tree figure').map((figure) => ({
      fills: new Set(all(figure, 'svg g path[fill-opacity]').map((path) => path.getAttribute('fill'))).size,
      legend: all(figure, '.legend li').map((li) => li.textContent) }));
    // Texts of a drawing that lie on each other.
    const overlaps = all(doc, 'figure').flatMap((figure) => {
      const texts = all(figure, 'svg text').filter((each) => !/rotate|matrix/.test(each.getAttribute('transform') ?? ''))
        .map((each) => ({ text: each.textContent, box: each.getBoundingClientRect() }));
      return texts.flatMap((a, i) => texts.slice(i + 1).filter((b) => a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 &&
        a.box.top < b.box.bottom - 1 && b.box.top < a.box.bottom - 1).map((b) => a.text + ' | ' + b.text));
    });
    return {
      width: doc.documentElement.clientWidth, content: doc.documentElement.scrollWidth,
      wide: all(doc, 'body *').filter((each) => !each.closest('.scroll, svg') && each.getBoundingClientRect().right > 1000).map((each) => each.outerHTML.slice(0, 80)),
      resources: frame.contentWindow.performance.getEntriesByType('resource').length,
      scripts: doc.scripts.length, title: doc.title,
      sections: all(doc, 'section').map((section) => ({ id: section.id, drawings: all(section, 'figure svg').length,
        empty: all(section, 'figure svg').filter((svg) => svg.getBoundingClientRect().width < 200 || all(svg, 'path').length < 1).length })),
      verdict, current, layers, spreads, killed, printed, about: doc.querySelector('#about').textContent,
      none: all(doc, '.none').map((p) => p.parentElement.id + ': ' + p.textContent),
      flows: all(doc, '#flows svg path[fill-opacity="0.65"]').length,
      cells: all(doc, '#payers figure').map((figure) => all(figure, 'svg text[fill="#010101"], svg text[fill="#fffffe"]').length),
      kills: all(doc, '#kills tbody tr').length,
      overlaps,
    };`)) as Shown;
}

const TITLES: Readonly<Record<string, string>> = {
  attribution: 'Attribution error',
  determinism: 'Determinism',
  innocents: 'Innocents',
  overrun: 'Overrun',
  stranded: 'Stranded',
  movement: 'Movement',
  pressure: 'Pressure',
  refusals: 'Refusals',
};

let result: CompareResult;
let page: string;
let shown: Shown;

beforeAll(async () => {
  const folder = scratch();
  const trace = join(folder, 'pods.arrow');
  const made = await memcharge(['generate', 'pods', '-o', trace, '--option', 'pods=2', '--option', 'seconds=1']);
  expect(made.code).toBe(0);
  const path = join(folder, 'report.html');
  writeFileSync(path, 'what was there');
  const more = ['--capacity', 'observe=65536', '--shuffle', '2', '--diff', 'linux', 'memcg-mount'];
  const done = await memcharge(['compare', trace, '--policy', POLICIES.join(), ...more, '--json', '--report', path]);
  expect(done.code, done.stderr).toBe(0);
  result = JSON.parse(done.stdout);
  page = readFileSync(path, 'utf8');
  shown = await look(page);
  expect(readdirSync(folder).sort()).toEqual(['pods.arrow', 'report.html']);
}, 300_000);

describe('the report', () => {
  test('shows the figures of --json, and a drawing for each policy', { timeout: 120_000 }, async () => {
    expect(shown.sections.map(({ id }) => id)).toEqual([
      ...['verdict', 'determinism', 'tree', 'payers', 'flows', 'kills', 'refusals', 'cgroups', 'diff', 'answers'],
    ]);
    for (const { question, ranking } of result.verdict) {
      const row = shown.verdict[TITLES[question]!]!;
      expect(row.map(({ policy }) => policy)).toEqual(POLICIES);
      for (const { policy, value, best } of row) {
        const judged = ranking.find((each) => each.policy === policy)!;
        expect({ value, best }, `${question} ${policy}`).toEqual({ value: judged.value, best: judged.rank === 1 });
      }
    }
    expect(Object.keys(shown.verdict)).toHaveLength(8);
    for (const [path, values] of Object.entries(shown.current))
      expect(values, path).toEqual(
        result.policies.map(({ cgroups }) => cgroups[path]?.['memory.current'] ?? Number.NaN),
      );
    const drawings = Object.fromEntries(shown.sections.map(({ id, drawings }) => [id, drawings]));
    const moving = result.policies.filter(({ flows }) => flows.some(({ pages }) => pages > 0)).length;
    const drawn = result.verdict.filter(({ ranking }) => ranking.some(({ value }) => value > 0)).length;
    const some = (found: boolean) => (found ? 1 : 0);
    const killing = some(result.policies.some(({ kills }) => kills.length > 0));
    expect(drawings).toMatchObject({ verdict: drawn, tree: 3, payers: 3, flows: moving, kills: killing });
    expect(drawn).toBeGreaterThan(2);
    // What does not move is said.
    const still = result.policies.filter(({ flows }) => flows.every(({ pages }) => pages === 0));
    const names = still.map(({ policy }) => policy.name).join(', ');
    expect(names).toMatch(/^linux/);
    expect(shown.none).toContain(`flows: Under ${names}: no page changed its payer.`);
    // How much the order of the jobs decides.
    expect(Object.keys(shown.spreads)).toEqual(POLICIES);
    for (const { policy, cgroups } of result.policies)
      for (const [path, ...figures] of shown.spreads[policy.name]!) {
        const { spread, min, max, mean, ci95 } = cgroups[path!]!.questions.determinism!;
        expect(figures, `${policy.name} ${path}`).toEqual([spread, min, max, mean, ...ci95]);
      }
    const widest = Math.max(...shown.spreads.linux!.map(([, spread]) => Number(spread)));
    expect(widest).toBe(result.policies[0]!.totals.determinism!.worst_spread);
    expect(widest).toBeGreaterThan(0);
    expect(shown.sections.filter(({ empty }) => empty > 0)).toEqual([]);
    // Each layer of the stack that the legend names is drawn.
    for (const { fills, legend } of shown.layers) expect(fills, legend.join()).toBe(legend.length);
    expect(shown.layers[0]!.legend).toContain('/kubepods/pod0/c0');
    expect(shown.kills).toBe(result.policies.reduce((sum, { kills }) => sum + kills.length, 0));
    expect(shown.cells.every((cells) => cells > 0)).toBe(true);
  });

  test('stays within the page, without labels on each other, and needs nothing else', {
    timeout: 120_000,
  }, async () => {
    expect(shown.content).toBeLessThanOrEqual(shown.width);
    expect(shown.wide).toEqual([]);
    expect(shown.overlaps).toEqual([]);
    expect({ resources: shown.resources, scripts: shown.scripts }).toEqual({ resources: 0, scripts: 0 });
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(/https?:|\bsrc=|@import|url\((?!#)|href="(?!#)/);
    expect(page).toMatch(/memcharge compare .*pods\.arrow --policy/);
    expect(shown.about).toContain(`${result.trace.events.toLocaleString('en')} events`);
    expect(shown.about).toContain('started in 2 orders');
    for (const { state_digest } of result.policies) expect(shown.about).toContain(state_digest);
  });

  test('bears names that are not meant well, circles, and long paths', { timeout: 120_000 }, async () => {
    const bad = structuredClone(result);
    const name = `/<script>document.title='x'</script>&"'\u0007${'long/'.repeat(40)}`;
    for (const policy of bad.policies) {
      const [first] = Object.keys(policy.cgroups).filter((path) => path !== '/');
      policy.cgroups[name] = { ...policy.cgroups[first!]!, id: 9999 };
      policy.series.cgroups[name] = structuredClone(policy.series.cgroups[first!]!);
      policy.uses.users[0] = name;
      policy.uses.payers[0] = name;
      policy.flows = [
        { kind: 'moved', from: name, to: '/a', pages: 5 },
        { kind: 'moved', from: '/a', to: name, pages: 7 },
        { kind: 'recharged', from: '/a', to: '/a', pages: 1 },
        { kind: 'released', from: '/a', to: null, pages: 3 },
        { kind: 'claimed', from: null, to: '/b', pages: 3 },
      ];
      policy.warnings = [name];
    }
    bad.trace.path = name;
    const shown = await look(reportPage(bad, { command: ['memcharge', name], version: '0' }));
    expect(shown.title).toMatch(/^Who pays: \/<script>/);
    expect(shown.scripts).toBe(0);
    expect(shown.flows).toBe(5 * POLICIES.length);
    expect(shown.content).toBeLessThanOrEqual(shown.width);
    expect(shown.wide).toEqual([]);
  });

  test('of a script shows its kills and what it printed under each policy', { timeout: 120_000 }, async () => {
    const folder = scratch();
    const script = join(folder, 'kill.sh');
    const path = join(folder, 'kill.html');
    const steps = [
      'C=/sys/fs/cgroup',
      'mkdir $C/a',
      'echo 4M >$C/a/memory.max',
      '(echo 0 >$C/a/cgroup.procs; memtouch anon 8M)',
    ];
    writeFileSync(script, ['#!/bin/bash', ...steps, 'echo "status <$?>"', ''].join('\n'));
    const policies = ['linux', 'oracle-owner'];
    const done = await memcharge(['compare', script, '--policy', policies.join(), '--json', '--report', path]);
    expect(done.code, done.stderr).toBe(0);
    const { policies: told } = JSON.parse(done.stdout) as CompareResult;
    const shown = await look(readFileSync(path, 'utf8'));
    const all = told.flatMap(({ kills }) => kills);
    expect(all.length).toBeGreaterThan(0);
    expect(shown.killed).toEqual(
      all.map(({ ts, own_use: own, candidates, innocent }) => ({ ts, own, candidates: candidates.length, innocent })),
    );
    expect(shown.none).toContain('kills: Under oracle-owner: nobody was killed.');
    expect(shown.printed).toEqual(
      told.map(({ policy, script: it }) => [policy.name, ...[it!.stdout, it!.stderr].filter((text) => text !== '')]),
    );
    expect(shown.printed[0]![1]).toBe('status <137>\n');
    expect(shown.printed[1]![1]).toBe('status <0>\n');
    expect(shown.overlaps).toEqual([]);
  });

  test('has room for ten policies and forty cgroups of long names', { timeout: 120_000 }, async () => {
    const many = structuredClone(result);
    const long = (n: number) => `/${'kubepods-burstable.slice/'.repeat(4)}cri-${n}.scope`;
    many.policies = Array.from({ length: 10 }, (_, p) => {
      const policy = structuredClone(result.policies[p % 3]!);
      policy.policy.name = `a-policy-with-a-long-name-${p}`;
      const [first] = Object.keys(policy.cgroups).filter((path) => path !== '/');
      for (let n = 0; n < 40; n++) {
        policy.cgroups[long(n)] = { ...policy.cgroups[first!]!, id: 1000 + n };
        policy.series.cgroups[long(n)] = structuredClone(policy.series.cgroups[first!]!);
        policy.uses.users.push(long(n));
        policy.uses.bytes.push(policy.uses.payers.map((_, i) => 4096 * (n + i)));
        policy.flows.push({ kind: 'moved', from: long(n), to: long((n * 7) % 40), pages: 1000 + n });
      }
      return policy;
    });
    many.verdict = result.verdict.map((each) => ({
      ...each,
      ranking: many.policies.map(({ policy }, p) => ({ policy: policy.name, value: p * 12_345_678, rank: p + 1 })),
    }));
    const shown = await look(reportPage(many, { command: ['memcharge', long(1)], version: '0' }));
    expect(shown.content).toBeLessThanOrEqual(shown.width);
    expect(shown.wide).toEqual([]);
    expect(shown.overlaps).toEqual([]);
    expect(shown.current[long(39)]).toHaveLength(10);
    // Too many to stand beside each other.
    expect(Object.keys(shown.verdict)).toEqual(many.policies.map(({ policy }) => policy.name));
  });

  test('is drawn of nothing, too', { timeout: 120_000 }, async () => {
    const none = structuredClone(result);
    for (const policy of none.policies) {
      policy.cgroups = {};
      policy.series = { ts: [], cgroups: {} };
      policy.flows = [];
      policy.kills = [];
      policy.uses = { users: [], payers: [], bytes: [] };
      delete policy.shuffle;
    }
    none.verdict = [];
    delete none.diff;
    const shown = await look(reportPage(none, { command: [], version: '0' }));
    expect(shown.sections).toHaveLength(8);
    for (const id of ['tree', 'payers', 'flows', 'kills', 'cgroups'])
      expect(
        shown.none.some((text) => text.startsWith(`${id}: `)),
        id,
      ).toBe(true);
    expect(shown.content).toBeLessThanOrEqual(shown.width);
  });

  test('is refused where it cannot be, before anything is replayed', async () => {
    const folder = scratch();
    const missing = join(folder, 'nowhere', 'r.html');
    for (const [path, why] of [
      [missing, 'no such file or directory'],
      [folder, 'exists and is not a regular file'],
    ] as const) {
      const done = await memcharge(['compare', '/nonexistent.arrow', '--policy', 'linux', '--report', path]);
      expect(done).toMatchObject({ code: 2, stdout: '', stderr: `memcharge: ${path}: ${why}\n` });
    }
    expect(existsSync(missing)).toBe(false);
  });
});
