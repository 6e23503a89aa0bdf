/**
 * One worker: its own instance of the engine on the shared memory, its own CPU and task. It charges and gives back at random, and
 * reports what it holds at the end. Plain JavaScript, so that a worker needs no loader.
 */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { memory, worker, file, seed, rounds, memcgs, task, gfp, kinds, counter, peakField } = workerData;
const { instance } = await WebAssembly.instantiate(readFileSync(file), {
  env: { memory, abort: () => process.exit(1) },
});
const engine = instance.exports;
engine.attach(worker);

let state = seed >>> 0;
const below = (bound) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
};

const sockets = [];
const objects = [];
const raw = [];
let refused = 0;
let peak = 0n;
const take = (from) => from.splice(below(from.length), 1)[0];

parentPort.postMessage({ ready: true });
// Everybody begins at once: a worker that began early would find nobody to disturb.
await new Promise((go) => parentPort.once('message', go));

for (let i = 0; i < rounds; i++) {
  const memcg = memcgs[below(memcgs.length)];
  const grow = below(100) < 55;
  const what = below(3);
  if (what === 0 && grow) {
    const pages = 1 + below(20);
    if (engine.chargeSock(worker, memcg, pages, gfp) === 0) sockets.push([memcg, pages]);
    else refused++;
  } else if (what === 0 && sockets.length) engine.unchargeSock(worker, ...take(sockets));
  else if (what === 1 && grow) {
    const bytes = 1 + below(9000);
    const kind = kinds[below(kinds.length)];
    const objcg = engine.chargeObject(task, worker, bytes, kind, gfp);
    if (objcg > 0) objects.push([objcg, bytes, kind]);
    else refused++;
  } else if (what === 1 && objects.length) engine.unchargeObject(worker, ...take(objects));
  else if (what === 2 && grow) {
    const pages = BigInt(1 + below(70));
    if (engine.pageCounterTryCharge(memcg, counter, pages) === 0) raw.push([memcg, counter, pages]);
    else refused++;
  } else if (what === 2 && raw.length) engine.pageCounterUncharge(...take(raw));
  if (objects.length + sockets.length + raw.length > 400) {
    engine.unchargeSock(worker, ...(sockets.shift() ?? [1, 0]));
    if (raw.length) engine.pageCounterUncharge(...raw.shift());
  }
  // The peak, not the usage: usage holds, for an instant, what another worker adds before it looks at the limit.
  const watermark = engine.pageCounterField(memcgs[0], counter, peakField);
  if (watermark > peak) peak = watermark;
}
parentPort.postMessage({ sockets, objects, raw, refused, peak });
parentPort.close();
