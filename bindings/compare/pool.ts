/** Runs jobs on worker threads, as many at once as there are cores and as memory allows; answers come in the order of the jobs. */
import { availableParallelism, freemem } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Policy } from '../policy/policy.ts';
import type { PolicyResult } from '../report/compare-result.ts';
import { InputError } from '../trace/input-error.ts';
import { rewriteTrace } from '../trace/rewrite/rewrite-trace.ts';
import { type CompareSetup, type FinalCharges, runForCharges, runPolicy } from './run-policy.ts';
import { runScriptPolicy, type ScriptSetup } from './run-script.ts';
import { type SharedTrace, traceOf } from './shared-trace.ts';
import { findJobs, shuffled } from './shuffle.ts';

/** One policy over the trace, or over one of its permutations. */
export interface Job {
  policy: Policy;
  /** null: the trace as it is, with all figures */
  order: readonly number[] | null;
  lowerBound: boolean;
}
export type Answer = { result: PolicyResult; elapsedNs?: number } | { charges: FinalCharges };

/** What a worker is given at its start: what all its jobs are about. */
export type Work = { trace: SharedTrace; setup: CompareSetup } | { script: ScriptSetup };
export type Reply = { answer: Answer } | { error: string; input: boolean };

/** A worker's part: jobs over one trace, or one script. */
export class Runner {
  readonly #work: Work;
  #jobs: ReturnType<typeof findJobs> | null = null;

  constructor(work: Work) {
    this.#work = work;
  }

  async run({ policy, order, lowerBound }: Job): Promise<Answer> {
    if ('script' in this.#work) {
      const { elapsedNs, ...result } = await runScriptPolicy(policy, this.#work.script);
      return { result, elapsedNs };
    }
    const { trace: kept, setup } = this.#work;
    const original = order === null ? traceOf(kept) : this.#permuted(kept, order);
    const trace =
      policy.rewrite === undefined ? original : await rewriteTrace(original, policy.rewrite, policy.rewriteOptions);
    if (order !== null) return { charges: await runForCharges(trace, policy, setup) };
    return { result: await runPolicy(trace, policy, setup, lowerBound) };
  }

  #permuted(trace: SharedTrace, order: readonly number[]) {
    this.#jobs ??= findJobs(trace);
    return shuffled(trace, this.#jobs, order);
  }
}

/** Machines of this size (bytes) that can stand beside each other. */
export function workersFor(jobs: number, machineBytes: number, asked: number | null): number {
  const fit = Math.max(1, Math.floor((0.8 * freemem()) / machineBytes));
  return Math.max(1, Math.min(jobs, asked ?? availableParallelism(), fit));
}

/** Answers every job, or throws what the first of them that failed threw. `done` is called after each. */
export async function runJobs(
  work: Work,
  jobs: readonly Job[],
  workers: number,
  done: (jobs: number) => void = () => {},
): Promise<Answer[]> {
  const answers: Answer[] = [];
  if (workers <= 1) {
    const runner = new Runner(work);
    for (const job of jobs) {
      answers.push(await runner.run(job));
      done(answers.length);
    }
    return answers;
  }
  const failed = new Map<number, Error>();
  let next = 0;
  let finished = 0;
  const feed = async (worker: Worker): Promise<void> => {
    while (next < jobs.length && failed.size === 0) {
      const index = next++;
      const reply = await ask(worker, jobs[index]!);
      if ('error' in reply) failed.set(index, reply.input ? new InputError(reply.error) : new Error(reply.error));
      else answers[index] = reply.answer;
      done(++finished);
    }
  };
  const threads = Array.from({ length: workers }, () => startWorker(work));
  try {
    await Promise.all(threads.map(feed));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  const first = [...failed].sort(([a], [b]) => a - b)[0];
  if (first) throw first[1];
  return answers;
}

function startWorker(work: Work): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./worker.js', import.meta.url), { workerData: work });
  // From the sources: a thread does not inherit what loads TypeScript.
  const loader = import.meta.resolve('tsx/esm/api');
  const file = new URL('./worker.ts', import.meta.url);
  const source = `import('${loader}').then(({ register }) => (register(), import('${file}')))`;
  return new Worker(source, { eval: true, workerData: work });
}

function ask(worker: Worker, job: Job): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    const onMessage = (reply: Reply) => {
      settle();
      resolve(reply);
    };
    const onError = (error: Error) => {
      settle();
      reject(error);
    };
    const onExit = (code: number) => {
      settle();
      reject(new Error(`a worker of compare ended with ${code}`));
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
    worker.postMessage(job);
  });
}
