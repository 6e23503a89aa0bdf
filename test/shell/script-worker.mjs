// Runs a script under a policy in a worker thread, and answers what came of it.
import { parentPort, workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const { scriptRun } = await import('../../bindings/shell/script-run.ts');
const { machine, stdout } = await scriptRun(workerData.policy, workerData.source);
parentPort.postMessage({ digest: machine.digest(), stdout });
