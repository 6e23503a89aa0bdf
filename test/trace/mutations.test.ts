/**
 * Whatever bytes come in, a file is read or refused with one line. Ten thousand files, made from real ones by damage of every kind, the
 * same ten thousand in every run.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zstd } from '../../bindings/codec/zstd-encoder.ts';
import { openTrace } from '../../bindings/trace/arrow-reader.ts';
import { type BodyCompression, type TraceSink, TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { importFiles } from '../../bindings/trace/formats.ts';
import { InputError } from '../../bindings/trace/input-error.ts';
import { validateTrace } from '../../bindings/trace/validate.ts';
import { captureBytes } from '../captures/run.ts';

const MUTANTS = Number(process.env.MEMCHARGE_MUTANTS ?? 10_000);
const SLOWEST_MS = 2000;
const MEMORY_GROWTH = 400 << 20;

/** A file to damage, and how it is read. A new format is one more entry here. */
interface Seed {
  name: string;
  bytes: Buffer;
  /** captures that are read with it, undamaged */
  files?: string[];
  read: 'import' | 'trace';
}

const folder = mkdtempSync(join(tmpdir(), 'memcharge-mutations-'));
const CAPTURES = join(import.meta.dirname, '../captures/s11-fork-storm');

/** The first lines of a capture: small files, so that damage hits what matters. */
async function excerpt(name: string, bytes: number): Promise<Buffer> {
  const text = await captureBytes(join(CAPTURES, name), 2 * bytes);
  return text.subarray(0, text.indexOf(10, bytes) + 1);
}

async function trace(compression: BodyCompression, rows: number): Promise<Buffer> {
  const path = join(folder, `seed.${compression}.arrow`);
  const writer = new TraceWriter(path, { source: 'test', clock: 'recorded', compression });
  const limited: TraceSink = {
    setBase: (ns) => writer.setBase(ns),
    append: (...row) => {
      if (writer.events < rows) writer.append(...row);
    },
  };
  const { highWater } = await importFiles([join(folder, 'truth.txt'), join(folder, 'trace.txt')], limited);
  writer.close(highWater);
  return readFileSync(path);
}

async function seeds(): Promise<Seed[]> {
  const truth = await excerpt('truth.txt.xz', 30_000);
  const public_ = await excerpt('trace.txt.xz', 30_000);
  writeFileSync(join(folder, 'truth.txt'), truth);
  writeFileSync(join(folder, 'trace.txt'), public_);
  const [plain, lz4, zst] = [await trace('none', 150), await trace('lz4', 3000), await trace('zstd', 3000)];
  const codec = (name: string) => readFileSync(join(import.meta.dirname, '../codec/fixtures', name));
  const beside = [join(folder, 'trace.txt')];
  return [
    { name: 'ftrace text', bytes: truth, files: beside, read: 'import' },
    { name: 'public ftrace text', bytes: public_, files: [join(folder, 'truth.txt')], read: 'import' },
    { name: 'gzip', bytes: gzipSync(truth), files: beside, read: 'import' },
    { name: 'zstd', bytes: Buffer.from(zstd(truth)), files: beside, read: 'import' },
    { name: 'xz', bytes: codec('truth.xz'), files: beside, read: 'import' },
    { name: 'xz, several blocks', bytes: codec('sha256-blocks.xz'), files: beside, read: 'import' },
    { name: 'zstd, several frames', bytes: codec('frames.zst'), files: beside, read: 'import' },
    { name: 'zstd without checksum', bytes: codec('stream.zst'), files: beside, read: 'import' },
    { name: 'arrow file', bytes: plain, read: 'trace' },
    { name: 'arrow stream', bytes: plain.subarray(8), read: 'trace' },
    { name: 'arrow file, lz4', bytes: lz4, read: 'trace' },
    { name: 'arrow file, zstd', bytes: zst, read: 'trace' },
    { name: 'arrow stream, lz4', bytes: lz4.subarray(8), read: 'trace' },
    { name: 'arrow stream, zstd', bytes: zst.subarray(8), read: 'trace' },
  ];
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One to three kinds of damage to `bytes`. */
function mutate(bytes: Buffer, random: () => number): Buffer {
  let out = Buffer.from(bytes);
  const below = (n: number) => Math.floor(random() * n);
  // Headers and footers deserve more than their share.
  const place = () => {
    const end = Math.max(1, out.length);
    const where = random();
    if (where < 0.25) return below(Math.min(end, 200));
    if (where < 0.5) return end - 1 - below(Math.min(end, 2000));
    return below(end);
  };
  for (let times = 1 + below(3); times > 0; times--) {
    const at = place();
    const length = Math.min(out.length - at, 1 + below(random() < 0.5 ? 16 : 4096));
    switch (below(8)) {
      case 0:
        out = out.subarray(0, at);
        break;
      case 1:
        for (let i = 1 + below(8); i > 0 && out.length > 0; i--) out[place() % out.length]! ^= 1 << below(8);
        break;
      case 2: {
        const to = place();
        const a = Buffer.from(out.subarray(at, at + length));
        const b = Buffer.from(out.subarray(to, to + length));
        a.copy(out, to);
        b.copy(out, at);
        break;
      }
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
        break;
      case 4: {
        const garbage = Buffer.from(Uint8Array.from({ length }, () => below(256)));
        out = Buffer.concat([out.subarray(0, at), garbage, out.subarray(at)]);
        break;
      }
      case 5:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 6: {
        // A length, offset or count that lies.
        const size = [1, 2, 4, 8][below(4)]!;
        const value = [0n, 1n, 0x7fn, 0x7fffffffn, 0xffffffffn, 2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 40n][below(8)]!;
        const aligned = at - (at % size);
        for (let i = 0; i < size && aligned + i < out.length; i++)
          out[aligned + i] = Number((value >> BigInt(8 * i)) & 0xffn);
        break;
      }
      case 7:
        out.fill(below(3) === 0 ? below(256) : 0, at, at + length);
        break;
    }
  }
  return out;
}

const DISCARD: TraceSink = { setBase: () => {}, append: () => {} };

/** Reads a mutant as the command would. */
async function read(path: string, seed: Seed): Promise<void> {
  if (seed.read === 'import') {
    await importFiles([path, ...(seed.files ?? [])], DISCARD, { format: 'memcg-probes' });
    return;
  }
  const trace = await openTrace(path);
  try {
    const { problems } = await validateTrace(trace);
    const unreadable = problems.find((problem) => problem.kind === 'unreadable');
    if (unreadable !== undefined) throw new InputError(unreadable.message);
  } finally {
    await trace.close();
  }
}

let all: Seed[] = [];
beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  all = await seeds();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('mutations', () => {
  it('have seeds that are themselves fine', async () => {
    for (const seed of all) {
      if (seed.name.startsWith('xz, ') || seed.name.startsWith('zstd, ') || seed.name.endsWith('checksum')) continue;
      const path = join(folder, 'seed');
      writeFileSync(path, seed.bytes);
      await expect(read(path, seed), seed.name).resolves.toBeUndefined();
    }
  });

  it(`are read or refused with one line: ${MUTANTS} files`, async () => {
    const path = join(folder, 'mutant');
    const outcomes = { read: 0, refused: 0 };
    const bad: string[] = [];
    globalThis.gc?.();
    const before = process.memoryUsage();
    let most = 0;
    for (let n = 0; n < MUTANTS; n++) {
      const seed = all[n % all.length]!;
      writeFileSync(path, mutate(seed.bytes, randomFrom(n)));
      const started = performance.now();
      try {
        await read(path, seed);
        outcomes.read++;
      } catch (error) {
        outcomes.refused++;
        const ok = error instanceof InputError && !/\n/.test(error.message) && error.message.length < 600;
        if (!ok) bad.push(`mutant ${n} (${seed.name}): ${error instanceof Error ? error.stack : String(error)}`);
      }
      const ms = performance.now() - started;
      if (ms > SLOWEST_MS) bad.push(`mutant ${n} (${seed.name}): ${ms.toFixed(0)} ms`);
      if (n % 50 === 0) {
        const now = process.memoryUsage();
        most = Math.max(most, now.arrayBuffers + now.heapUsed - before.arrayBuffers - before.heapUsed);
      }
      if (bad.length > 5) break;
    }
    expect(bad).toEqual([]);
    expect(most).toBeLessThan(MEMORY_GROWTH);
    // Neither would prove anything by itself.
    expect(outcomes.read).toBeGreaterThan(MUTANTS / 100);
    expect(outcomes.refused).toBeGreaterThan(MUTANTS / 4);
  }, 300_000);
});
