/** A worker thread of compare: it is told its trace at the start, then a job at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { InputError, messageOf } from '../trace/input-error.ts';
import { type Job, type Reply, Runner, type Work } from './pool.ts';

const port = parentPort!;
const runner = new Runner(workerData as Work);

async function reply(job: Job): Promise<Reply> {
  try {
    return { answer: await runner.run(job) };
  } catch (error) {
    return { error: messageOf(error), input: error instanceof InputError };
  }
}

port.on('message', (job: Job) => {
  void reply(job).then((answer) => port.postMessage(answer));
});
