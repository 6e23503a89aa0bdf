/** Debate 3, a file system on a loop device on tmpfs: one task's data brings the cgroup to its limit, and then metadata is written. */
import type { Scenario } from '../scenario.ts';

const RECORD = 256;

export const loopLimit: Scenario = {
  name: 'loop-limit',
  summary:
    'a file system on a loop device on a tmpfs of 512M: data up to the limit of the cgroup, then metadata crosses it',
  debate: 'loop-device',
  options: {
    max: { default: 16384, summary: 'memory.max of the cgroup, pages' },
    data: { default: 15104, summary: 'pages of data that the dirtier writes' },
    metadata: { default: 512, summary: 'pages of metadata' },
    app: { default: 1024, summary: 'pages of its own of another task in the cgroup' },
    size: { default: 131072, summary: 'size of the tmpfs, pages' },
  },
  build(trace, { max, data, metadata, app, size }) {
    trace.mkdir('/fs', { 'memory.swap.max': 0, 'memory.max': Number(max) });
    trace
      .spawn('dirtier', '/fs')
      .spawn('app', '/fs')
      .touch('app', { pages: Number(app) });
    trace.mount('/tmp', { pages: Number(size) });
    trace.object('/tmp/backing_file', 'shmem', { pages: Number(size), mount: '/tmp' });
    trace.loopConfigure('/dev/loop0', '/tmp/backing_file');
    for (let at = 0; at < Number(data); at += RECORD)
      trace.loopIo('dirtier', '/dev/loop0', { index: at, pages: Math.min(RECORD, Number(data) - at) });
    trace.access('dirtier', '/dev/loop0', { index: Number(size) / 2, pages: Number(metadata), write: true });
    trace.row('sync', { task: trace.task('dirtier'), object: trace.objectId('/dev/loop0') });
  },
};
