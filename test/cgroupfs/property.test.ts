/** Random operations on the control files, beside a plain model of the tree (reference.ts), with the engine's audit after each. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CgroupFs } from '../../bindings/cgroupfs/cgroupfs.ts';
import { EngineError, GUEST, Machine } from '../../bindings/index.ts';
import { CONTROLLERS, type Name, Reference } from './reference.ts';

const CAPACITIES = { pages: 1 << 13, cpus: 1, cgroups: 512, tasks: 128, objects: 8, maps: 64, nodes: 1024, swap: 0 };

const at = fc.nat(1000);
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('mkdir' as const), at, name: fc.constantFrom('a', 'b', 'c') }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('rmdir' as const), at }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('control' as const),
      at,
      changes: fc.array(fc.record({ name: fc.constantFrom<Name>(...CONTROLLERS), on: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('move' as const), at, who: at }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('fork' as const), who: at }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('touch' as const), who: at, pages: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('kill' as const), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('limit' as const),
      at,
      file: fc.constantFrom('memory.max', 'pids.max', 'cgroup.max.depth', 'cgroup.max.descendants'),
      value: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fork machine' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function errno(call: () => void): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    if (error instanceof EngineError) return error.errno;
    throw error;
  }
}

class Run {
  machine: Machine;
  readonly reference = new Reference(['memory', 'io', 'pids']);
  readonly shell: number;
  readonly #pids: number[] = [];
  readonly #touched = new Map<number, number>();

  constructor(machine: Machine) {
    this.machine = machine;
    machine.mountCgroupfs({ config: GUEST, subtreeControl: ['memory', 'io', 'pids'] });
    this.shell = machine.spawn();
    this.#pids.push(this.shell);
    this.reference.root.procs.push(this.shell);
  }

  get #fs(): CgroupFs {
    return this.machine.cgroupfs;
  }

  #file(node: Reference['root'], file: string): string {
    return `${this.reference.path(node)}/${file}`;
  }

  /** What the machine answers, and what the reference does. */
  async step(c: Command): Promise<[string, string]> {
    const { reference } = this;
    const nodes = reference.all();
    const node = nodes[('at' in c ? c.at : 0) % nodes.length]!;
    const living = this.#pids.filter((pid) => nodes.some(({ procs }) => procs.includes(pid)));
    const pid = living[('who' in c ? c.who : 0) % Math.max(1, living.length)] ?? 0;
    switch (c.op) {
      case 'mkdir':
        return [errno(() => this.#fs.mkdir(this.#file(node, c.name))), reference.mkdir(node, c.name)];
      case 'rmdir':
        return [errno(() => this.#fs.rmdir(reference.path(node))), reference.rmdir(node)];
      case 'control': {
        const text = c.changes.map(({ name, on }) => `${on ? '+' : '-'}${name}`).join(' ');
        const file = this.#file(node, 'cgroup.subtree_control');
        return [errno(() => this.#fs.write(file, text)), reference.control(node, c.changes)];
      }
      case 'move':
        if (pid === 0) return ['', ''];
        return [errno(() => this.#fs.write(this.#file(node, 'cgroup.procs'), `${pid}\n`)), reference.move(pid, node)];
      case 'fork':
        return pid === 0 ? ['', ''] : this.#fork(pid);
      case 'touch':
        if (pid !== 0) this.#touch(pid, c.pages);
        return ['', ''];
      case 'kill':
        if (node.parent === null) return ['', ''];
        reference.kill(node);
        return [errno(() => this.#fs.write(this.#file(node, 'cgroup.kill'), '1')), 'ok'];
      case 'limit':
        return this.#limit(node, c.file, c.value);
      case 'fork machine':
        this.machine = await this.machine.fork();
        return ['', ''];
    }
  }

  /** Only who has touched nothing forks: what pages are shared by is not this test's business. */
  #fork(parent: number): [string, string] {
    if (this.#pids.length > 100 || this.reference.pages.has(parent)) return ['', ''];
    let child = 0;
    const said = errno(() => {
      child = this.machine.forkTask(parent);
    });
    if (said === 'ok') this.#pids.push(child);
    return [said, this.reference.fork(parent, child)];
  }

  #touch(pid: number, pages: number): void {
    const from = this.#touched.get(pid) ?? 0;
    this.machine.touchAnon(pid, { vpn: from, pages });
    this.#touched.set(pid, from + pages);
    this.reference.touch(pid, pages);
  }

  #limit(node: Reference['root'], file: string, value: number): [string, string] {
    if (node.parent === null && file.startsWith('cgroup.')) return ['', ''];
    const said = errno(() =>
      this.#fs.write(this.#file(node, file), file === 'memory.max' ? `${value + 1}G` : `${value}`),
    );
    if (file === 'memory.max') {
      if (!this.reference.shows(node, 'memory')) return [said, 'EACCES'];
      node.max = String((value + 1) * 2 ** 30);
    } else if (file === 'pids.max') {
      if (!this.reference.shows(node, 'pids')) return [said, 'EACCES'];
      node.pidsMax = value;
    } else if (file === 'cgroup.max.depth') node.depth = value;
    else node.descendants = value;
    return [said, 'ok'];
  }

  /** What the machine shows of a cgroup, and what the reference does. */
  compare(): [unknown, unknown] {
    const { reference } = this;
    const shown: unknown[] = [];
    const expected: unknown[] = [];
    for (const node of reference.all()) {
      const path = reference.path(node);
      const read = (file: string) => this.#fs.read(`${path}/${file}`);
      const files = this.#fs.list(path);
      const memory = reference.shows(node, 'memory');
      const pids = reference.shows(node, 'pids');
      const known = CONTROLLERS.filter((name) => node.control.has(name));
      shown.push([
        path,
        files.filter((name) => !name.includes('.')).sort(),
        read('cgroup.procs'),
        node.parent === null ? '' : read('cgroup.events').split('\n')[0],
        read('cgroup.subtree_control').trim(),
        memory
          ? [read('memory.max').trim(), /^anon (\d+)$/m.exec(read('memory.stat'))![1]]
          : files.includes('memory.max'),
        pids ? [read('pids.current').trim(), read('pids.max').trim()] : files.includes('pids.max'),
      ]);
      expected.push([
        path,
        [...node.children.keys()].sort(),
        node.procs.map((pid) => `${pid}\n`).join(''),
        node.parent === null ? '' : `populated ${reference.populated(node) ? 1 : 0}`,
        known.join(' '),
        memory ? [node.max, String(reference.anon(node) * 4096)] : false,
        pids
          ? [String(reference.pids(node)), node.pidsMax === Number.POSITIVE_INFINITY ? 'max' : `${node.pidsMax}`]
          : false,
      ]);
    }
    return [shown, expected];
  }
}

test('whatever is done, the tree is as the plain model has it, and everything adds up', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 80, size: 'max' }), async (commands) => {
      const run = new Run(await Machine.boot({ ...CAPACITIES, residency: 'modelled', kernel: '6.1' }));
      for (const each of commands) {
        const [said, expected] = await run.step(each);
        expect(`${JSON.stringify(each)}: ${said}`).toBe(`${JSON.stringify(each)}: ${expected}`);
        const [shown, wanted] = run.compare();
        expect(shown).toEqual(wanted);
        expect(run.machine.audit()).toBeNull();
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);
