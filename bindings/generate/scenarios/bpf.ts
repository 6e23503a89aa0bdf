/** Debate 4: a pinned map of one generation of an agent, taken up by the next one in another cgroup. */
import type { Scenario } from '../scenario.ts';
import type { BpfKind } from '../trace-builder.ts';

export const bpf: Scenario = {
  name: 'bpf',
  summary: 'a map of 120 MiB that /A/AC/ACA/src loads and pins, and that /A/AC/ACB/dst takes up',
  debate: 'bpf-map',
  options: {
    pages: { default: 30720, summary: "pages of the map's buckets" },
    kind: { default: 'vmalloc', summary: 'what they are: vmalloc, slab or percpu' },
    elements: { default: 0, summary: 'elements that are inserted, not preallocated' },
    bytes: { default: 4096, summary: 'bytes of each' },
    program: { default: 0, summary: 'pages of a program that is pinned too; only `recharge` moves it' },
    limit: { default: 51200, summary: 'memory.max of /A/AC, pages; 0: none' },
    dst: { default: 0, summary: 'memory.max of /A/AC/ACB/dst, pages; 0: none' },
    removed: { default: 0, summary: '1: /A/AC/ACA/src is removed before' },
    told: { default: 0, summary: '1: all is recharged by explicit request after the map was taken up' },
  },
  build(trace, options) {
    const pages = (name: string) => Number(options[name]) || null;
    trace
      .mkdir('/A')
      .mkdir('/A/AC', { 'memory.max': pages('limit') })
      .mkdir('/A/AC/maps');
    trace.mkdir('/A/AC/ACA').mkdir('/A/AC/ACA/src').mkdir('/A/AC/ACB');
    trace.mkdir('/A/AC/ACB/dst', { 'memory.max': pages('dst') });
    trace.spawn('first', '/A/AC/ACA/src');
    trace.object('map', 'bpf_map', {
      pages: Number(options['pages']),
      by: 'first',
      kind: String(options['kind']) as BpfKind,
      payer: '/A/AC/maps',
    });
    for (let key = 0; key < Number(options['elements']); key++)
      trace.mapUpdate('map', key, { bytes: Number(options['bytes']), by: 'first' });
    const program = Number(options['program']);
    if (program) trace.object('program', 'bpf_prog', { by: 'first' }).progLoad('program', program, 'first');
    trace.exit('first');
    if (options['removed']) trace.rmdir('/A/AC/ACA/src');
    trace.spawn('second', '/A/AC/ACB/dst').reopen('map', 'second');
    if (program) trace.reopen('program', 'second');
    if (!options['told']) return;
    trace.recharge('map', 'second');
    if (program) trace.recharge('program', 'second');
  },
};
