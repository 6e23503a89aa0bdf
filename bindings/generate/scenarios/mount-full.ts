/** Debate 1, S2b: who was chosen to pay has no room left. */
import type { Scenario } from '../scenario.ts';

export const mountFull: Scenario = {
  name: 'mount-full',
  summary: 'an outsider writes 256M to a tmpfs whose payer /target may have 64M',
  debate: 'shared-memory',
  options: {
    pages: { default: 65536, summary: 'pages that are written, in system calls of 256, or one fault each' },
    max: { default: 16384, summary: 'memory.max of /target, pages' },
    how: { default: 'write', summary: 'write, or mmap' },
    resident: { default: 0, summary: 'pages of private memory of a process that lives in /target; 0: nobody does' },
    free: { default: 0, summary: 'pages that are truncated, and written once more, when all is over' },
  },
  build(trace, { pages, max, how, resident, free }) {
    trace.mkdir('/target', { 'memory.max': Number(max) }).mkdir('/writer');
    trace.mount('/shm', { memcg: '/target' });
    trace.spawn('writer', '/writer');
    if (Number(resident) > 0) {
      trace.spawn('inside', '/target');
      trace.touch('inside', { pages: Number(resident) });
    }
    trace.object('/shm/data', 'shmem', { mount: '/shm', by: 'writer' });
    const fault = how === 'mmap';
    const step = fault ? 1 : 256;
    for (let index = 0; index < Number(pages); index += step)
      trace.access('writer', '/shm/data', { index, pages: Math.min(step, Number(pages) - index), write: true, fault });
    if (Number(free) === 0) return;
    trace.row('truncate', {
      object: trace.objectId('/shm/data'),
      index: Number(max) - Number(free),
      task: trace.task('writer'),
    });
    trace.access('writer', '/shm/data', { index: Number(max) - Number(free), pages: Number(free), write: true, fault });
  },
};
