/** Debate 1, S4 (iii): unrelated jobs share libraries, for which the first of them pays. */
import type { Scenario } from '../scenario.ts';

export const sharedLibraries: Scenario = {
  name: 'shared-libraries',
  summary: 'jobs limited to 64M share 48M of libraries, and use 24M each besides',
  debate: 'shared-memory',
  options: {
    jobs: { default: 4, summary: 'unrelated jobs' },
    pages: { default: 12288, summary: 'pages of the libraries' },
    anon: { default: 6144, summary: 'pages of private memory of each job' },
    max: { default: 16384, summary: 'memory.max of each job, pages' },
    kind: {
      default: 'tmpfs',
      summary: 'tmpfs: the first job unpacks them there; mlocked: each job locks them; cache: they are read',
    },
    together: {
      default: 1,
      summary: '1: all have mapped the libraries before they allocate; 0: one job after the other',
    },
  },
  build(trace, { jobs, pages, anon, max, kind, together }) {
    const names = Array.from({ length: Number(jobs) }, (_, i) => `job${i + 1}`);
    trace.mkdir('/lib');
    for (const name of names) trace.mkdir(`/${name}`, { 'memory.max': Number(max) }).spawn(name, `/${name}`);
    trace.mount('/usr', { memcg: '/lib' });
    trace.object('/usr/lib', kind === 'tmpfs' ? 'shmem' : 'file', { pages: Number(pages), mount: '/usr' });
    const map = (name: string) => {
      const range = { task: trace.task(name), object: trace.objectId('/usr/lib'), index: 0, count: Number(pages) };
      if (kind === 'mlocked') trace.row('mlock', range);
      else
        for (let index = 0; index < Number(pages); index += 256) {
          const part = Math.min(256, Number(pages) - index);
          trace.access(name, '/usr/lib', {
            index,
            pages: part,
            fault: true,
            write: kind === 'tmpfs' && name === 'job1',
          });
        }
    };
    const use = (name: string) => trace.touch(name, { pages: Number(anon) });
    if (Number(together)) {
      names.forEach(map);
      names.forEach(use);
    } else
      for (const name of names) {
        map(name);
        use(name);
      }
  },
};
