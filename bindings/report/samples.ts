/**
 * The kernel's own samples: one JSON object a line, `{"t":…, "t_end":…, "label":…, "cgroups":{"/a":{"id":…, "current":…}}}`.
 * t and t_end are seconds on the recording's clock: the control files were read at some moment between them.
 */
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

function parseSample(text: string, where: string): Sample {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw new InputError(`${where}: not a line of JSON`);
  }
  if (typeof line !== 'object' || line === null) throw new InputError(`${where}: not an object`);
  const { t, t_end, label, cgroups } = line as Record<string, unknown>;
  if (typeof t !== 'number' || typeof t_end !== 'number' || t < 0 || t_end < t)
    throw new InputError(`${where}: field t, t_end: not a span of seconds`);
  if (typeof cgroups !== 'object' || cgroups === null) throw new InputError(`${where}: field cgroups: not an object`);
  const sampled: SampledCgroup[] = [];
  for (const [path, value] of Object.entries(cgroups as Record<string, Record<string, unknown> | null>)) {
    const { id, current } = value ?? {};
    // The root has no memory.current, and what is below it is the recorder's, not the recording's.
    if (path === '/' || current === undefined) continue;
    if (typeof id !== 'number') throw new InputError(`${where}: field cgroups.${path}.id: not a number`);
    if (typeof current !== 'number') throw new InputError(`${where}: field cgroups.${path}.current: not a number`);
    sampled.push({ path, id, current });
  }
  const ns = (seconds: number) => Math.round(seconds * 1e9);
  return { from: ns(t), to: ns(t_end), label: typeof label === 'string' ? label : null, cgroups: sampled };
}

/** Reads samples, plain or gzipped, in the order of time. Throws InputError. */
export async function readSamples(path: string): Promise<Sample[]> {
  const reader = await LineReader.open(path);
  const samples: Sample[] = [];
  try {
    for (let chunk = await reader.next(); chunk !== null; chunk = await reader.next()) {
      let number = chunk.firstLine;
      for (const text of Buffer.from(chunk.text, 'latin1').toString('utf8').split('\n')) {
        if (text.trim() !== '') samples.push(parseSample(text, `${path}: line ${number}`));
        number++;
      }
    }
  } finally {
    reader.close();
  }
  if (samples.length === 0) throw new InputError(`${path}: no samples`);
  return samples.sort((a, b) => a.from - b.from || a.to - b.to);
}
