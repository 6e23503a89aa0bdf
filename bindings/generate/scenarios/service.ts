/** Debate 1, S4 (i): a service allocates for the jobs that are its clients. */
import type { Scenario } from '../scenario.ts';

export const service: Scenario = {
  name: 'service',
  summary: 'a service, limited to 64M, fills a tmpfs of 32M for each of three client jobs',
  debate: 'shared-memory',
  options: {
    clients: { default: 3, summary: 'client jobs' },
    pages: { default: 8192, summary: 'pages for each of them' },
    max: { default: 16384, summary: 'memory.max of the service and of each client, pages' },
    eager: { default: 1, summary: '1: each client reads its pages as soon as they are there; 0: when all are' },
  },
  build(trace, { clients, pages, max, eager }) {
    const limit = { 'memory.max': Number(max) };
    trace.mkdir('/service', limit).mkdir('/jobs');
    trace.spawn('service', '/service');
    const names = Array.from({ length: Number(clients) }, (_, i) => `client${i + 1}`);
    for (const name of names) {
      trace.mkdir(`/jobs/${name}`, limit).spawn(name, `/jobs/${name}`);
      trace.mount(`/shm/${name}`, { by: 'service', memcg: `/jobs/${name}` });
    }
    const read = (name: string) => trace.access(name, `/shm/${name}/data`, { pages: Number(pages) });
    for (const name of names) {
      const data = `/shm/${name}/data`;
      trace.object(data, 'shmem', { pages: Number(pages), mount: `/shm/${name}`, by: 'service' });
      for (let index = 0; index < Number(pages); index += 256)
        trace.access('service', data, { index, pages: Math.min(256, Number(pages) - index), write: true });
      if (Number(eager)) read(name);
    }
    if (!Number(eager)) for (const name of names) read(name);
  },
};
