/**
 * The public API.
 *
 * @example
 * import { Machine } from 'memcharge';
 * const machine = await Machine.boot({ pages: 1 << 20, cpus: 2 });
 * const jobs = machine.mkdir('/jobs');
 */

export * as ops from '../assembly/replay/ops.ts';
export { CgroupFs, type CgroupFsOptions, type CgroupStat } from './cgroupfs/cgroupfs.ts';
export { DISTRIBUTION, GUEST, type KernelConfig } from './cgroupfs/config.ts';
export type { Credentials } from './cgroupfs/file-type.ts';
export type { OpenFile } from './cgroupfs/open-file.ts';
export {
  memparse,
  pageCounterMemparse,
  parseReclaim,
  parseSwitch,
  printPages,
  type ReclaimRequest,
} from './cgroupfs/parse.ts';
export type { PeakFile } from './cgroupfs/peak.ts';
export type { Processes, Thread } from './cgroupfs/processes.ts';
export {
  type Capacities,
  CapacityError,
  DEFAULT_CAPACITIES,
  memoryMap,
  memorySize,
  type Region,
} from './engine/capacities.ts';
export type { MachineEvent } from './engine/events.ts';
export type { Candidate, Kill } from './engine/kills.ts';
export type {
  Access,
  AnonRange,
  CallResult,
  KernelObject,
  KernelPages,
  MemcgCost,
  MountOption,
  ObjectKind,
  ObjectRange,
  ObjectType,
  PageKind,
} from './live.ts';
export {
  type BootOptions,
  type CgroupName,
  type CounterChange,
  type Discrepancy,
  EngineError,
  type Kernel,
  Machine,
  type MemcgFigures,
  ReplayError,
  type Residency,
  type Statistics,
  type VmStat,
} from './machine.ts';
export type { PolicyCount, PolicyFigures } from './policy/figures.ts';
export { type Answers, definePolicy, type Policy, PolicyError, type Preset } from './policy/policy.ts';
export { PRESETS, presetOf } from './policy/registry.ts';
export { bootFor, type KnobOverride, type ReplayObserver, type ReplayOutcome, replayTrace } from './replay/replay.ts';
export { Against, type AgainstReport } from './report/against.ts';
export { type Costs, DEFAULT_COSTS, type Pressure, type PressureLine } from './report/pressure.ts';
export { readSamples, type Sample } from './report/samples.ts';
export { type RunOptions, runScript, type ScriptResult } from './shell/run.ts';
export { openTrace, type Trace, type TraceBatch } from './trace/arrow-reader.ts';
export { TraceWriter } from './trace/arrow-writer.ts';
export type { ImportReport } from './trace/import-report.ts';
export { InputError } from './trace/input-error.ts';
export { importMemcgProbes } from './trace/memcg-probes.ts';
export {
  KNOB_IDS,
  OP_CODES,
  OP_NAMES,
  PAGE_COUNTER_MAX,
  PAGE_SIZE,
  ROOT_CGROUP,
  SCHEMA_VERSION,
} from './trace/schema.ts';
export { type Summary, summarize } from './trace/summary.ts';
export { type ValidateReport, validateTrace } from './trace/validate.ts';
