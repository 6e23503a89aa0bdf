/** Debate 1, S3b: the first toucher is charged for all of it before anybody shares. */
import type { Scenario } from '../scenario.ts';

export const overProvision: Scenario = {
  name: 'over-provision',
  summary: 'a, limited to 64M, writes 80M of tmpfs that it would share with b',
  debate: 'shared-memory',
  options: {
    pages: { default: 20480, summary: 'pages of the shared file' },
    max: { default: 16384, summary: 'memory.max of /pod/a, pages' },
    memcg: { default: '/pod', summary: 'memcg= of the mount' },
  },
  build(trace, { pages, max, memcg }) {
    trace
      .mkdir('/pod')
      .mkdir('/pod/a', { 'memory.max': Number(max) })
      .mkdir('/pod/b');
    trace.mount('/shm', memcg === '' ? {} : { memcg: String(memcg) });
    trace.spawn('a', '/pod/a').spawn('b', '/pod/b');
    trace.object('/shm/data', 'shmem', { pages: Number(pages), mount: '/shm', by: 'a' });
    for (let index = 0; index < Number(pages); index += 256)
      trace.access('a', '/shm/data', { index, pages: Math.min(256, Number(pages) - index), write: true });
    trace.access('b', '/shm/data', { pages: Number(pages) });
  },
};
