/**
 * Takes the names out of a trace: paths, commands, texts, and the inode numbers that stand for a path, become pseudonyms. What is
 * modelled stays: rows, times, ids (the kernel's numbers of cgroups too, by which samples are matched and which the digest of the state
 * covers), sharing, the shape of paths, and the values of knobs.
 */
import { createHmac } from 'node:crypto';
import * as O from '../../assembly/replay/ops.ts';
import type { Trace } from './arrow-reader.ts';
import { type BodyCompression, TraceWriter } from './arrow-writer.ts';
import { InputError } from './input-error.ts';
import { RECLAIM_FILE } from './knobs.ts';
import { KNOB_IDS } from './schema.ts';
import { Validator } from './validate.ts';

/** 16 letters that make no word. */
const LETTERS = 'BCDFGHJKLMNPQRST';
const LETTERS_OF_A_NAME = 12;
const U32 = 2 ** 32;

const LIMIT = /^(max|(0x[0-9a-f]+|\d+)[kmgtpe]?)$/i;
const RECLAIM = /^(0x[0-9a-f]+|\d+)[kmgtpe]?( +swappiness=(max|\d+))*$/i;

/** Pseudonyms for names: by a key, one for one. */
export class Pseudonyms {
  readonly #key: Buffer;
  readonly #names = new Map<string, string>();
  readonly #used = new Set<string>();

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Of one component of a path, of a command, of a text. */
  word(word: string): string {
    if (word === '') return '';
    let name = this.#names.get(word);
    if (name === undefined) {
      let attempt = 0;
      do name = this.#letters(`${attempt++} ${word}`);
      while (this.#used.has(name));
      this.#used.add(name);
      this.#names.set(word, name);
    }
    return name;
  }

  /** Component by component, so that what lies below what stays to be seen. */
  path(path: string): string {
    return path
      .split('/')
      .map((word) => this.word(word))
      .join('/');
  }

  /** `PATH/FILE VALUE`: the file and the value stay. */
  knob(text: string): string {
    const match = /^(.*)\/([^/ ]+) ([0-9a-zA-Z= ]+)$/s.exec(text);
    const isReclaim = match?.[2] === RECLAIM_FILE;
    if (match === null || !(isReclaim || KNOB_IDS.has(match[2]!)) || !(isReclaim ? RECLAIM : LIMIT).test(match[3]!))
      return this.word(text);
    return `${this.path(match[1]!)}/${match[2]} ${match[3]}`;
  }

  #letters(text: string): string {
    const digest = createHmac('sha256', this.#key).update(text).digest();
    let out = '';
    for (let i = 0; i < LETTERS_OF_A_NAME; i++) out += LETTERS[(digest[i >> 1]! >> (4 * (i & 1))) & 15];
    return out;
  }
}

/** Metadata that is no name: the rest is left out. */
const PLAIN = /^[a-z0-9][a-z0-9_.-]{0,31}$/;

/** Writes the trace to `path` under pseudonyms by `key`; answers the number of rows. Throws InputError. */
export async function anonymize(
  trace: Trace,
  path: string,
  key: Buffer,
  compression: BodyCompression,
  onProgress: (events: number) => void = () => {},
): Promise<number> {
  const names = new Pseudonyms(key);
  const plain = (name: string) => {
    const value = trace.metadata.get(name);
    return value !== undefined && PLAIN.test(value) ? value : 'unknown';
  };
  const writer = new TraceWriter(path, {
    source: plain('source'),
    clock: plain('clock'),
    compression,
    metadata: { 'memcharge.anonymized': '1' },
  });
  // A stream does not tell its marks; whoever looks at every row knows them at the end.
  const marks = trace.highWater === null ? new Validator(trace, 0) : null;
  let base: bigint | null = null;
  try {
    for await (const batch of trace.batches()) {
      if (base === null) {
        base = batch.ts[0]!;
        writer.setBase(base);
      }
      marks?.batch(batch);
      const index = new Uint32Array(batch.index.buffer, batch.index.byteOffset, batch.length * 2);
      const begin = Number(batch.ts[0]! - base);
      const ts = new Uint32Array(batch.ts.buffer, batch.ts.byteOffset, batch.length * 2);
      const low = ts[0]!;
      const high = ts[1]!;
      for (let row = 0; row < batch.length; row++) {
        const op = batch.opMap[batch.op[row]!]!;
        const name = batch.name(row);
        const value = index[row * 2]! + index[row * 2 + 1]! * U32;
        if (!Number.isSafeInteger(value))
          throw new InputError(`${trace.path}: index ${batch.index[row]} is out of range, row ${batch.firstRow + row}`);
        writer.append(
          begin + (ts[row * 2]! - low) + (ts[row * 2 + 1]! - high) * U32,
          batch.cpu[row]!,
          op,
          batch.task[row]!,
          batch.cgroup[row]!,
          batch.object[row]!,
          value,
          batch.count[row]!,
          batch.flags[row]!,
          batch.gfp[row]!,
          name === null ? null : op === O.OP_WRITE_KNOB ? names.knob(name) : names.path(name),
        );
      }
      onProgress(writer.events);
    }
    writer.close(trace.highWater ?? marks!.marks);
    return writer.events;
  } finally {
    writer.abort();
  }
}
