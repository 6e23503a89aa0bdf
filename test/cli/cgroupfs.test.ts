/** `memcharge replay --cgroupfs DIR`: the control files at the end of a trace, as files. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as O from '../../assembly/replay/ops.ts';
import { TraceWriter } from '../../bindings/trace/arrow-writer.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

function write(): string {
  const path = join(scratch(), 't.arrow');
  const writer = new TraceWriter(path, { source: 'test', clock: 'test' });
  let ts = 0;
  const row = (op: number, { task = 0, cgroup = 0, object = 0, index = 0, count = 0, flags = 0, name = '' }) => {
    ts += 1000;
    writer.append(ts, 0, op, task, cgroup, object, index, count, flags, 0, name === '' ? null : name);
  };
  row(O.OP_MKDIR, { cgroup: 2, object: 1, index: 77, name: '/a' });
  row(O.OP_MKDIR, { cgroup: 3, object: 2, name: '/a/b' });
  row(O.OP_MKDIR, { cgroup: 4, object: 2, name: '/a/..' });
  row(O.OP_WRITE_KNOB, { cgroup: 3, count: O.KNOB_MAX, index: 256 });
  row(O.OP_SPAWN, { task: 1, cgroup: 3 });
  row(O.OP_ANON_TOUCH, { task: 1, index: 5, count: 3, flags: O.FLAG_WRITE });
  writer.close({ pages: 1, cgroups: 8, tasks: 8, objects: 1, swap: 1, cpus: 1 });
  return path;
}

describe('replay --cgroupfs', () => {
  it('writes the tree, and again over an older one', async () => {
    const trace = write();
    const target = join(scratch(), 'cgroup');
    for (let run = 0; run < 2; run++) {
      const done = await memcharge(['replay', trace, '--kernel', '6.1', '--cgroupfs', target]);
      expect(done).toMatchObject({ code: 0, stderr: '' });
      const read = (file: string) => readFileSync(join(target, file), 'utf8');
      expect(readdirSync(join(target, '..'))).toEqual(['cgroup']);
      expect(readdirSync(join(target, 'a')).filter((name) => !/\./.test(name))).toEqual(['b']);
      expect(readdirSync(join(target, 'a'))).toContain('..#4');
      expect(read('a/b/memory.max')).toBe('1048576\n');
      expect(read('a/b/memory.stat')).toMatch(/^anon 12288\nfile 0\nkernel 0\n/);
      expect(read('a/b/cgroup.procs')).toBe('1\n');
      expect(read('cgroup.subtree_control')).toBe('memory\n');
      expect(readdirSync(target)).not.toContain('memory.reclaim');
    }
  });

  it('leaves alone what is not its own', async () => {
    const trace = write();
    const target = scratch();
    mkdirSync(join(target, 'precious'));
    const refused = await memcharge(['replay', trace, '--cgroupfs', target]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      `memcharge: ${target}: there is something else in it; give a directory that is new or empty\n`,
    );
    expect(readdirSync(target)).toEqual(['precious']);
    const file = join(scratch(), 'file');
    writeFileSync(file, 'x');
    expect((await memcharge(['replay', trace, '--cgroupfs', file])).stderr).toMatch(/a part of the path/);
    const missing = await memcharge(['replay', trace, '--cgroupfs', join(target, 'no/such')]);
    expect(missing).toMatchObject({ code: 2, stderr: `memcharge: ${target}/no/such: no such file or directory\n` });
  });
});
