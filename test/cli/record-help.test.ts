/** `memcharge record-help`: it prints docs/recording.md and nothing else, in parts; and what the document refers to is there. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { chooseSections, recordingSections } from '../../bindings/cli/record-help.ts';
import { memcharge } from '../trace/helpers.ts';

const root = join(import.meta.dirname, '../..');
const document = readFileSync(join(root, 'docs/recording.md'), 'utf8');
const squeeze = (text: string) => text.replace(/\n+/g, '\n').trim();

describe('record-help', () => {
  test('prints the whole document', async () => {
    const { code, stdout, stderr } = await memcharge(['record-help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(squeeze(stdout)).toBe(squeeze(document));
  });

  test('prints one recipe, with what concerns all of the tool, as it stands in the document', async () => {
    const { stdout } = await memcharge(['record-help', 'perf', '--light']);
    expect(document).toContain(stdout.slice(stdout.indexOf('### perf --light')).trim());
    expect(stdout).toMatch(/^## perf\n/);
    expect(stdout).not.toMatch(/full\.data|trace-cmd record|kpagecgroup/);
    expect(stdout).toContain('perf record -a -m 1024 -c 1 -e page-faults');
  });

  test.each([
    'snapshot',
    'perf',
    'trace-cmd',
    'ftrace',
    'bpftrace',
  ])('has commands for %s, and says how to import the result', async (tool) => {
    const { code, stdout } = await memcharge(['record-help', tool, '--json']);
    expect(code).toBe(0);
    const parts = JSON.parse(stdout) as { tool: string; commands: string[]; text: string }[];
    expect(parts.every((part) => part.tool === tool)).toBe(true);
    expect(parts.flatMap((part) => part.commands).length).toBeGreaterThan(0);
    expect(parts.map((part) => part.text).join('\n')).toContain('    memcharge import ');
  });

  test('the built command finds the document too', async () => {
    const main = join(root, 'dist/bindings/cli/main.js');
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'record-help', 'snapshot']);
    expect(stdout).toContain("find . -type d -printf 'id %i %p\\n'");
  });

  test.each([
    [
      ['record-help', 'strace'],
      'record-help strace: no such recipe; there are snapshot, perf, trace-cmd, ftrace, bpftrace',
    ],
    [['record-help', 'snapshot', '--full'], 'record-help snapshot --full: snapshot has no such recipe'],
    [['record-help', '--full', '--light'], '--light and --full: one of them'],
  ])('%j is refused with one line', async (args, message) => {
    const { code, stdout, stderr } = await memcharge(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^memcharge: [^\n]*\n$/);
    expect(stderr).toContain(message);
  });
});

describe('docs/recording.md', () => {
  const sections = recordingSections();

  test('parts make up the document', () => {
    expect(squeeze(sections.map((part) => part.text).join('\n'))).toBe(squeeze(document));
    for (const detail of ['light', 'full'] as const)
      expect(chooseSections(sections, null, detail).length).toBeGreaterThan(4);
  });

  test('has commands that a shell can read', async () => {
    const commands = sections.flatMap((part) => part.commands);
    expect(commands.length).toBeGreaterThanOrEqual(8);
    for (const command of commands) await promisify(execFile)('bash', ['-n', '-c', command]);
  });

  test('names files that the package has', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
    expect(files).toContain('docs');
    const named = [...document.matchAll(/docs\/[\w./-]+\.(?:md|txt|bt)/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(existsSync(join(root, name)), name).toBe(true);
  });

  test('its probes are those that the importer reads', () => {
    const probes = readFileSync(join(root, 'docs/record/memcg-probes-6.1.txt'), 'utf8').matchAll(
      /^p:memcharge\/(\w+) /gm,
    );
    const names = [...probes].map(([, name]) => name).sort();
    expect(names).toEqual(
      [
        ...['charge', 'css_offline', 'css_online', 'filemap_add', 'kmem_charge_page', 'kmem_uncharge_page', 'migrate'],
        ...['objcg_charge', 'objcg_uncharge', 'shmem_add', 'swap_charge', 'swap_uncharge', 'uncharge'],
      ].sort(),
    );
  });
});
