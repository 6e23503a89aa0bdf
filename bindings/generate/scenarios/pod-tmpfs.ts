/** Debate 1, S4 (ii): a tmpfs of a pod outlives its containers, which restart. */
import type { Scenario } from '../scenario.ts';

export const podTmpfs: Scenario = {
  name: 'pod-tmpfs',
  summary: 'a pod keeps 32M in a tmpfs; its container is made anew for each generation, and uses it',
  debate: 'shared-memory',
  options: {
    generations: { default: 3, summary: 'lives of the container' },
    pages: { default: 8192, summary: 'pages of the tmpfs' },
    anon: { default: 1024, summary: 'pages of private memory of each life' },
  },
  build(trace, { generations, pages, anon }) {
    trace.mkdir('/pod').mkdir('/pod/sidecar');
    trace.spawn('sidecar', '/pod/sidecar');
    trace.mount('/pod-shm', { by: 'sidecar', memcg: '/pod' });
    for (let life = 1; life <= Number(generations); life++) {
      const task = `life${life}`;
      trace.mkdir('/pod/app').spawn(task, '/pod/app');
      if (life === 1) trace.object('/pod-shm/data', 'shmem', { pages: Number(pages), mount: '/pod-shm', by: task });
      trace.access(task, '/pod-shm/data', { pages: Number(pages), write: life === 1 });
      if (Number(anon)) trace.touch(task, { pages: Number(anon) });
      trace.wait(1_000_000_000);
      if (life < Number(generations)) trace.exit(task).rmdir('/pod/app');
    }
  },
};
