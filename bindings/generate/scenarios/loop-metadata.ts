/** Debate 3, a file system on the loop device: data goes to the device directly, metadata through its page cache. */
import type { Scenario } from '../scenario.ts';

export const loopMetadata: Scenario = {
  name: 'loop-metadata',
  summary:
    'a file system on a loop device on a disk: rounds of data and metadata in a cgroup that is full of page cache',
  debate: 'loop-device',
  options: {
    rounds: { default: 10, summary: 'how often data and metadata are written' },
    max: { default: 4096, summary: 'memory.max of the cgroup, pages' },
    data: { default: 64, summary: 'pages of data a round' },
    metadata: { default: 128, summary: 'pages of metadata a round' },
  },
  build(trace, { rounds, max, data, metadata }) {
    trace.mkdir('/fs', { 'memory.max': Number(max) }).spawn('fs', '/fs');
    trace.object('/cache', 'file', { pages: Number(max) });
    trace.object('/backing_file', 'file', { pages: 131072 });
    trace.loopConfigure('/dev/loop0', '/backing_file');
    trace.access('fs', '/cache', { pages: Number(max) });
    for (let i = 0; i < Number(rounds); i++) {
      trace.loopIo('fs', '/dev/loop0', { index: i * Number(data), pages: Number(data) });
      trace.access('fs', '/dev/loop0', { index: 65536 + i * Number(metadata), pages: Number(metadata), write: true });
      trace.row('sync', { task: trace.task('fs'), object: trace.objectId('/dev/loop0') });
      trace.row('sync', { object: trace.objectId('/backing_file') });
      trace.wait(1_000_000_000);
    }
  },
};
