/** The control files of plain machines: their own cgroups and tasks, without anybody who runs processes. */
import { describe, expect, test } from 'vitest';
import { EngineError, GUEST, Machine, ops, type Processes } from '../../bindings/index.ts';
import { Host } from './host.ts';

const CAPACITIES = { pages: 1 << 14, cpus: 1, cgroups: 64, tasks: 64, objects: 8, maps: 64, nodes: 1024, swap: 0 };
const boot = (options = {}) => Machine.boot({ ...CAPACITIES, residency: 'modelled', kernel: '6.1', ...options });
const MB = 2 ** 20;

function errno(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof EngineError) return error.errno;
    throw error;
  }
  return 'ok';
}

describe('a plain machine', () => {
  test('has its cgroups as directories, and those of the file system as cgroups', async () => {
    const machine = await boot();
    const jobs = machine.mkdir('/jobs');
    const fs = machine.cgroupfs;
    expect(fs.read('/cgroup.subtree_control')).toBe('memory\n');
    expect(fs.read('/jobs/cgroup.controllers')).toBe('memory\n');
    fs.mkdir('/jobs/a');
    expect(errno(() => fs.read('/jobs/a/memory.current'))).toBe('ENOENT');
    expect(fs.memcgOf('/jobs/a')).toBe(jobs);
    const b = machine.mkdir('/jobs/b', jobs);
    // /jobs has memory for its children from now on, and so has /jobs/a.
    expect(fs.read('/jobs/cgroup.subtree_control')).toBe('memory\n');
    fs.write('/jobs/a/memory.max', '64M');
    expect(fs.read('/jobs/a/memory.max')).toBe(`${64 * MB}\n`);
    const a = fs.memcgOf('/jobs/a');
    expect(machine.cgroups.get(a)!.path).toBe('/jobs/a');
    expect(machine.engine.readKnob(a, ops.KNOB_MAX)).toBe(BigInt((64 * MB) / 4096));
    machine.writeKnob(b, ops.KNOB_HIGH, 3n);
    expect(fs.read('/jobs/b/memory.high')).toBe('12288\n');
    machine.rmdir(b);
    expect(fs.list('/jobs')).not.toContain('b');
    expect(fs.read('/cgroup.stat')).toBe('nr_descendants 2\nnr_dying_descendants 0\n');
    expect(machine.audit()).toBeNull();
  });

  test('has its tasks as processes', async () => {
    const machine = await boot();
    const a = machine.mkdir('/a');
    const task = machine.spawn(a);
    const fs = machine.cgroupfs;
    const child = machine.forkTask(task);
    const thread = machine.forkTask(child, { thread: true });
    expect(fs.read('/a/cgroup.procs')).toBe(`${task}\n${child}\n`);
    expect(fs.read('/a/cgroup.threads')).toBe(`${task}\n${child}\n${thread}\n`);
    expect(fs.read('/a/cgroup.events')).toBe('populated 1\nfrozen 0\n');
    fs.mkdir('/b');
    fs.write('/b/cgroup.procs', `${child}\n`);
    expect(fs.read('/b/cgroup.threads')).toBe(`${child}\n${thread}\n`);
    machine.touchAnon(thread, { vpn: 0, pages: 10 });
    expect(fs.read('/b/memory.stat')).toContain(`anon ${10 * 4096}\n`);
    machine.attach(child, a);
    expect(fs.cgroupOf(thread)).toBe('/a');
    machine.exit(child);
    expect(fs.read('/a/cgroup.procs')).toBe(`${task}\n${child}\n`);
    fs.write('/a/cgroup.kill', '1');
    expect(fs.read('/a/cgroup.procs')).toBe('');
    fs.rmdir('/a');
    expect(machine.audit()).toBeNull();
  });

  test('keeps tasks where they were put, also in cgroups without a memcg', async () => {
    const machine = await boot();
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    fs.mkdir('/a/x');
    fs.mkdir('/a/y');
    const task = machine.spawn();
    fs.write('/a/x/cgroup.procs', `${task}`);
    const child = machine.forkTask(task);
    expect(fs.read('/a/x/cgroup.procs')).toBe(`${task}\n${child}\n`);
    machine.touchAnon(child, { vpn: 0, pages: 3 });
    expect(fs.read('/a/memory.stat')).toContain('anon 12288\n');
    fs.write('/a/y/cgroup.procs', `${child}`);
    fs.write('/a/cgroup.subtree_control', '+memory');
    // What is charged stays where it was.
    expect(fs.read('/a/y/memory.current')).toBe('0\n');
    machine.touchAnon(child, { vpn: 3, pages: 2 });
    expect(fs.read('/a/y/memory.stat')).toContain('anon 8192\n');
    fs.write('/a/cgroup.subtree_control', '-memory');
    machine.touchAnon(child, { vpn: 5, pages: 1 });
    expect(fs.read('/a/memory.stat')).toContain(`anon ${6 * 4096}\n`);
    // The memcgs that /a/x and /a/y had are no cgroups that were removed.
    expect(fs.read('/a/cgroup.stat')).toBe('nr_descendants 2\nnr_dying_descendants 0\n');
    // The machine itself moves it to the cgroup that has the memcg.
    machine.attach(child, fs.memcgOf('/a'));
    expect(fs.cgroupOf(child)).toBe('/a');
    expect(machine.audit()).toBeNull();
  });

  test('charges a child where io alone is enabled to a memcg that does not show', async () => {
    const machine = await boot();
    const fs = machine.mountCgroupfs({ config: GUEST, subtreeControl: ['memory', 'io'] });
    for (const path of ['/s', '/s/x']) fs.mkdir(path);
    fs.write('/s/cgroup.subtree_control', '+io');
    const task = machine.spawn();
    fs.write('/s/x/cgroup.procs', `${task}`);
    machine.touchAnon(task, { vpn: 0, pages: 100 });
    expect(errno(() => fs.read('/s/x/memory.current'))).toBe('ENOENT');
    fs.write('/s/cgroup.subtree_control', '+memory');
    expect(fs.read('/s/x/memory.stat')).toContain(`anon ${100 * 4096}\n`);
    fs.write('/s/cgroup.subtree_control', '-io -memory');
    fs.write('/s/cgroup.subtree_control', '+memory');
    expect(fs.read('/s/x/memory.stat')).toContain('anon 0\n');
    expect(errno(() => machine.mountCgroupfs({}))).toBe('EBUSY');
  });

  test('refuses a fork beyond pids.max, and counts where each kernel does', async () => {
    for (const kernel of ['6.1', '6.18'] as const) {
      const machine = await boot({ kernel });
      const fs = machine.mountCgroupfs({ subtreeControl: ['memory', 'pids'] });
      for (const path of ['/q', '/q/r']) fs.mkdir(path);
      fs.write('/q/cgroup.subtree_control', '+pids');
      fs.write('/q/pids.max', '2');
      const task = machine.spawn();
      fs.write('/q/r/cgroup.procs', `${task}`);
      const child = machine.forkTask(task);
      expect(errno(() => machine.forkTask(task))).toBe('EAGAIN');
      expect(errno(() => machine.forkTask(child))).toBe('EAGAIN');
      // As the kernel's: /q/r was counted before /q refused.
      expect(fs.read('/q/r/pids.peak')).toBe('3\n');
      expect(fs.read('/q/pids.peak')).toBe('2\n');
      expect(fs.read('/q/pids.current')).toBe('2\n');
      expect(fs.read('/q/r/pids.events')).toBe(kernel === '6.1' ? 'max 2\n' : 'max 0\n');
      expect(fs.read('/q/pids.events')).toBe(kernel === '6.1' ? 'max 0\n' : 'max 2\n');
      if (kernel === '6.18') expect(fs.read('/q/pids.events.local')).toBe('max 2\n');
      machine.exit(child);
      expect(fs.read('/q/pids.current')).toBe('1\n');
      expect(machine.forkTask(task)).toBeGreaterThan(child);
    }
  });

  test('kills at memory.max, reclaims at memory.high and memory.reclaim', async () => {
    const machine = await boot();
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    const task = machine.spawn(fs.memcgOf('/a'));
    const file = machine.newObject('file');
    machine.access(task, file, { index: 0, pages: 512 });
    fs.write('/a/memory.reclaim', '1M');
    expect(Number(fs.read('/a/memory.current'))).toBeLessThanOrEqual(MB);
    fs.write('/a/memory.high', '512K');
    expect(Number(fs.read('/a/memory.current'))).toBeLessThanOrEqual(MB / 2);
    expect(errno(() => fs.write('/a/memory.reclaim', '1G'))).toBe('EAGAIN');
    machine.touchAnon(task, { vpn: 0, pages: 64 });
    fs.write('/a/memory.max', '0');
    expect(fs.read('/a/memory.events')).toContain('oom_kill 1\n');
    expect(fs.read('/a/cgroup.procs')).toBe('');
    expect(machine.audit()).toBeNull();
  });

  test('counts removed cgroups that something refers to', async () => {
    const machine = await boot({ kernel: '6.18' });
    const fs = machine.mountCgroupfs({ config: GUEST });
    for (const path of ['/s', '/s/x']) fs.mkdir(path);
    fs.write('/s/cgroup.subtree_control', '+memory');
    const file = machine.newObject('file');
    const task = machine.spawn(fs.memcgOf('/s/x'));
    machine.access(task, file, { index: 0, pages: 4 });
    machine.exit(task);
    fs.rmdir('/s/x');
    const stat = (removed: number) =>
      [
        ...['nr_descendants 0', 'nr_subsys_cpu 0', 'nr_subsys_io 0', 'nr_subsys_memory 1', 'nr_subsys_pids 0'],
        ...[`nr_dying_descendants ${removed}`, 'nr_dying_subsys_cpu 0', 'nr_dying_subsys_io 0'],
        ...[`nr_dying_subsys_memory ${removed}`, 'nr_dying_subsys_pids 0', ''],
      ].join('\n');
    expect(fs.read('/s/cgroup.stat')).toBe(stat(1));
    machine.freeObject(0, file);
    expect(fs.read('/s/cgroup.stat')).toBe(stat(0));
  });

  test('goes on in a fork and from a snapshot where it stood', async () => {
    const machine = await boot();
    const fs = machine.mountCgroupfs({ config: GUEST, subtreeControl: ['memory', 'pids'] });
    for (const path of ['/a', '/a/x', '/a/t', '/gone']) fs.mkdir(path);
    fs.chown('/a/cgroup.procs', 7, 8);
    fs.write('/a/pids.max', '9');
    fs.write('/a/t/cgroup.type', 'threaded');
    const task = machine.spawn();
    const child = machine.forkTask(task);
    for (const pid of [child, task]) fs.write('/a/cgroup.procs', `${pid}`);
    fs.write('/a/cgroup.max.depth', '3');
    fs.rmdir('/gone');
    const text = (of: Machine) => {
      const lines: string[] = [];
      of.cgroupfs.dump((path, content) => lines.push(`${path}: ${content}`));
      return lines;
    };
    const before = text(machine);
    const copies = [await machine.fork(), await Machine.restore(machine.snapshot())];
    for (const copy of copies) {
      expect(text(copy)).toEqual(before);
      expect(copy.cgroupfs.stat('/a/cgroup.procs')).toEqual(fs.stat('/a/cgroup.procs'));
      copy.cgroupfs.mkdir('/a/more');
      copy.cgroupfs.write('/cgroup.procs', `${task}`);
      expect(copy.cgroupfs.read('/a/cgroup.procs')).toBe(`${child}\n`);
      expect(copy.audit()).toBeNull();
    }
    fs.mkdir('/a/more');
    expect(copies.map((copy) => copy.cgroupfs.stat('/a/more').inode)).toEqual(Array(2).fill(fs.stat('/a/more').inode));
    expect(fs.read('/a/cgroup.procs')).toBe(`${child}\n${task}\n`);
  });
});

describe('a host of processes', () => {
  test('is told who stands still, and says what the machine does not know', async () => {
    const machine = await boot();
    const host = new Host(machine);
    const processes: Processes = {
      threads: () => host.threads(),
      kill: (pid) => host.kill(pid),
      freeze: (tid, frozen) => host.freeze(tid, frozen),
      ioStat: (path) => `98:0 rbytes=${path.length}\n`,
      cpuTime: () => ({ user: 5, system: 7 }),
    };
    const fs = machine.mountCgroupfs({ processes, config: GUEST, subtreeControl: ['memory', 'io'] });
    for (const path of ['/a', '/a/b', '/c']) fs.mkdir(path);
    const [one, two] = [host.fork(fs, host.shell), host.fork(fs, host.shell)];
    fs.write('/a/b/cgroup.procs', `${one}`);
    fs.write('/a/cgroup.freeze', '1');
    fs.write('/a/cgroup.procs', `${two}`);
    expect([...host.stopped]).toEqual([one, two]);
    fs.write('/a/b/cgroup.freeze', '1');
    fs.write('/a/cgroup.freeze', '0');
    expect([...host.stopped]).toEqual([one]);
    fs.write('/c/cgroup.procs', `${one}`);
    expect([...host.stopped]).toEqual([]);
    expect(fs.read('/a/io.stat')).toBe('98:0 rbytes=2\n');
    expect(fs.read('/a/cpu.stat')).toBe('usage_usec 12\nuser_usec 5\nsystem_usec 7\n');
    // A child that did not come to be, and one that its host never listed: it has come and gone.
    fs.fork(one, 4000);
    fs.forkFailed(4000);
    fs.fork(one, 4001);
    expect(fs.read('/c/cgroup.procs')).toBe(`${one}\n`);
    // A thread of the kernel stays where it is, and lives.
    expect(errno(() => fs.write('/c/cgroup.procs', '2'))).toBe('EINVAL');
    fs.write('/c/cgroup.kill', '1');
    expect(fs.read('/c/cgroup.procs')).toBe('');
    expect(fs.cgroupOf(one)).toBe('/c');
    // … or moves, but neither stands still nor can be killed.
    fs.write('/c/cgroup.procs', '3');
    fs.write('/c/cgroup.freeze', '1');
    expect(fs.read('/c/cgroup.events')).toBe('populated 1\nfrozen 0\n');
    fs.write('/c/cgroup.kill', '1');
    expect(errno(() => fs.rmdir('/c'))).toBe('EBUSY');
    fs.write('/cgroup.procs', '3');
    fs.rmdir('/c');
    expect(fs.cgroupOf(one)).toBe('/c (deleted)');
    expect(fs.read('/cgroup.stat')).toBe('nr_descendants 2\nnr_dying_descendants 1\n');
    host.reap(one);
    expect(fs.read('/cgroup.stat')).toBe('nr_descendants 2\nnr_dying_descendants 0\n');
    expect(errno(() => fs.cgroupOf(one))).toBe('ESRCH');
  });
});

describe('an open file', () => {
  test('of a removed cgroup says ENODEV', async () => {
    const machine = await boot();
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    const file = fs.open('/a/memory.max', { read: true, write: true });
    expect(file.read()).toBe('max\n');
    fs.rmdir('/a');
    expect(errno(() => file.read())).toBe('ENODEV');
    expect(errno(() => file.write('1M'))).toBe('ENODEV');
    expect(errno(() => fs.read('/a/memory.max'))).toBe('ENOENT');
  });

  test('takes a page at once, and nothing behind a NUL', async () => {
    const fs = (await boot()).cgroupfs;
    fs.mkdir('/a');
    fs.write('/a/memory.max', `5M${' '.repeat(4094)}`);
    expect(errno(() => fs.write('/a/memory.max', ' '.repeat(4097)))).toBe('E2BIG');
    fs.write('/a/memory.max', '6M\0xx');
    expect(fs.read('/a/memory.max')).toBe(`${6 * MB}\n`);
  });

  test('of memory.peak has a reset of its own in 6.18', async () => {
    const machine = await boot({ kernel: '6.18' });
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    const task = machine.spawn(fs.memcgOf('/a'));
    machine.touchAnon(task, { vpn: 0, pages: 128 });
    machine.freeAnon(task, { vpn: 0, pages: 128 });
    const high = fs.read('/a/memory.peak');
    const file = fs.open('/a/memory.peak', { read: true, write: true });
    file.write('x');
    expect(Number(file.read())).toBeLessThan(Number(high));
    expect(fs.read('/a/memory.peak')).toBe(high);
    file.close();
    expect(fs.stat('/a/memory.peak').mode).toBe(0o644);
  });

  test('moves with the credentials of who opened it', async () => {
    const machine = await boot();
    const fs = machine.cgroupfs;
    fs.mkdir('/a');
    const user = { credentials: { uid: 1000, gid: 1000 } };
    const task = machine.spawn();
    const opened = fs.open('/a/cgroup.procs', { write: true });
    expect(errno(() => fs.open('/a/cgroup.procs', { write: true }, user))).toBe('EACCES');
    opened.write('0', task);
    expect(fs.cgroupOf(task)).toBe('/a');
    expect(errno(() => fs.write('/a/cgroup.procs', '0'))).toBe('ESRCH');
  });
});

describe('a recorded machine', () => {
  test('can be read, and set, but not made to reclaim', async () => {
    const machine = await Machine.boot({ pages: 1 << 12, cpus: 1, cgroups: 8, tasks: 8 });
    machine.spawn(machine.mkdir('/a'));
    const fs = machine.cgroupfs;
    expect(fs.read('/a/memory.current')).toBe('0\n');
    expect(fs.read('/a/cgroup.procs')).toBe('1\n');
    expect(fs.read('/a/memory.pressure')).toContain('full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n');
    fs.write('/a/memory.max', '1M');
    expect(fs.read('/a/memory.max')).toBe('1048576\n');
    fs.mkdir('/b');
    fs.write('/b/cgroup.procs', '1');
    expect(fs.read('/b/cgroup.events')).toBe('populated 1\nfrozen 0\n');
    expect(errno(() => fs.write('/a/memory.reclaim', '1M'))).toBe('EOPNOTSUPP');
  });
});
