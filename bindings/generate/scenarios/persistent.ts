/** Debate 2: a service restarts, and its second instance uses what the first one brought in. */
import type { Scenario } from '../scenario.ts';

const SERVICE = '/system/hello';

export const persistent: Scenario = {
  name: 'persistent',
  summary: 'a service that reads a 40M file, is stopped, and reads it again as its second instance',
  debate: 'persistent-usage',
  options: {
    pages: { default: 10240, summary: 'pages of the file' },
    kind: { default: 'file', summary: 'file: page cache of a file; shmem: a tmpfs' },
    anon: { default: 0, summary: 'pages of private memory that each instance has while it runs' },
    map_bytes: { default: 0, summary: 'kernel memory that the first instance leaves behind, as a pinned BPF map does' },
    domain: { default: 'service', summary: 'service: /system is a resource domain; none: nobody declares one' },
    mark: { default: 'persistent', summary: 'persistent, shared or none: what the file is marked' },
    cold: {
      default: 0,
      summary: 'pages of the file that only the second instance reads again, once pressure has taken them from /system',
    },
    instances: { default: 2, summary: 'how often the service is started' },
    end: { default: 'running', summary: 'running: the last instance still runs; removed: it has been stopped, too' },
  },
  build(trace, options) {
    const pages = Number(options.pages);
    const anon = Number(options.anon);
    const cold = Number(options.cold);
    const instances = Number(options.instances);
    trace.mkdir('/system');
    if (options.domain === 'service') trace.domain('/system');
    trace.grant('/system');
    // The persistent parent makes the file while no instance runs, and names itself as its payer.
    trace.spawn('manager', '/system');
    trace.object('/data', options.kind === 'shmem' ? 'shmem' : 'file', { pages, by: 'manager', payer: '/system' });
    if (options.mark !== 'none') trace.markObject('/data', options.mark === 'shared' ? 'shared' : 'persistent');
    trace.exit('manager');
    for (let n = 1; n <= instances; n++) {
      const task = `hello-${n}`;
      trace.mkdir(SERVICE).spawn(task, SERVICE);
      // Cold pages come first, so that they are the oldest.
      if (cold) trace.access(task, '/data', { pages: cold, write: options.kind === 'shmem' && n === 1 });
      // The hot ones are used again and again.
      const reads = cold ? 3 : 1;
      for (let i = 0; i < reads; i++)
        trace.access(task, '/data', {
          index: cold,
          pages: pages - cold,
          write: options.kind === 'shmem' && n === 1 && i === 0,
        });
      if (anon) trace.touch(task, { pages: anon });
      const map = Number(options.map_bytes);
      if (map && n === 1) trace.kernelMemory(task, map);
      const last = n === instances;
      if (!last || options.end === 'removed') trace.exit(task).rmdir(SERVICE);
      if (!last && cold) trace.reclaim('/system', cold);
    }
  },
};
