/** Debate 4: files that one generation of a job has left in the page cache, of which the next one opens one again. */
import type { Scenario } from '../scenario.ts';

export const inodeReuse: Scenario = {
  name: 'inode-reuse',
  summary: 'a file of 40 MiB that the first generation read and the second opens again, and another that nobody opens',
  debate: 'bpf-map',
  options: {
    pages: { default: 10240, summary: 'pages of the file' },
    other: { default: 256, summary: 'pages of the file that is never opened again' },
    limit: { default: 0, summary: 'memory.max of the second generation, pages; 0: none' },
    removed: { default: 0, summary: '1: the first generation is removed before' },
  },
  build(trace, { pages, other, limit, removed }) {
    trace.mkdir('/job').mkdir('/job/first').spawn('first', '/job/first');
    trace.object('/data', 'file', { pages: Number(pages) }).object('/log', 'file', { pages: Number(other) });
    trace.access('first', '/data', { pages: Number(pages) }).access('first', '/log', { pages: Number(other) });
    trace.exit('first');
    if (removed) trace.rmdir('/job/first');
    trace.mkdir('/job/second', { 'memory.max': Number(limit) || null }).spawn('second', '/job/second');
    trace.reopen('/data', 'second').access('second', '/data', { pages: Number(pages) });
  },
};
