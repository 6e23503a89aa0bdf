/** Debate 1: 32M of tmpfs that two containers of a pod share, and an outsider. */
import type { Scenario } from '../scenario.ts';

export const shared: Scenario = {
  name: 'shared',
  summary: 'a pod whose containers a and b share 32M of tmpfs, which x reads last',
  debate: 'shared-memory',
  options: {
    pages: { default: 8192, summary: 'pages of the shared file' },
    order: { default: 'a,b,x', summary: 'who comes when' },
    memcg: { default: '', summary: 'memcg= of the mount' },
    service: { default: '', summary: 'cgroup of a service that mounts; none unless told' },
  },
  build(trace, { pages, order, memcg, service }) {
    trace.mkdir('/pod').mkdir('/pod/a').mkdir('/pod/b').mkdir('/x');
    const payer = memcg === '' ? {} : { memcg: String(memcg) };
    if (service === '') trace.mount('/shm', payer);
    else
      trace
        .mkdir(String(service))
        .spawn('service', String(service))
        .mount('/shm', { ...payer, by: 'service' });
    const places: Record<string, string> = { a: '/pod/a', b: '/pod/b', x: '/x' };
    const names = String(order).split(',');
    for (const name of Object.keys(places)) trace.spawn(name, places[name]!);
    trace.object('/shm/data', 'shmem', { pages: Number(pages), mount: '/shm', by: names[0]! });
    names.forEach((name, i) => {
      trace.access(name, '/shm/data', { pages: Number(pages), write: i === 0 });
    });
  },
};
