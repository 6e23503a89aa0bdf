/**
 * A node full of pods: containers that start one after another, restart, and do what containers do. Libraries and programs come out of
 * images, which pods share; the containers of a pod share a tmpfs; each has a heap, a log and kernel memory. Some heaps outgrow their limit.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { Random } from '../random.ts';
import type { Scenario } from '../scenario.ts';
import type { TraceBuilder } from '../trace-builder.ts';

const MS = 1_000_000;
const SECOND = 1000 * MS;
/** What each container does, on average every 2.5 ms. */
const MEAN_GAP = 2_500_000;
/** Layers of an image, pages: the base that all images have, the runtime, and the program. */
const LAYERS = [6144, 3072, 1024];
const IMAGES = 4;
const TMPFS_PAGES = 4096;
const LOG_PAGES = 8192;
const HEAP_PAGES = 1024;
/** What the kernel has for a container that runs: stacks, page tables, sockets. Bytes. */
const KERNEL_BYTES = 192 * 1024;
/** memory.max of a pod and of a container, pages. */
const POD_MAX = 8192;
const CONTAINER_MAX = 2560;

/** One container through all its lives. */
interface Container {
  pod: string;
  path: string;
  /** files of its image */
  layers: string[];
  shm: string;
  /** its heap grows without end */
  leaks: boolean;
  cpu: number;
  /** which life it is, from 1; its task */
  life: number;
  task: string;
  /** pages touched so far, and where its log goes on */
  heap: number;
  log: number;
  /** when it restarts next, and when it does something */
  restartAt: number;
  at: number;
}

export const pods: Scenario = {
  name: 'pods',
  summary: 'a node of pods: containers that restart, share images and a tmpfs, and now and then hit their limit',
  debate: '',
  options: {
    pods: { default: 6, summary: 'pods' },
    containers: { default: 3, summary: 'containers of each pod' },
    restarts: { default: 1, summary: 'restarts of each container' },
    seconds: { default: 5, summary: 'how long it runs; a container does some 400 things a second' },
    leak: { default: 8, summary: 'one container in so many has a heap that grows without end; 0: none' },
    seed: { default: 1, summary: 'seed of the random choices' },
  },
  build(trace, options) {
    const number = (name: string) => Number(options[name]);
    const random = new Random(number('seed'));
    const end = number('seconds') * SECOND;
    const all = populate(trace, random, end, {
      pods: number('pods'),
      containers: number('containers'),
      restarts: number('restarts'),
      leak: number('leak'),
    });
    const queue = new Queue(all);
    for (let next = queue.first; next !== null && next.at < end; next = queue.first) {
      trace.wait(Math.max(0, next.at - trace.now));
      trace.cpu = next.cpu;
      if (next.at >= next.restartAt) restart(trace, random, next, end, number('restarts'));
      else step(trace, random, next);
      next.at = Math.max(next.at + random.gap(MEAN_GAP), trace.now);
      queue.firstMoved();
    }
  },
};

/** Makes what outlives the containers: the images, and each pod with its tmpfs. Answers the containers, none of which has started. */
function populate(
  trace: TraceBuilder,
  random: Random,
  end: number,
  counts: { pods: number; containers: number; restarts: number; leak: number },
): Container[] {
  trace.mkdir('/kubepods');
  trace.object('/images/base', 'file', { pages: LAYERS[0]! });
  const images = Array.from({ length: IMAGES }, (_, image) => {
    const files = ['/images/base', `/images/${image}/runtime`, `/images/${image}/program`];
    files.slice(1).forEach((file, i) => {
      trace.object(file, 'file', { pages: LAYERS[i + 1]! });
    });
    return files;
  });
  const all: Container[] = [];
  for (let p = 0; p < counts.pods; p++) {
    const pod = `/kubepods/pod${p}`;
    trace.mkdir(pod, { 'memory.max': POD_MAX });
    const mount = `${pod}/shm`;
    trace.mount(mount, { memcg: pod, pages: TMPFS_PAGES });
    trace.object(`${mount}/data`, 'shmem', { pages: TMPFS_PAGES, mount });
    for (let c = 0; c < counts.containers; c++) {
      const n = all.length;
      all.push({
        pod,
        path: `${pod}/c${c}`,
        layers: images[random.below(IMAGES)]!,
        shm: `${mount}/data`,
        leaks: counts.leak > 0 && n % counts.leak === counts.leak - 1,
        cpu: n % 4,
        life: 0,
        task: '',
        heap: 0,
        log: 0,
        restartAt: 0,
        // One after another over the first tenth: whoever comes first pays for what all use.
        at: trace.now + 10 * MS * n + random.below(Math.max(1, end / 20)),
      });
    }
  }
  return all;
}

/** The end of a life, if there was one, and the beginning of the next. */
function restart(trace: TraceBuilder, random: Random, c: Container, end: number, restarts: number): void {
  if (c.life > 0) {
    kernelMemory(trace, 'kmem_free', c);
    trace.exit(c.task).rmdir(c.path);
  }
  c.life++;
  c.task = `${c.path}:${c.life}`;
  c.heap = 0;
  trace.mkdir(c.path, { 'memory.max': CONTAINER_MAX }).spawn(c.task, c.path);
  kernelMemory(trace, 'kmem_charge', c);
  const log = logOf(c);
  if (c.life === 1) trace.object(log, 'file', { pages: LOG_PAGES, by: c.task });
  // The lives share what is left of the time, give or take a fifth.
  const rest = (end - trace.now) / (restarts + 2 - c.life);
  c.restartAt =
    c.life > restarts ? Number.POSITIVE_INFINITY : trace.now + Math.floor(rest * (0.8 + 0.4 * random.next()));
}

function kernelMemory(trace: TraceBuilder, op: 'kmem_charge' | 'kmem_free', c: Container): void {
  trace.row(op, {
    task: op === 'kmem_charge' ? trace.task(c.task) : 0,
    cgroup: trace.cgroup(c.path),
    count: KERNEL_BYTES,
    flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
    gfp: op === 'kmem_charge' ? O.GFP_KERNEL : 0,
  });
}

/** One thing that a container does. */
function step(trace: TraceBuilder, random: Random, c: Container): void {
  const what = random.next();
  if (what < 0.4) {
    const pages = 1 + random.below(c.leaks ? 64 : 16);
    const grows = c.leaks || c.heap < HEAP_PAGES;
    const index = 16 + (grows && random.next() < 0.5 ? c.heap : random.below(Math.max(1, c.heap)));
    if (index === 16 + c.heap) c.heap += pages;
    trace.touch(c.task, { index, pages, write: random.next() < 0.8 });
  } else if (what < 0.72) {
    const layer = random.skewed(LAYERS.length);
    const size = LAYERS[layer]!;
    const pages = 1 + random.below(16);
    const index = Math.min(size - pages, random.skewed(size));
    trace.access(c.task, c.layers[layer]!, { index, pages, fault: random.next() < 0.7 });
  } else if (what < 0.87) {
    const pages = 1 + random.below(32);
    const index = Math.min(TMPFS_PAGES - pages, random.skewed(TMPFS_PAGES));
    trace.access(c.task, c.shm, { index, pages, write: random.next() < 0.4, fault: random.next() < 0.5 });
  } else if (what < 0.96) {
    const pages = 1 + random.below(4);
    trace.access(c.task, logOf(c), { index: c.log, pages, write: true });
    c.log = (c.log + pages) % (LOG_PAGES - 4);
  } else if (!c.leaks) {
    // A freed part of the heap comes back when it is touched again.
    const pages = 1 + random.below(Math.max(1, c.heap >> 2));
    trace.row('anon_free', { task: trace.task(c.task), index: 16 + random.below(Math.max(1, c.heap)), count: pages });
  }
}

const logOf = ({ path }: Container) => `${path}/log`;

/** The containers by the time of what they do next: a binary heap, so that a step costs the logarithm of their number. */
class Queue {
  readonly #heap: Container[];

  constructor(all: readonly Container[]) {
    this.#heap = [...all];
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  get first(): Container | null {
    return this.#heap[0] ?? null;
  }

  /** The time of the first has changed: later than it was. */
  firstMoved(): void {
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && heap[child]!.at < heap[least]!.at) least = child;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}
