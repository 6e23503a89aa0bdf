/**
 * Who runs, and what time it is. Time is virtual, in ns since boot: it goes on where a process computes, and jumps to the next timer where
 * nobody can run. Exactly one thread runs at a time; it gives the baton away where it blocks, and where its slice of time is over
 * at a point at which the kernel looks (there is no preemption in the kernel). The order is first come, first served: a run is the same
 * each time.
 *
 * A thread is an asynchronous function. All but one of them wait on promises that only the scheduler resolves.
 */

/** What a thread computes before another one that is ready comes: what CFS gives one of a few. Ns. */
export const SLICE_NS = 10_000_000n;
/** No timer is later: who waits until then waits for ever. Ns. */
const KTIME_MAX = 2n ** 63n - 1n;
/** Wall-clock time after which a run lets the host's event loop turn, ms. */
const TURN_MS = 100;

/** How a wait ended: somebody woke the thread; its time was over; a signal is there for it. */
export type Wake = 'woken' | 'timeout' | 'interrupted';

/** Something that happens at a time. */
export interface Timer {
  readonly at: bigint;
  readonly fire: () => void;
  /** a periodic duty of the kernel: no reason for a machine to go on in which nobody could run */
  readonly idle: boolean;
  cancelled: boolean;
}

/** What the scheduler knows of a process or kernel thread. */
export interface Thread {
  /** what it is called in the report of a deadlock */
  readonly name: () => string;
  /** CPU that it runs on */
  cpu: number;
  /** what it computed in this turn, ns */
  used: bigint;
  /** what it computed ever, ns */
  total: bigint;
  state: 'ready' | 'running' | 'blocked' | 'ended';
  /** given the baton, it goes on here */
  resume: (() => void) | null;
  /** where it waits, and whether a signal ends that */
  queue: WaitQueue | null;
  interruptible: boolean;
  timer: Timer | null;
  wake: Wake;
}

/** Threads that wait for something, in the order in which they came. */
export class WaitQueue {
  /** for the scheduler alone */
  readonly sleepers = new Set<Thread>();
}

/** All threads wait for each other. */
export class DeadlockError extends Error {
  override name = 'DeadlockError';
}

export class Scheduler {
  /** ns since boot */
  now: bigint;
  /** who has the baton; null between runs */
  current: Thread | null = null;
  /** ns that nobody could run; how often the CPU changed hands */
  idle = 0n;
  switches = 0;
  /** told of every step of time, before what is due then happens */
  readonly #onTime: (now: bigint) => void;
  readonly #ready: Thread[] = [];
  /** a heap by time, then by age */
  readonly #timers: { timer: Timer; age: number }[] = [];
  readonly #blocked = new Set<Thread>();
  #age = 0;
  #cpus: number;
  #placed = 0;
  #end: { resolve: () => void; reject: (error: unknown) => void } | null = null;
  #turned = performance.now();

  constructor(now: bigint, cpus: number, onTime: (now: bigint) => void) {
    this.now = now;
    this.#cpus = cpus;
    this.#onTime = onTime;
  }

  /** A new thread, behind all that are ready. An exception that leaves `body` ends the run. */
  start(name: () => string, body: (thread: Thread) => Promise<void>): Thread {
    const thread: Thread = {
      name,
      cpu: this.#placed++ % this.#cpus,
      used: 0n,
      total: 0n,
      state: 'ready',
      resume: null,
      queue: null,
      interruptible: false,
      timer: null,
      wake: 'woken',
    };
    thread.resume = () =>
      void body(thread).then(
        () => this.#ended(thread),
        (error) => this.fail(error),
      );
    this.#ready.push(thread);
    return thread;
  }

  /** Runs threads until stop(). Throws DeadlockError, or what a thread threw that it should not have. */
  run(): Promise<void> {
    if (this.#end !== null) throw new Error('the scheduler runs already');
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
      this.#dispatch();
    });
  }

  /** Ends run() when the thread that has the baton gives it away. */
  #stopping = false;
  stop(): void {
    this.#stopping = true;
  }

  /** Ends run() with an error. */
  fail(error: unknown): void {
    const end = this.#end;
    this.#end = null;
    this.current = null;
    end?.reject(error);
  }

  /** At most once: `fire` at a time. */
  at(at: bigint, fire: () => void, options: { idle?: boolean } = {}): Timer {
    const timer: Timer = { at, fire, idle: options.idle ?? false, cancelled: false };
    this.#push({ timer, age: this.#age++ });
    return timer;
  }

  /** The current thread waits: in a queue, until a time, or both. A wait that is not interruptible is one of state D. */
  block(thread: Thread, queue: WaitQueue | null, until: bigint | null, interruptible: boolean): Promise<Wake> {
    if (thread !== this.current) throw new Error(`${thread.name()} blocks and does not run`);
    thread.state = 'blocked';
    thread.queue = queue;
    thread.interruptible = interruptible;
    thread.timer = until === null || until > KTIME_MAX ? null : this.at(until, () => this.#rouse(thread, 'timeout'));
    queue?.sleepers.add(thread);
    this.#blocked.add(thread);
    return new Promise((resolve) => {
      thread.resume = () => resolve(thread.wake);
      this.#dispatch();
    });
  }

  /** The threads that wait in a queue become ready: all, or the first `most`. */
  wake(queue: WaitQueue, most = Number.POSITIVE_INFINITY): void {
    for (const thread of queue.sleepers) {
      if (most-- <= 0) return;
      this.#rouse(thread, 'woken');
    }
  }

  /** A signal is there: ends an interruptible wait, or with `deadly` any. */
  interrupt(thread: Thread, deadly = false): void {
    if (thread.state === 'blocked' && (thread.interruptible || deadly)) this.#rouse(thread, 'interrupted');
  }

  /** The current thread computed for so long: what is due by then happens. */
  elapse(ns: bigint): void {
    const thread = this.current;
    if (thread !== null) {
      thread.used += ns;
      thread.total += ns;
    }
    this.#goOn(this.now + ns);
  }

  /** Whether the current thread's slice is over, and another one waits for the CPU. */
  get overdue(): boolean {
    return this.current !== null && this.current.used >= SLICE_NS && this.#ready.length > 0;
  }

  /** Puts the current thread behind those that are ready. */
  yield(thread: Thread): Promise<void> {
    if (thread !== this.current) throw new Error(`${thread.name()} yields and does not run`);
    thread.state = 'ready';
    this.#ready.push(thread);
    return new Promise((resolve) => {
      thread.resume = resolve;
      this.#dispatch();
    });
  }

  /** Threads that could run, the current one among them: what /proc/loadavg shows. */
  get runnable(): number {
    return this.#ready.length + (this.current === null ? 0 : 1);
  }

  #ended(thread: Thread): void {
    thread.state = 'ended';
    if (this.current === thread) this.#dispatch();
  }

  #rouse(thread: Thread, wake: Wake): void {
    if (thread.state !== 'blocked') return;
    thread.state = 'ready';
    thread.wake = wake;
    thread.queue?.sleepers.delete(thread);
    thread.queue = null;
    if (thread.timer !== null) thread.timer.cancelled = true;
    thread.timer = null;
    this.#blocked.delete(thread);
    this.#ready.push(thread);
  }

  /** Time goes on to `to`, by way of each timer. */
  #goOn(to: bigint): void {
    for (let next = this.#next(); next !== null && next.at <= to; next = this.#next()) {
      this.#pop();
      if (next.at > this.now) {
        this.now = next.at;
        this.#onTime(this.now);
      }
      next.fire();
    }
    if (to > this.now) {
      this.now = to;
      this.#onTime(to);
    }
  }

  /** The next thread gets the baton. */
  #dispatch(): void {
    this.current = null;
    if (this.#end === null) return;
    if (this.#stopping) {
      this.#stopping = false;
      const end = this.#end;
      this.#end = null;
      end.resolve();
      return;
    }
    if (performance.now() - this.#turned > TURN_MS) {
      setTimeout(() => {
        this.#turned = performance.now();
        this.#resume();
      });
      return;
    }
    this.#resume();
  }

  #resume(): void {
    try {
      while (this.#ready.length === 0) {
        const next = this.#next();
        if (next === null || !this.#timers.some(({ timer }) => !timer.idle && !timer.cancelled)) {
          const waiting = [...this.#blocked].map((thread) => thread.name()).join(', ');
          throw new DeadlockError(`nothing can ever happen: ${waiting || 'nobody'} would wait for ever`);
        }
        this.idle += next.at > this.now ? next.at - this.now : 0n;
        this.#goOn(next.at);
      }
    } catch (error) {
      this.fail(error);
      return;
    }
    const thread = this.#ready.shift()!;
    this.switches++;
    thread.state = 'running';
    thread.used = 0n;
    this.current = thread;
    const resume = thread.resume!;
    thread.resume = null;
    // Not from here: what blocks in turn would nest ever deeper.
    queueMicrotask(resume);
  }

  // ------------------------------------------------------------------------------------------------ the heap of timers

  #next(): Timer | null {
    while (this.#timers.length > 0 && this.#timers[0]!.timer.cancelled) this.#pop();
    return this.#timers[0]?.timer ?? null;
  }

  #before(a: number, b: number): boolean {
    const x = this.#timers[a]!;
    const y = this.#timers[b]!;
    return x.timer.at < y.timer.at || (x.timer.at === y.timer.at && x.age < y.age);
  }

  #swap(a: number, b: number): void {
    [this.#timers[a], this.#timers[b]] = [this.#timers[b]!, this.#timers[a]!];
  }

  #push(entry: { timer: Timer; age: number }): void {
    let i = this.#timers.push(entry) - 1;
    for (let up = (i - 1) >> 1; i > 0 && this.#before(i, up); i = up, up = (i - 1) >> 1) this.#swap(i, up);
  }

  #pop(): void {
    const last = this.#timers.pop()!;
    if (this.#timers.length === 0) return;
    this.#timers[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.#timers.length && this.#before(child, least)) least = child;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }
}
