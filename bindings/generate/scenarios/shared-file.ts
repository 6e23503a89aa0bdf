/** Debate 1, S2e: one file of which parts are private and parts are shared. */
import type { Scenario } from '../scenario.ts';

export const sharedFile: Scenario = {
  name: 'shared-file',
  summary: 'a 48M file: a third for a alone, a third for a and b of group /g, a third for an outsider as well',
  debate: 'shared-memory',
  options: {
    pages: { default: 4096, summary: 'pages of a third' },
    memcg: { default: '/g', summary: 'memcg= of the mount' },
  },
  build(trace, { pages, memcg }) {
    const third = Number(pages);
    trace.mkdir('/g').mkdir('/g/a').mkdir('/g/b').mkdir('/x');
    trace.mount('/shm', memcg === '' ? {} : { memcg: String(memcg) });
    trace.spawn('a', '/g/a').spawn('b', '/g/b').spawn('x', '/x');
    trace.object('/shm/file', 'shmem', { pages: 3 * third, mount: '/shm', by: 'a' });
    trace.access('a', '/shm/file', { pages: 3 * third, write: true });
    trace.access('b', '/shm/file', { index: third, pages: 2 * third });
    trace.access('x', '/shm/file', { index: 2 * third, pages: third });
  },
};
