/** docs/writing-a-policy.md, done as it says in a copy of the tree: the policy can be used there, and each step left out is missed. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf } from './console.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/writing-a-policy.md'), 'utf8');

/** What the page says of a file: all of it, or lines to put below a line that it has. */
interface Step {
  kind: 'file' | 'lines';
  path: string;
  text: string;
}

/** Fences with a path after the language. */
const STEPS: Step[] = [...page.matchAll(/^(`{3,4})(ts|md|diff) (\S+)\n([\s\S]*?)^\1$/gm)].map((match) => ({
  kind: match[2] === 'diff' ? 'lines' : 'file',
  path: match[3]!,
  text: match[4]!,
}));

let tree: string;

beforeAll(() => {
  // Within the tree, where packages and the engine are found.
  mkdirSync(join(root, 'build'), { recursive: true });
  tree = mkdtempSync(join(root, 'build/writing-a-policy-'));
  const files = execFileSync(
    'git',
    ['ls-files', 'bindings', 'assembly', 'docs/policies', 'test/debates', 'test/setup.ts'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  for (const path of [
    ...files.trim().split('\n'),
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'build/engine.wasm',
  ])
    cpSync(join(root, path), join(tree, path));
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
});
afterAll(() => rmSync(tree, { recursive: true, force: true }));

function put({ kind, path, text }: Step): void {
  const file = join(tree, path);
  if (kind === 'file') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  const [below, ...added] = text.trimEnd().split('\n');
  expect(below![0]).toBe(' ');
  expect(added.every((line) => line[0] === '+')).toBe(true);
  const before = readFileSync(file, 'utf8');
  expect(before.split('\n').filter((line) => line === below!.slice(1))).toHaveLength(1);
  const lines = added.map((line) => `${line.slice(1)}\n`).join('');
  writeFileSync(
    file,
    before.replace(`${below!.slice(1)}\n`, (line) => line + lines),
  );
}

/** Takes a step back. */
function remove({ kind, path, text }: Step): void {
  const file = join(tree, path);
  if (kind === 'file') {
    rmSync(file);
    return;
  }
  let now = readFileSync(file, 'utf8');
  for (const line of text.split('\n').filter((each) => each.startsWith('+')))
    now = now.replace(`${line.slice(1)}\n`, '');
  writeFileSync(file, now);
}

/** Whether the tests of presets are content with the tree. */
async function complete(): Promise<boolean> {
  const config = join(tree, 'vitest.config.mjs');
  writeFileSync(config, "export default { test: { include: ['test/debates/presets.test.ts'] } };\n");
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--root', tree, '--config', config, '--reporter', 'json'];
  const { stdout } = await run(process.execPath, args, { cwd: tree, maxBuffer: 1 << 26 }).catch((error) => error);
  return JSON.parse(stdout.slice(stdout.indexOf('{'))).success;
}

test('has a file, two lines of it, a scenario, two lines of it, and a page', () => {
  expect(STEPS.map(({ path }) => path)).toEqual([
    'bindings/policy/presets/pod-pays.ts',
    'bindings/policy/registry.ts',
    'bindings/policy/registry.ts',
    'bindings/generate/scenarios/pod-restart.ts',
    'bindings/generate/registry.ts',
    'bindings/generate/registry.ts',
    'docs/policies/pod-pays.md',
  ]);
});

test('makes a policy that can be used as the page shows', { timeout: 600_000 }, async () => {
  STEPS.forEach(put);
  // What the page lets the build do.
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: tree,
  });
  const bin = join(tree, 'bin');
  mkdirSync(bin);
  // From the sources, as the build would from what it makes of them.
  const main = join(tree, 'bindings/cli/main.ts');
  const shim = `#!/bin/sh\nexec '${process.execPath}' --import tsx '${main}' "$@"\n`;
  writeFileSync(join(bin, 'memcharge'), shim, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  // The commands of the page itself, not those of the page that it has one write.
  const commands = commandsOf(page.replaceAll(/^````md[\s\S]*?^````$/gm, ''));
  expect(commands).toHaveLength(2);
  for (const { command, shown } of commands)
    expect((await run('bash', ['-c', command], { cwd: tree, env })).stdout, command).toBe(shown);
  // The mount's cgroup pays for the tmpfs, and has the cache of the removed container as its own.
  const { Machine } = await import(join(tree, 'bindings/index.ts'));
  const { podRestart } = await import(join(tree, 'bindings/generate/scenarios/pod-restart.ts'));
  const { TraceBuilder } = await import(join(tree, 'bindings/generate/trace-builder.ts'));
  const { bootFor, replayTrace } = await import(join(tree, 'bindings/replay/replay.ts'));
  const builder = new TraceBuilder();
  podRestart.build(builder, { pages: 4096 });
  const usage = async (policy: string) => {
    const trace = builder.trace();
    const machine = await bootFor(trace, { residency: 'modelled', policy }, false, 1 << 18);
    await replayTrace(machine, trace);
    expect(machine).toBeInstanceOf(Machine);
    expect(machine.audit()).toBeNull();
    return { pod: machine.usage(2), removed: machine.usage(3) };
  };
  expect(await usage('pod-pays')).toEqual({ pod: 8192, removed: 0 });
  expect(await usage('linux')).toEqual({ pod: 8192, removed: 8192 });
});

test('is complete, and lacks something without any of its steps', { timeout: 600_000 }, async () => {
  expect(await complete()).toBe(true);
  const [, , line, , , scenario, own] = STEPS;
  for (const step of [line!, scenario!, own!]) {
    remove(step);
    expect(await complete(), `without ${step.path}`).toBe(false);
    put(step);
  }
  expect(await complete()).toBe(true);
});
