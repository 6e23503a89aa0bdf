/**
 * The kernel's own samples: one JSON object a line, `{"t":…, "t_end":…, "label":…, "cgroups":{"/a":{"id":…, "current":…}}}`.
 * t and t_end are seconds on the recording's clock: the control files were read at some moment between them.
 */

import { ByteSource } from '../trace/byte-source.ts';
import { InputError } from '../trace/input-error.ts';
import { LineReader } from '../trace/lines.ts';

/** One cgroup's memory.current in one sample. */
export interface SampledCgroup {
  path: string;
  /** the kernel's cgroup id */
  id: number;
  /** memory.current, bytes */
  current: number;
}

export interface Sample {
  /** nanoseconds, as the trace's ts */
  from: number;
  to: number;
  /** the name of a marked phase */
  label: string | null;
  cgroups: SampledCgroup[];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Seconds that are still exact to the nanosecond's order: below the year 2255. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 9e9;
}

function parseSample(text: string, where: string): Sample {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new InputError(`${where}: not a line of JSON`);
  }
  if (typeof line !== 'object' || line === null) throw new InputError(`${where}: not an object`);
  const { t, t_end, label, cgroups } = line as Record<string, unknown>;
  if (!isTime(t) || !isTime(t_end) || t_end < t)
    throw new InputError(`${where}: field t, t_end: not a span of seconds`);
  if (!isObject(cgroups)) throw new InputError(`${where}: field cgroups: not an object`);
  const sampled: SampledCgroup[] = [];
  for (const [path, value] of Object.entries(cgroups)) {
    if (!isObject(value)) throw new InputError(`${where}: field cgroups.${path}: not an object`);
    const { id, current } = value;
    // The root has no memory.current, and what is below it is the recorder's, not the recording's.
    if (path === '/' || current === undefined) continue;
    if (!isCount(id)) throw new InputError(`${where}: field cgroups.${path}.id: not a whole number`);
    if (!isCount(current)) throw new InputError(`${where}: field cgroups.${path}.current: not a number of bytes`);
    sampled.push({ path, id, current });
  }
  const ns = (seconds: number) => Math.round(seconds * 1e9);
  return { from: ns(t), to: ns(t_end), label: typeof label === 'string' ? label : null, cgroups: sampled };
}

/** Reads samples, plain or gzipped, in the order of time. Throws InputError. */
export async function readSamples(path: string): Promise<Sample[]> {
  const source = await ByteSource.open(path);
  const reader = new LineReader(source);
  const samples: Sample[] = [];
  try {
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      let number = chunk.firstLine;
      for (const text of Buffer.from(chunk.text, 'latin1').toString('utf8').split('\n')) {
        if (text.trim() !== '') samples.push(parseSample(text, `${reader.path}: line ${number}`));
        number++;
      }
    }
  } finally {
    source.close();
  }
  if (!samples.some((sample) => sample.cgroups.length > 0))
    throw new InputError(`${path}: no sample of memory.current`);
  return samples.sort((a, b) => a.from - b.from || a.to - b.to);
}
