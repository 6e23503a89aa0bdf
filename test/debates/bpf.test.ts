/** Debate 4: memory that outlives its user: BPF maps, and the page cache. */
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import type { ScenarioOptions } from '../../bindings/generate/scenario.ts';
import { bpf } from '../../bindings/generate/scenarios/bpf.ts';
import { bpfGhost } from '../../bindings/generate/scenarios/bpf-ghost.ts';
import { inodeReuse } from '../../bindings/generate/scenarios/inode-reuse.ts';
import { insertGfp, TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { Machine } from '../../bindings/machine.ts';
import { definePolicy, type Policy, type SomeAnswers } from '../../bindings/policy/policy.ts';
import { row } from './row.ts';
import { idOf, pagesOf, replayRows, rowsOf } from './run.ts';

/** Pages. */
const MIB = 256;
const SRC = '/A/AC/ACA/src';
const DST = '/A/AC/ACB/dst';

const withAnswers = (answers: SomeAnswers): Policy => definePolicy({ name: 'mixed', summary: '', rows: [], answers });
const RECHARGE: SomeAnswers = { reuse: 'recharge' };

/** The scenario under a policy, with what CPUs hold in stock given back. */
async function replayed(policy: string | Policy, options: ScenarioOptions = {}, scenario = bpf): Promise<Machine> {
  const machine = await replayRows(rowsOf(scenario, options), policy);
  machine.engine.drainAllStock(1, 0);
  machine.engine.drainAllStock(1, 1);
  expect(machine.audit()).toBeNull();
  return machine;
}

const peakOf = (machine: Machine, path: string) => machine.figures(idOf(machine, path))['memory.peak'] / 4096;
const statOf = (machine: Machine, path: string, stat: string) =>
  machine.figures(idOf(machine, path))['memory.stat'][stat]!;
const figuresOf = (machine: Machine, path: string) => machine.policyFigures(idOf(machine, path));
const own = (machine: Machine, path: string) => ({
  src: pagesOf(machine, SRC),
  dst: pagesOf(machine, DST),
  at: pagesOf(machine, path),
});

/** A machine with the tree and a map of `pages` whose maker has gone, for calls one by one. */
async function live(
  answers: SomeAnswers,
  {
    pages = 120 * MIB,
    kind = O.KIND_VMALLOC,
    limit = 200 * MIB,
  }: { pages?: number; kind?: number; limit?: number } = {},
) {
  const machine = await Machine.boot({ residency: 'modelled', pages: 1 << 18, cpus: 2, policy: withAnswers(answers) });
  const ids = new Map([['/', 1]]);
  for (const path of ['/A', '/A/AC', '/A/AC/ACA', SRC, '/A/AC/ACB', DST])
    ids.set(path, machine.mkdir(path, ids.get(path.slice(0, path.lastIndexOf('/')) || '/')));
  if (limit) machine.writeKnob(ids.get('/A/AC')!, O.KNOB_MAX, BigInt(limit));
  const first = machine.spawn(ids.get(SRC));
  const second = machine.spawn(ids.get(DST));
  const third = machine.spawn(ids.get('/A'));
  const map = 1;
  machine.event('object_new', {
    object: map,
    task: first,
    index: pages,
    count: O.OBJECT_BPF_MAP,
    flags: kind << O.FLAG_KIND_SHIFT,
  });
  machine.exit(first);
  const insert = (key: number, bytes = 4096, gfp = O.GFP_KSWAPD_RECLAIM) =>
    machine.event('map_update', {
      object: map,
      index: key,
      count: bytes,
      flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
      gfp,
    });
  const recharge = (task = second, inCall = false) =>
    machine.event('recharge', { object: map, task, flags: inCall ? O.FLAG_IN_CALL : 0 });
  const drain = () => {
    machine.engine.drainAllStock(1, 0);
    machine.engine.drainAllStock(1, 1);
    expect(machine.audit()).toBeNull();
  };
  return { machine, ids, id: (path: string) => ids.get(path)!, map, second, third, insert, recharge, drain };
}

row(
  'B1',
  'linux: a removed loader leaves 120M to its nearest living ancestor; the next generation pays 0; in the thread’s kernel they stay with it, dying',
  async () => {
    const linux = await replayed('linux', { removed: 1 });
    expect(own(linux, '/A/AC/ACA')).toMatchObject({ dst: 0, at: 120 * MIB });
    expect(linux.bpfObjects()).toMatchObject([{ payer: '/A/AC/ACA', state: 'reparented', bytes: 120 << 20 }]);
    // What is inserted later is charged there, too.
    const map = linux.bpfObjects()[0]!.object;
    linux.event('map_update', {
      object: map,
      count: 4096,
      flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
      gfp: O.GFP_KSWAPD_RECLAIM,
    });
    expect(Number(linux.engine.statLocal(idOf(linux, '/A/AC/ACA'), L.STAT_SLAB))).toBe(4096);
    const thread = await replayed(withAnswers({ objcgStays: true }), { removed: 1 });
    expect(pagesOf(thread, SRC)).toBe(120 * MIB);
    expect(Number(thread.engine.statLocal(idOf(thread, SRC), L.STAT_VMALLOC))).toBe(120 * MIB);
    expect(Number(thread.engine.statLocal(idOf(thread, '/A/AC/ACA'), L.STAT_VMALLOC))).toBe(0);
    expect(thread.bpfObjects()).toMatchObject([{ state: 'dying' }]);
    expect(thread.engine.nrDescendants(1, 1)).toBe(1);
    thread.event('map_update', {
      object: map,
      count: 4096,
      flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
      gfp: O.GFP_KSWAPD_RECLAIM,
    });
    expect(Number(thread.engine.statLocal(idOf(thread, SRC), L.STAT_SLAB))).toBe(4096);
    // It lives as long as the map.
    thread.event('object_free', { object: map });
    thread.engine.drainAllStock(1, 0);
    thread.engine.drainAllStock(1, 1);
    thread.advance(thread.now + 1n);
    expect(thread.engine.nrDescendants(1, 1)).toBe(0);
    expect(thread.audit()).toBeNull();
  },
);

row(
  'B2',
  'bpf-recharge: src 0, dst 120M; a refused one (dst.max 100M) is ENOMEM and leaves every counter and the digest as they were',
  async () => {
    const machine = await replayed('bpf-recharge');
    expect(own(machine, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB, at: 120 * MIB });
    expect(machine.policyCounts()).toMatchObject({ recharged: 30720, rolled_back: 0 });
    expect(figuresOf(machine, DST).recharged_in).toBe(30720);
    expect(figuresOf(machine, SRC).recharged_out).toBe(30720);
    expect(await replayed('linux').then((m) => own(m, '/A/AC'))).toEqual({ src: 120 * MIB, dst: 0, at: 120 * MIB });

    const refused = await live(RECHARGE);
    refused.insert(7, 1000);
    refused.drain();
    refused.machine.writeKnob(refused.id(DST), O.KNOB_MAX, BigInt(100 * MIB));
    const before = [...refused.ids.values()].map((id) => JSON.stringify(refused.machine.figures(id)));
    const digest = refused.machine.engine.stateDigest();
    expect(refused.recharge().errno).toBe('ENOMEM');
    expect([...refused.ids.values()].map((id) => JSON.stringify(refused.machine.figures(id)))).toEqual(before);
    expect(refused.machine.engine.stateDigest()).toBe(digest);
    expect(refused.machine.policyFigures(refused.id(DST)).enomem.kmem).toBe(1);
    expect(refused.machine.policyCounts()).toMatchObject({ recharged: 0, rolled_back: 1 });
  },
);

row(
  'B2a',
  'AC.max 200M: with the shortcut AC.peak stays 120M; without it AC would need 240M: refused, src 120M, dst 0; unlimited its peak is 240M',
  async () => {
    const shortcut = await replayed('bpf-recharge');
    expect([peakOf(shortcut, '/A/AC'), peakOf(shortcut, '/A')]).toEqual([120 * MIB, 120 * MIB]);
    const without = withAnswers({ ...RECHARGE, shortcut: false });
    const refused = await replayed(without);
    expect(own(refused, '/A/AC')).toEqual({ src: 120 * MIB, dst: 0, at: 120 * MIB });
    expect(peakOf(refused, '/A/AC')).toBe(120 * MIB);
    expect(figuresOf(refused, DST).enomem.kmem).toBe(1);
    const free = await replayed(without, { limit: 0 });
    expect(own(free, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB, at: 120 * MIB });
    expect(peakOf(free, '/A/AC')).toBe(240 * MIB);
  },
);

row(
  'B2b',
  'chunks of 4M without shortcut: AC.peak 124M; a piece that fails after 100M rolls back: src 130M again, 40M of it forced past its limit of 90M',
  async () => {
    const machine = await replayed(withAnswers({ ...RECHARGE, shortcut: false, chunk: 4 * MIB }));
    expect(own(machine, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB, at: 120 * MIB });
    expect(peakOf(machine, '/A/AC')).toBe(124 * MIB);

    const { machine: m, id, recharge, drain, second } = await live({ ...RECHARGE, chunk: 4 * MIB });
    m.writeKnob(id(DST), O.KNOB_MAX, BigInt(100 * MIB));
    for (let piece = 1; piece <= 25; piece++) {
      expect(recharge(second, true).errno).toBeUndefined();
      expect([m.usage(id(SRC)), m.usage(id(DST))]).toEqual([(120 - 4 * piece) * MIB, 4 * piece * MIB]);
      expect(m.audit()).toBeNull();
    }
    m.writeKnob(id(SRC), O.KNOB_MAX, BigInt(90 * MIB));
    const filler = m.spawn(id(SRC));
    m.touchAnon(filler, { vpn: 16, pages: 10 * MIB });
    expect(recharge().errno).toBe('ENOMEM');
    drain();
    expect([m.usage(id(SRC)), m.usage(id(DST)), m.usage(id('/A/AC'))]).toEqual([130 * MIB, 0, 130 * MIB]);
    expect(m.policyFigures(id(SRC))).toMatchObject({ forced: { rollback: 40 * MIB }, recharged_out: 0 });
    expect(m.policyCounts()).toMatchObject({ recharged: 0, rolled_back: 1 });
  },
);

row(
  'B2c',
  'buckets and elements, preallocated and on demand, inserted, replaced and deleted while it goes on: bytes after = bytes before, none left at src',
  async () => {
    for (const chunk of [0, 64]) {
      const { machine, id, map, insert, recharge, drain, second } = await live({ ...RECHARGE, chunk }, { pages: 1000 });
      for (let key = 0; key < 100; key++) insert(key, 1000);
      for (let key = 100; key < 110; key++) insert(key, 0);
      recharge(second, true);
      for (let key = 110; key < 150; key++) insert(key, 3000);
      insert(0, 500);
      machine.event('map_delete', { object: map, index: 1 });
      expect(machine.audit()).toBeNull();
      expect(recharge().errno).toBeUndefined();
      drain();
      const bytes = 98 * 1000 + 500 + 40 * 3000;
      expect(machine.bpfObjects()).toMatchObject([{ elements: 149, elementBytes: bytes, payer: DST, busy: false }]);
      const stat = (path: string) => machine.figures(id(path))['memory.stat'];
      expect(stat(DST)).toMatchObject({ slab: bytes, vmalloc: 1000 * 4096 });
      expect(stat(SRC)).toMatchObject({ slab: 0, vmalloc: 0, kernel: 0 });
      expect([machine.usage(id(SRC)), machine.usage(id(DST))]).toEqual([0, 1000 + Math.ceil(bytes / 4096)]);
    }
  },
);

row(
  'B2d',
  'src and its parent are removed between pre-charge and uncharge: dst has all 120M and one insertion, none is left above it, none is counted twice',
  async () => {
    for (const answers of [RECHARGE, { ...RECHARGE, shortcut: false }, { ...RECHARGE, chunk: 1024 }]) {
      const { machine, id, insert, recharge, drain, second } = await live(answers, { limit: 0 });
      recharge(second, true);
      machine.rmdir(id(SRC));
      insert(1);
      machine.rmdir(id('/A/AC/ACA'));
      insert(2);
      expect(machine.audit()).toBeNull();
      expect(recharge().errno).toBeUndefined();
      drain();
      const local = (path: string) =>
        [L.STAT_VMALLOC, L.STAT_KMEM].map((stat) => Number(machine.engine.statLocal(id(path), stat)));
      expect(local(DST)).toEqual([120 * MIB, 120 * MIB + 2]);
      expect(machine.figures(id('/A/AC'))['memory.stat']).toMatchObject({ vmalloc: 120 << 20, slab: 8192 });
      expect([machine.usage(id(DST)), machine.usage(id('/A/AC')), machine.usage(id('/A'))]).toEqual(
        Array.from({ length: 3 }, () => 120 * MIB + 2),
      );
    }
  },
);

row(
  'B2e',
  'two recharges at once: the second is EBUSY, as is freeing the map; the first one has all; who dies in the middle leaves all as it was',
  async () => {
    for (const chunk of [0, 1024]) {
      const { machine, id, map, recharge, drain, second, third } = await live({ ...RECHARGE, chunk });
      recharge(second, true);
      expect(recharge(third).errno).toBe('EBUSY');
      expect(machine.event('object_free', { object: map, task: third }).errno).toBe('EBUSY');
      expect(machine.usage(id('/A'))).toBe(120 * MIB);
      expect(recharge().errno).toBeUndefined();
      drain();
      expect([machine.usage(id(SRC)), machine.usage(id(DST)), machine.usage(id('/A'))]).toEqual([
        0,
        120 * MIB,
        120 * MIB,
      ]);

      const dies = await live({ ...RECHARGE, chunk });
      dies.recharge(dies.second, true);
      dies.machine.exit(dies.second);
      dies.drain();
      expect([dies.machine.usage(dies.id(SRC)), dies.machine.usage(dies.id(DST))]).toEqual([120 * MIB, 0]);
      expect(dies.recharge(dies.third).errno).toBeUndefined();
    }
  },
);

row(
  'B2f',
  'the RFC as posted: 120M of buckets move, 1000 elements of a page and a program of 64 pages stay at src until they are told to',
  async () => {
    const posted = withAnswers({ ...RECHARGE, bucketsOnly: true });
    const options = { elements: 1000, program: 64, limit: 0 };
    const machine = await replayed(posted, options);
    expect(own(machine, '/A/AC')).toEqual({ src: 1064, dst: 120 * MIB, at: 120 * MIB + 1064 });
    const told = await replayed(posted, { ...options, told: 1 });
    expect(own(told, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB + 1064, at: 120 * MIB + 1064 });
    // Elements go with their map elsewhere; a program has no moment at which it is taken up.
    expect(own(await replayed('bpf-recharge', options), '/A/AC')).toMatchObject({ src: 64, dst: 120 * MIB + 1000 });
  },
);

row(
  'B2g',
  'kmalloc by the byte, vmalloc by the page, per-CPU memory times 2 CPUs: each row of memory.stat moves exactly, with `kernel`',
  async () => {
    for (const [kind, pages, stat] of [
      ['slab', 8, 'slab'],
      ['vmalloc', 1000, 'vmalloc'],
      ['percpu', 100, 'percpu'],
    ] as const) {
      const bytes = pages * 4096 * (kind === 'percpu' ? 2 : 1);
      const options = { pages, kind, elements: 33, bytes: 100 };
      const before = await replayed('linux', options);
      const after = await replayed('bpf-recharge', options);
      const elements = { slab: 33 * 100 };
      expect(before.figures(idOf(before, SRC))['memory.stat']).toMatchObject({
        ...elements,
        [stat]: bytes + (kind === 'slab' ? 3300 : 0),
      });
      for (const each of ['slab', 'vmalloc', 'percpu']) {
        expect(statOf(after, DST, each)).toBe(statOf(before, SRC, each));
        expect(statOf(after, SRC, each)).toBe(0);
        expect(statOf(after, '/A/AC', each)).toBe(statOf(before, '/A/AC', each));
      }
      expect([statOf(after, SRC, 'kernel'), statOf(after, DST, 'kernel')]).toEqual([0, bytes + 4096]);
    }
  },
);

row(
  'B2h',
  '50 elements of 1000 bytes inserted during the pre-charge: naive leaves exactly 50,000 bytes at src, fixed none',
  async () => {
    for (const chunk of [0, 16]) {
      for (const naive of [true, false]) {
        const { machine, id, insert, recharge, drain, second } = await live(
          { ...RECHARGE, naive, chunk },
          { pages: 100 },
        );
        for (let key = 0; key < 10; key++) insert(key, 1000);
        recharge(second, true);
        for (let key = 10; key < 60; key++) insert(key, 1000);
        expect(recharge().errno).toBeUndefined();
        drain();
        expect(machine.figures(id(SRC))['memory.stat']['slab']).toBe(naive ? 50_000 : 0);
        expect(machine.figures(id(DST))['memory.stat']['slab']).toBe(naive ? 10_000 : 60_000);
        expect(machine.figures(id(DST))['memory.stat']['vmalloc']).toBe(100 * 4096);
      }
    }
  },
);

describe('B3', () => {
  row(
    'B3',
    'max 64M, 20,000 insertions of a page: forced (GFP_ATOMIC of 5.19, or bpf-force) 3616 are charged past the limit, 14,811,136 bytes',
    async () => {
      for (const [policy, options] of [
        ['linux', {}],
        ['linux', { map: 'sockhash', kernel: '6.18' }],
        ['bpf-force', { kernel: '6.18' }],
      ] as const) {
        const machine = await replayed(policy, options, bpfGhost);
        expect(pagesOf(machine, '/ghost') * 4096 - 67_108_864).toBe(14_811_136);
        expect(figuresOf(machine, '/ghost').force_charge).toBe(3616);
        expect(machine.bpfObjects()).toMatchObject([{ elements: 20_000 }]);
      }
    },
  );

  row(
    'B3',
    'not forced (GFP_NOWAIT of 6.1 and 6.18, or bpf-noforce) 16,384 succeed, 3616 get ENOMEM, and the usage is 67,108,864 at most',
    async () => {
      for (const [policy, options] of [
        ['linux', { kernel: '6.1' }],
        ['linux', { kernel: '6.18', map: 'lpm_trie' }],
        ['bpf-noforce', {}],
      ] as const) {
        const machine = await replayed(policy, options, bpfGhost);
        expect(pagesOf(machine, '/ghost') * 4096).toBe(67_108_864);
        expect(peakOf(machine, '/ghost') * 4096).toBe(67_108_864);
        expect(machine.bpfObjects()).toMatchObject([{ elements: 16_384 }]);
        expect(figuresOf(machine, '/ghost')).toMatchObject({ force_charge: 0, enomem: { atomic: 3616 } });
      }
      expect([insertGfp('hash', '5.19') & O.GFP_HIGH, insertGfp('hash', '6.18') & O.GFP_HIGH]).toEqual([O.GFP_HIGH, 0]);
    },
  );
});

row(
  'B3a',
  '40M of cache in the 64M cgroup: never 0 wake-ups; always and if-cache 13, none wasted, 926 pages reclaimed; no cache: always 4, all wasted, if-cache 0',
  async () => {
    const figures = async (wake: 'never' | 'always' | 'if-cache', cache: number) => {
      const machine = await replayed(withAnswers({ wake, workDelay: 1_000_000 }), { kernel: '6.18', cache }, bpfGhost);
      const { wakes, wakes_wasted, wakes_reclaimed, enomem } = figuresOf(machine, '/ghost');
      expect(machine.policyCounts()).toMatchObject({ wakes, wakes_wasted });
      expect(statOf(machine, '/ghost', 'file') / 4096).toBe(cache - wakes_reclaimed);
      expect(machine.bpfObjects()[0]!.elements).toBe(20_000 - enomem.atomic);
      // What was inserted beyond what fitted beside the cache found room where it had been.
      expect(20_000 - enomem.atomic).toBeLessThanOrEqual(16_384 - cache + wakes_reclaimed);
      return { wakes, wasted: wakes_wasted, reclaimed: wakes_reclaimed, refused: enomem.atomic };
    };
    expect(await figures('never', 40 * MIB)).toEqual({ wakes: 0, wasted: 0, reclaimed: 0, refused: 13_856 });
    const woken = { wakes: 13, wasted: 0, reclaimed: 926, refused: 12_999 };
    expect(await figures('always', 40 * MIB)).toEqual(woken);
    expect(await figures('if-cache', 40 * MIB)).toEqual(woken);
    const none = { wakes: 0, wasted: 0, reclaimed: 0, refused: 3616 };
    expect(await figures('never', 0)).toEqual(none);
    expect(await figures('always', 0)).toEqual({ ...none, wakes: 4, wasted: 4 });
    expect(await figures('if-cache', 0)).toEqual(none);
  },
);

row('B4', 'bpf-handle: the cgroup named at creation pays 120M from the beginning; src = dst = 0', async () => {
  const machine = await replayed('bpf-handle', { elements: 10 });
  expect(own(machine, '/A/AC/maps')).toEqual({ src: 0, dst: 0, at: 120 * MIB + 10 });
  expect(peakOf(machine, DST)).toBe(0);
  expect(machine.bpfObjects()).toMatchObject([{ payer: '/A/AC/maps', state: 'online', creator: SRC }]);
});

row(
  'B5',
  'bpf-copy: AC needs 240M: under 200M it is refused, src 120M, dst 0, all entries there; without a limit AC.peak is 240M and dst has all',
  async () => {
    const refused = await replayed('bpf-copy', { elements: 100 });
    expect(own(refused, '/A/AC')).toEqual({ src: 120 * MIB + 100, dst: 0, at: 120 * MIB + 100 });
    expect(refused.bpfObjects()).toMatchObject([{ payer: SRC, elements: 100 }]);
    expect(refused.policyCounts()).toMatchObject({ rolled_back: 1, lost_entries: 0 });
    const free = await replayed('bpf-copy', { limit: 0, elements: 100 });
    expect(own(free, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB + 100, at: 120 * MIB + 100 });
    expect(peakOf(free, '/A/AC') - (240 * MIB + 200)).toBeLessThan(2 * 64);
    expect(peakOf(free, '/A/AC')).toBeGreaterThanOrEqual(240 * MIB + 200);
    expect(free.bpfObjects()).toMatchObject([{ payer: DST, elements: 100 }]);
    expect(free.policyCounts().lost_entries).toBe(0);
    // It fails in the middle of the copy, too: nothing is lost.
    const middle = await replayed('bpf-copy', { limit: 0, elements: 200, dst: 120 * MIB + 100 });
    expect(own(middle, '/A/AC')).toMatchObject({ src: 120 * MIB + 200, dst: 0 });
    expect(middle.bpfObjects()).toMatchObject([{ payer: SRC, elements: 200 }]);
  },
);

row(
  'B6',
  'drop-on-exit: of 40M of cache of a removed cgroup 1M that is mapped elsewhere and 2M that is dirty are left over; linux leaves all',
  async () => {
    const build = () => {
      const t = new TraceBuilder();
      t.mkdir('/job').mkdir('/job/a').mkdir('/job/b').spawn('a', '/job/a').spawn('b', '/job/b');
      t.object('/data', 'file', { pages: 40 * MIB }).access('a', '/data', { pages: 40 * MIB });
      t.access('b', '/data', { pages: MIB, fault: true });
      t.access('a', '/data', { index: 10 * MIB, pages: 2 * MIB, write: true });
      return t.exit('a').rmdir('/job/a');
    };
    const left = async (policy: string) => {
      const machine = await replayRows(build(), policy, { flusher: false });
      return Number(machine.engine.statTotal(idOf(machine, '/job'), L.STAT_FILE));
    };
    expect(await left('linux')).toBe(40 * MIB);
    expect(await left('drop-on-exit')).toBe(3 * MIB);
  },
);

row(
  'B7',
  'inode-recharge: a file of 40M that is opened again is second’s, first or its parent has 40M less; one that is not opened stays; refused nothing moves',
  async () => {
    const both = (machine: Machine) => ({
      job: pagesOf(machine, '/job'),
      first: pagesOf(machine, '/job/first'),
      second: pagesOf(machine, '/job/second'),
    });
    const all = 40 * MIB + 256;
    for (const removed of [0, 1]) {
      expect(both(await replayed('linux', { removed }, inodeReuse))).toEqual({ job: all, first: all, second: 0 });
      const machine = await replayed('inode-recharge', { removed }, inodeReuse);
      expect(both(machine)).toEqual({ job: all, first: 256, second: 40 * MIB });
      expect(figuresOf(machine, '/job/second').recharged_in).toBe(40 * MIB);
      const refused = await replayed('inode-recharge', { removed, limit: 30 * MIB }, inodeReuse);
      expect(both(refused)).toEqual({ job: all, first: all, second: 0 });
      expect(refused.policyCounts()).toMatchObject({ recharged: 0, rolled_back: 1 });
      const pieces = withAnswers({ ...RECHARGE, chunk: MIB });
      expect(both(await replayed(pieces, { removed, limit: 30 * MIB }, inodeReuse))).toMatchObject({
        first: all,
        second: 0,
      });
      expect(both(await replayed(pieces, { removed }, inodeReuse))).toMatchObject({ first: 256, second: 40 * MIB });
    }
    // Where the old one was reparented it is its parent that has 40M less.
    const parent = await replayed(withAnswers({ ...RECHARGE, offline: 'reparent' }), { removed: 1 }, inodeReuse);
    expect(Number(parent.engine.statLocal(idOf(parent, '/job'), L.STAT_FILE))).toBe(256);
    expect(pagesOf(parent, '/job/second')).toBe(40 * MIB);
  },
);

row(
  'B7',
  'all of it: mapped, dirty, under writeback, active and inactive pages, and such as wait for their list; every statistic moves with them',
  async () => {
    const t = new TraceBuilder();
    t.mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b').spawn('c', '/a');
    t.object('/data', 'file', { pages: 300 }).object('/shm', 'shmem');
    t.access('a', '/data', { pages: 200 }).access('a', '/data', { pages: 100 }).access('a', '/data', { pages: 50 });
    t.access('a', '/data', { index: 100, pages: 60, write: true }).access('c', '/data', {
      index: 90,
      pages: 40,
      fault: true,
    });
    t.access('a', '/shm', { pages: 77, write: true }).access('c', '/shm', { pages: 7, fault: true });
    t.access('a', '/data', { index: 250, pages: 5 });
    const rows = [
      'file',
      'file_mapped',
      'file_dirty',
      'shmem',
      'active_file',
      'inactive_file',
      'inactive_anon',
      'unevictable',
    ];
    const before = await replayRows(t, 'inode-recharge', { flusher: false, bufferHead: 112 });
    t.reopen('/data', 'b').reopen('/shm', 'b');
    const after = await replayRows(t, 'inode-recharge', { flusher: false, bufferHead: 112 });
    for (const name of rows) {
      expect(statOf(after, '/b', name)).toBe(statOf(before, '/a', name));
      expect(statOf(after, '/a', name)).toBe(0);
    }
    expect(statOf(before, '/a', 'file_dirty')).toBe(60 * 4096);
    expect(statOf(before, '/a', 'file_mapped')).toBe(47 * 4096);
    expect(statOf(after, '/b', 'slab')).toBe(60 * 112);
  },
);

row(
  'B8',
  'bpf-recreate: dst pays 120M, src 0, 100 entries are lost; kmem-unaccounted: nobody pays 126,234,624 bytes',
  async () => {
    const recreated = await replayed('bpf-recreate', { elements: 100 });
    expect(own(recreated, '/A/AC')).toEqual({ src: 0, dst: 120 * MIB, at: 120 * MIB });
    expect(peakOf(recreated, '/A/AC')).toBeLessThanOrEqual(120 * MIB + 200);
    expect(recreated.policyCounts().lost_entries).toBe(100);
    expect(recreated.bpfObjects()).toMatchObject([{ payer: DST, elements: 0 }]);

    const unpaid = await replayed('kmem-unaccounted', { elements: 96 });
    expect(own(unpaid, '/A')).toEqual({ src: 0, dst: 0, at: 0 });
    expect(figuresOf(unpaid, SRC).unpaid_bytes).toBe((120 << 20) + 96 * 4096);
    expect(unpaid.bpfObjects()).toMatchObject([{ payer: null, state: 'nobody' }]);
    unpaid.event('object_free', { object: unpaid.bpfObjects()[0]!.object });
    expect(figuresOf(unpaid, SRC).unpaid_bytes).toBe(0);
  },
);

test('kernel memory of a trace that nobody pays for is counted where Linux would charge it', async () => {
  const machine = await Machine.boot({ residency: 'modelled', pages: 1 << 16, policy: 'kmem-unaccounted' });
  const a = machine.mkdir('/a');
  const task = machine.spawn(a);
  const slab = O.KIND_SLAB << O.FLAG_KIND_SHIFT;
  const frames = O.FLAG_BY_FRAME | (O.KIND_PAGETABLE << O.FLAG_KIND_SHIFT) | 2;
  machine.event('kmem_charge', { task, count: 1000, flags: slab, gfp: O.GFP_KERNEL });
  machine.event('kmem_charge', { task, index: 100, flags: frames, gfp: O.GFP_KERNEL });
  expect([machine.usage(a), machine.policyFigures(a).unpaid_bytes]).toEqual([0, 1000 + 4 * 4096]);
  machine.event('kmem_free', { cgroup: a, count: 1000, flags: slab });
  machine.event('kmem_free', { index: 100, flags: frames });
  expect(machine.policyFigures(a).unpaid_bytes).toBe(0);
  expect(machine.audit()).toBeNull();
});

row(
  'B9',
  'who pays for a map, and what has become of him: online, reparented to the nearest living ancestor, dying (thread’s kernel), nobody',
  async () => {
    expect((await replayed('linux')).bpfObjects()).toEqual([
      {
        object: 1,
        type: 'map',
        payer: SRC,
        state: 'online',
        creator: SRC,
        bytes: 120 << 20,
        elements: 0,
        elementBytes: 0,
        busy: false,
      },
    ]);
    const states = async (policy: string | Policy) =>
      (await replayed(policy, { removed: 1, program: 4 }))
        .bpfObjects()
        .map(({ type, payer, state }) => `${type} ${payer} ${state}`);
    expect(await states('linux')).toEqual(['map /A/AC/ACA reparented', 'program /A/AC/ACA reparented']);
    expect(await states('bpf-recharge')).toEqual([`map ${DST} online`, 'program /A/AC/ACA reparented']);
    expect((await states(withAnswers({ objcgStays: true }))).every((line) => line.endsWith('dying'))).toBe(true);
    expect(await states('kmem-unaccounted')).toEqual(['map null nobody', 'program null nobody']);
  },
);
