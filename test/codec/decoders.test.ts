import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from '../../bindings/codec/byte-queue.ts';
import { DamagedError } from '../../bindings/codec/damaged.ts';
import { lz4, unlz4 } from '../../bindings/codec/lz4.ts';
import { unxz } from '../../bindings/codec/xz.ts';
import { unzstd, unzstdBuffer } from '../../bindings/codec/zstd-decoder.ts';
import { zstd } from '../../bindings/codec/zstd-encoder.ts';
import { sample } from './sample.ts';

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name));

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  return undefined;
}

async function decode(name: string, bytes = fixture(name), chunk = 1000): Promise<Buffer> {
  const queue = new ByteQueue(chunks(bytes, chunk));
  const parts: Buffer[] = [];
  for await (const part of name.endsWith('.xz') ? unxz(queue) : unzstd(queue)) parts.push(part);
  return Buffer.concat(parts);
}

const STREAMS = [
  'plain.xz',
  'crc32.xz',
  'sha256-blocks.xz',
  'no-check.xz',
  'streams.xz',
  'fast.zst',
  'slow.zst',
  'stream.zst',
  'frames.zst',
];
const CHECKED = STREAMS.filter((name) => !['no-check.xz', 'stream.zst'].includes(name));

describe('unxz and unzstd', () => {
  it.each(STREAMS)('decode %s as the native tool wrote it, whatever the chunks', async (name) => {
    const expected = sample();
    expect((await decode(name)).equals(expected)).toBe(true);
    expect((await decode(name, undefined, 1)).equals(expected)).toBe(true);
    expect((await decode(name, undefined, 1 << 20)).equals(expected)).toBe(true);
  });

  it.each(STREAMS)('say of every cut of %s that it is one', async (name) => {
    const bytes = fixture(name);
    for (let at = 1; at < bytes.length; at += 1 + (bytes.length >> 8)) {
      const error = await decode(name, bytes.subarray(0, at)).then(
        (out) => out,
        (e) => e,
      );
      if (error instanceof Buffer) {
        // Whole streams, whole frames, and padding that is a multiple of four.
        expect(['streams.xz', 'frames.zst']).toContain(name);
      } else {
        expect(error).toBeInstanceOf(DamagedError);
        expect((error as DamagedError).cut || /padding/.test(error.message)).toBe(true);
      }
    }
  });

  it.each(CHECKED)('notice every flipped bit of %s, or give the same bytes', async (name) => {
    const bytes = fixture(name);
    const expected = sample();
    for (let at = 0; at < bytes.length; at += 1 + (bytes.length >> 8)) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      const out = await decode(name, damaged).catch((e) => e);
      if (out instanceof Buffer) {
        // Bits that say nothing: what is in a skipped frame, or its kind.
        if (!out.equals(expected)) expect.fail(`byte ${at}: wrong output without an error`);
      } else {
        expect(out).toBeInstanceOf(DamagedError);
      }
    }
  });

  it('refuse what they cannot do, by name', async () => {
    await expect(decode('filter.xz')).rejects.toThrow('filters other than LZMA2');
    await expect(decode('window.zst')).rejects.toThrow('needs a window of 2048 MiB, 128 at most');
  });

  it('keep no more than twice the window', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const zeros = zstd(new Uint8Array(1 << 20));
    const many = Buffer.concat(Array.from({ length: 200 }, () => zeros));
    let bytes = 0;
    let most = 0;
    for await (const part of unzstd(new ByteQueue(chunks(many, 4096)))) {
      bytes += part.length;
      if (bytes % (1 << 24) === 0) {
        globalThis.gc?.();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
    }
    expect(bytes).toBe(200 << 20);
    expect(most).toBeLessThan(100 << 20);
  });
});

describe('unlz4', () => {
  it.each(['plain.lz4', 'linked.lz4'])('decodes %s', (name) => {
    expect(Buffer.from(unlz4(fixture(name), sample().length)).equals(sample())).toBe(true);
  });
});

describe.each([
  ['lz4', lz4, unlz4],
  ['zstd', zstd, unzstdBuffer],
] as const)('%s', (_, encode, back) => {
  it('round-trips bytes of any kind', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
            times: fc.integer({ min: 1, max: 200 }),
          }),
          { maxLength: 20 },
        ),
        (parts) => {
          const bytes = Buffer.concat(parts.flatMap((p) => Array.from({ length: p.times }, () => p.bytes)));
          expect(Buffer.from(back(encode(bytes), bytes.length)).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('round-trips the sample and makes it small', () => {
    const bytes = Buffer.concat([sample(), sample()]);
    const encoded = encode(bytes);
    expect(encoded.length).toBeLessThan(bytes.length / 8);
    expect(Buffer.from(back(encoded, bytes.length)).equals(bytes)).toBe(true);
  });

  it('refuses damage, another size, and never writes past the size that is asked for', () => {
    const bytes = sample().subarray(-2000);
    const encoded = Buffer.from(encode(bytes));
    expect(() => back(encoded, bytes.length - 1)).toThrow(DamagedError);
    expect(() => back(encoded, bytes.length + 1)).toThrow(DamagedError);
    for (let at = 0; at < encoded.length; at++) {
      const damaged = Buffer.from(encoded);
      damaged[at]! ^= 0x11;
      try {
        expect(back(damaged, bytes.length)).toHaveLength(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedError);
      }
      expect(() => back(encoded.subarray(0, at), bytes.length)).toThrow(DamagedError);
    }
  });
});
