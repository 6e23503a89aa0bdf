/** Debate 3: the cover letter's script as a trace: 256M through tmpfs, and then through a loop device on tmpfs, in a cgroup of 64M. */
import type { Scenario } from '../scenario.ts';

const RECORD = 256;

export const loop: Scenario = {
  name: 'loop',
  summary: '256M written to tmpfs, then to a loop device whose file lies on tmpfs, in a cgroup of 64M without swap',
  debate: 'loop-device',
  options: {
    max: { default: 16384, summary: 'memory.max of the cgroup, pages' },
    pages: { default: 65536, summary: 'pages that each part writes' },
    backing: { default: 'shmem', summary: 'what the file behind the loop device is: shmem or file (a disk)' },
    first: { default: 1, summary: '1: the part without the loop device, too' },
    swap: { default: 0, summary: 'memory.swap.max of the cgroup, pages' },
  },
  build(trace, { max, pages, backing, first, swap }) {
    trace.mkdir('/test.slice', { 'memory.swap.max': Number(swap), 'memory.max': Number(max) });
    if (first) {
      trace.spawn('dd-tmpfs', '/test.slice');
      trace.object('/tmp/file', 'shmem', { pages: Number(pages), by: 'dd-tmpfs' });
      for (let at = 0; at < Number(pages); at += RECORD)
        trace.access('dd-tmpfs', '/tmp/file', { index: at, pages: RECORD, write: true });
      trace.exit('dd-tmpfs').objectFree('/tmp/file');
    }
    trace.spawn('dd', '/test.slice');
    trace.object('/tmp/backing_file', backing === 'file' ? 'file' : 'shmem', { pages: 131072, by: 'dd' });
    trace.loopConfigure('/dev/loop0', '/tmp/backing_file');
    for (let at = 0; at < Number(pages); at += RECORD) trace.loopIo('dd', '/dev/loop0', { index: at, pages: RECORD });
    trace.exit('dd');
  },
};
