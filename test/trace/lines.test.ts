import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ByteSource } from '../../bindings/trace/byte-source.ts';
import { LineReader } from '../../bindings/trace/lines.ts';
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
