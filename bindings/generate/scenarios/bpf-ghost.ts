/** Debate 4: a cgroup in which nobody lives, but whose pinned map grows from interrupts. */
import type { Scenario } from '../scenario.ts';
import { insertGfp } from '../trace-builder.ts';

export const bpfGhost: Scenario = {
  name: 'bpf-ghost',
  summary:
    '20,000 elements of one page are inserted by interrupts into a map whose cgroup is empty and may have 64 MiB',
  debate: 'bpf-map',
  options: {
    limit: { default: 16384, summary: 'memory.max of /ghost, pages' },
    inserts: { default: 20000, summary: 'elements' },
    bytes: { default: 4096, summary: 'bytes of each' },
    cache: { default: 0, summary: 'pages of page cache that its last task has left there' },
    map: { default: 'hash', summary: 'hash, lpm_trie, devmap or sockhash: what it asks for memory with' },
    kernel: { default: '5.19', summary: '… in this kernel: 5.19, 6.1 or 6.18' },
  },
  build(trace, { limit, inserts, bytes, cache, map, kernel }) {
    trace.mkdir('/ghost', { 'memory.max': Number(limit) }).spawn('loader', '/ghost');
    trace.object('map', 'bpf_map', { by: 'loader' });
    if (Number(cache)) trace.object('/data', 'file').access('loader', '/data', { pages: Number(cache) });
    trace.exit('loader');
    const gfp = insertGfp(map as Parameters<typeof insertGfp>[0], String(kernel) as Parameters<typeof insertGfp>[1]);
    for (let key = 0; key < Number(inserts); key++) trace.mapUpdate('map', key, { bytes: Number(bytes), gfp });
  },
};
