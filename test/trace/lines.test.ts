import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { zstd } from '../../bindings/codec/zstd-encoder.ts';
import { ByteSource } from '../../bindings/trace/byte-source.ts';
import { LineReader } from '../../bindings/trace/lines.ts';
import { sample } from '../codec/sample.ts';
import { scratch } from './helpers.ts';

async function read(content: Buffer | string): Promise<{ lines: string[]; reader: LineReader }> {
  const path = join(scratch(), 'f');
  writeFileSync(path, content);
  const reader = new LineReader(await ByteSource.open(path));
  const lines: string[] = [];
  for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
    expect(chunk.firstLine).toBe(lines.length + 1);
    lines.push(...chunk.text.slice(0, -1).split('\n'));
  }
  reader.source.close();
  return { lines, reader };
}

const MANY = Array.from({ length: 60_000 }, (_, i) => `line ${i} ${'x'.repeat(i % 50)}`);
const TEXT = `${MANY.join('\n')}\n`;

describe('LineReader', () => {
  it('reads plain and gzip files alike, by content', async () => {
    expect((await read(TEXT)).lines).toEqual(MANY);
    expect((await read(gzipSync(TEXT))).lines).toEqual(MANY);
  });

  it('reads xz and zstd files, by content', async () => {
    expect((await read(zstd(Buffer.from(TEXT)) as Buffer)).lines).toEqual(MANY);
    // The sample ends in noise, which is no text.
    for (const name of ['plain.xz', 'streams.xz', 'frames.zst']) {
      const path = join(import.meta.dirname, '../codec/fixtures', name);
      const source = await ByteSource.open(path);
      const parts: Buffer[] = [await source.peek(100)];
      expect(parts.pop()!.equals(sample().subarray(0, 100))).toBe(true);
      for (let part = await source.next(); part !== null; part = await source.next()) parts.push(part);
      expect(Buffer.concat(parts).equals(sample())).toBe(true);
      expect(source.bytesRead).toBe(source.bytesTotal);
      source.close();
    }
  });

  it('reads several compressed files at once', async () => {
    const path = join(import.meta.dirname, '../codec/fixtures/plain.xz');
    const sources = [await ByteSource.open(path), await ByteSource.open(path)];
    for (const source of sources) expect((await source.peek(10)).length).toBe(10);
    for (const source of sources) source.close();
  });

  it.each(['plain.xz', 'fast.zst'])('says that %s is cut, or damaged, and after which line', async (name) => {
    const bytes = readFileSync(join(import.meta.dirname, '../codec/fixtures', name));
    const kind = name.endsWith('xz') ? 'xz' : 'zstd';
    await expect(read(bytes.subarray(0, -20))).rejects.toThrow(
      new RegExp(`f: the ${kind} file is cut after line \\d+$`),
    );
    bytes.fill(0x55, 900, 950);
    await expect(read(bytes)).rejects.toThrow(new RegExp(`f: damaged ${kind} file \\(.+\\) after line \\d+$`));
  });

  it('reads a gzip file of several members', async () => {
    const half = TEXT.indexOf('\n', TEXT.length / 2) - 3;
    expect((await read(Buffer.concat([gzipSync(TEXT.slice(0, half)), gzipSync(TEXT.slice(half))]))).lines).toEqual(
      MANY,
    );
  });

  it('counts the bytes of the file', async () => {
    const zipped = gzipSync(TEXT);
    const { reader } = await read(zipped);
    expect(reader.source.bytesRead).toBe(zipped.length);
    expect(reader.source.bytesTotal).toBe(zipped.length);
    expect(reader.lines).toBe(MANY.length);
  });

  it('reads an empty file as no lines', async () => {
    expect((await read('')).lines).toEqual([]);
  });

  it('says where a gzip file is cut', async () => {
    await expect(read(gzipSync(TEXT).subarray(0, -2000))).rejects.toThrow(/f: the gzip file is cut after line \d+$/);
  });

  it('says that a gzip file is damaged', async () => {
    const zipped = gzipSync(TEXT);
    zipped.fill(0x55, 2000, 2100);
    await expect(read(zipped)).rejects.toThrow(/f: damaged gzip file/);
  });

  it('refuses a cut last line', async () => {
    await expect(read('a\nb\nc')).rejects.toThrow(/f:3: the last line is cut/);
  });

  it('refuses a file without lines', async () => {
    await expect(read(Buffer.alloc(3 << 20, 65))).rejects.toThrow(/f:1: not a text file/);
  });

  it('refuses what is not there', async () => {
    await expect(ByteSource.open('/no/such')).rejects.toThrow('/no/such: no such file or directory');
    await expect(ByteSource.open('/')).rejects.toThrow('/: is a directory');
  });
});
