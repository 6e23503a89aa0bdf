/** Names of files: the same calls here and on the kernel of the machine that tests, with the same answers and the same tree after them. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Process } from '../../../bindings/shell/kernel/syscalls.ts';
import { errnoOf, run } from './helpers.ts';

/** So deep that no path of a test leads above the directory of the test. */
const DEPTH = 24;

interface Call {
  op:
    | 'mkdir'
    | 'rmdir'
    | 'unlink'
    | 'rename'
    | 'link'
    | 'symlink'
    | 'create'
    | 'open'
    | 'exclusive'
    | 'stat'
    | 'lstat'
    | 'readlink'
    | 'truncate'
    | 'readdir';
  path: string;
  to: string;
}

function real(base: string, { op, path, to }: Call): unknown {
  const at = `${base}/${path}`;
  const open = (flags: number) => fs.closeSync(fs.openSync(at, flags, 0o644));
  const { O_WRONLY, O_CREAT, O_EXCL, O_RDONLY } = fs.constants;
  switch (op) {
    case 'mkdir':
      return fs.mkdirSync(at);
    case 'rmdir':
      return fs.rmdirSync(at);
    case 'unlink':
      return fs.unlinkSync(at);
    case 'rename':
      return fs.renameSync(at, `${base}/${to}`);
    case 'link':
      return fs.linkSync(at, `${base}/${to}`);
    case 'symlink':
      return fs.symlinkSync(to, at);
    case 'create':
      return open(O_WRONLY | O_CREAT);
    case 'exclusive':
      return open(O_WRONLY | O_CREAT | O_EXCL);
    case 'open':
      return open(O_RDONLY);
    case 'stat':
      return fs.statSync(at);
    case 'lstat':
      return fs.lstatSync(at);
    case 'readlink':
      return fs.readlinkSync(at);
    case 'truncate':
      return fs.truncateSync(at, 5);
    case 'readdir':
      return fs.readdirSync(at);
  }
}

async function ours(p: Process, base: string, { op, path, to }: Call): Promise<unknown> {
  const at = `${base}/${path}`;
  switch (op) {
    case 'mkdir':
      return p.mkdir(at);
    case 'rmdir':
      return p.rmdir(at);
    case 'unlink':
      return p.unlink(at);
    case 'rename':
      return p.rename(at, `${base}/${to}`);
    case 'link':
      return p.link(at, `${base}/${to}`);
    case 'symlink':
      return p.symlink(to, at);
    case 'create':
      return p.close(await p.open(at, { write: true, create: true }));
    case 'exclusive':
      return p.close(await p.open(at, { write: true, create: true, exclusive: true }));
    case 'open':
      return p.close(await p.open(at, { read: true }));
    case 'stat':
      return p.stat(at);
    case 'lstat':
      return p.lstat(at);
    case 'readlink':
      return p.readlink(at);
    case 'truncate':
      return p.truncate(at, 5);
    case 'readdir':
      return p.readdir(at);
  }
}

/** Every name below, with its type, links and size. */
function realTree(base: string): string[] {
  return fs
    .readdirSync(base)
    .sort()
    .flatMap((name) => {
      const at = join(base, name);
      const stat = fs.lstatSync(at);
      if (stat.isSymbolicLink()) return [`${name} -> ${fs.readlinkSync(at)} ${stat.size}`];
      if (stat.isDirectory()) return [`${name}/`, ...realTree(at).map((line) => `${name}/${line}`)];
      return [`${name} ${stat.nlink} ${stat.size}`];
    });
}

function ourTree(p: Process, base: string): string[] {
  return p
    .readdir(base)
    .sort()
    .flatMap((name) => {
      const at = `${base}/${name}`;
      const stat = p.lstat(at);
      if (stat.type === 'symlink') return [`${name} -> ${p.readlink(at)} ${stat.size}`];
      if (stat.type === 'directory') return [`${name}/`, ...ourTree(p, at).map((line) => `${name}/${line}`)];
      return [`${name} ${stat.nlink} ${stat.size}`];
    });
}

async function compare(calls: readonly Call[]): Promise<void> {
  const top = fs.mkdtempSync(join(tmpdir(), 'names-'));
  const below = Array.from({ length: DEPTH }, (_, i) => `l${i}`).join('/');
  const base = join(top, below);
  fs.mkdirSync(base, { recursive: true });
  // Its own directory is not to be removed.
  fs.writeFileSync(join(base, 'keep'), '');
  try {
    await run(async (p) => {
      for (const i of Array.from({ length: DEPTH }, (_, k) => k))
        await p.mkdir(
          `/root/${below
            .split('/')
            .slice(0, i + 1)
            .join('/')}`,
        );
      p.close(await p.open(`/root/${below}/keep`, { write: true, create: true }));
      for (const [i, call] of calls.entries()) {
        const there = (() => {
          try {
            real(base, call);
            return 'ok';
          } catch (error) {
            return (error as NodeJS.ErrnoException).code!;
          }
        })();
        const here = await errnoOf(() => ours(p, `/root/${below}`, call));
        expect(here, `${i}: ${JSON.stringify(call)}`).toBe(there);
      }
      expect(ourTree(p, `/root/${below}`)).toEqual(realTree(base));
      return 0;
    });
  } finally {
    fs.rmSync(top, { recursive: true });
  }
}

const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  { weight: 2, arbitrary: fc.constantFrom('.', '..', '') },
  { weight: 1, arbitrary: fc.constant('x'.repeat(256)) },
);
const path = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([names, slash]) => names.join('/') + (slash ? '/' : ''))
  .filter((text) => !text.startsWith('/'));
const call: fc.Arbitrary<Call> = fc.record({
  op: fc.constantFrom<Call['op'][]>(
    'mkdir',
    'mkdir',
    'rmdir',
    'unlink',
    'rename',
    'rename',
    'link',
    'symlink',
    'symlink',
    'create',
    'create',
    'open',
    'exclusive',
    'stat',
    'lstat',
    'readlink',
    'truncate',
    'readdir',
  ),
  path,
  to: path.filter((text) => text !== ''),
});

describe('names of files', () => {
  it('follow the rules of the kernel that tests', async () => {
    const calls = (op: Call['op'], paths: readonly string[], to = 'b'): Call[] =>
      paths.map((each) => ({ op, path: each, to }));
    await compare([
      ...calls('mkdir', ['a', 'a', 'a/', 'a/b/', 'b/c', '.', '..', 'a/.', 'a/..', 'a/c/.']),
      ...calls('create', ['f', 'f/', 'g/', 'a', 'a/f', 'f/x', '.', 'a/.', '']),
      ...calls('exclusive', ['f', 'a', 'h', 'f/', '..']),
      ...calls('symlink', ['l', 'l', 'dangling', 'x/'], 'a'),
      ...calls('symlink', ['loop'], 'loop'),
      ...calls('symlink', ['new'], 'made/by/link'),
      ...calls('symlink', ['made'], 'm'),
      ...calls('create', ['loop', 'new', 'made', 'made/']),
      ...calls('open', ['loop', 'l', 'l/', 'l/f', 'f/', 'nosuch', 'f/..', `${'y'.repeat(255)}`, `${'y'.repeat(256)}`]),
      ...calls('lstat', ['loop', 'l', 'l/', 'loop/', 'm', 'x'.repeat(4100)]),
      ...calls('readlink', ['l', 'l/', 'f', 'a', 'nosuch']),
      ...calls('rmdir', ['a', 'f', 'l', 'l/', 'nosuch', '.', '..', 'a/.', 'a/..', 'a/b/', 'f/x']),
      ...calls('unlink', ['a', 'a/', 'l/', 'f/', 'nosuch', '.', '..', 'loop']),
      ...calls('rename', ['f', 'a', 'nosuch', '.', 'a/.', '..'], 'b'),
      ...calls('rename', ['b'], 'b/inside'),
      ...calls('rename', ['b/c'], 'b'),
      ...calls('rename', ['b/'], 'z/'),
      ...calls('rename', ['h'], 'z'),
      ...calls('rename', ['z'], 'h'),
      ...calls('rename', ['h'], 'i/'),
      ...calls('link', ['h', 'z', 'l', 'h/', 'nosuch'], 'k'),
      ...calls('rename', ['h'], 'k'),
      ...calls('truncate', ['h', 'z', 'nosuch', 'l', 'loop', 'h/']),
      ...calls('readdir', ['z', 'h', 'l', 'nosuch', '']),
    ]);
  });

  it('any calls at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 60 }), (calls) => compare(calls)),
      { seed: 5, numRuns: Number(process.env.MEMCHARGE_FUZZ_RUNS ?? 60) },
    );
  });
});
