/** Debate 3, priority inversion: ten requests of a cgroup that memory.high holds up for a second each, and one of another cgroup. */
import type { Scenario } from '../scenario.ts';

/** Two batches: after the second one the worker looks at memory.high. */
const REQUEST = 128;
const OWN = 17728;
/** So far above it that 128 pages cost 1 s (HZ 250): (OWN + 128 - HIGH) / HIGH is 0.088. */
const HIGH = 16405;

export const loopQueue: Scenario = {
  name: 'loop-queue',
  summary: 'ten requests to a loop device that memory.high holds up for 1 s each, then one of another cgroup',
  debate: 'loop-device',
  options: {
    requests: { default: 10, summary: 'requests of the cgroup that is held up' },
  },
  build(trace, { requests }) {
    trace.mkdir('/a').mkdir('/b').spawn('a', '/a').spawn('b', '/b');
    trace.object('/tmp/backing_file', 'shmem', { pages: 131072 });
    trace.loopConfigure('/dev/loop0', '/tmp/backing_file');
    trace.touch('a', { pages: OWN });
    trace.writeKnob('/a', 'memory.high', HIGH);
    for (let i = 0; i < Number(requests); i++) {
      trace.loopIo('a', '/dev/loop0', { index: i * REQUEST, pages: REQUEST });
      // What it has stays as much as it was.
      trace.row('anon_free', { task: trace.task('a'), index: 16 + i * REQUEST, count: REQUEST });
    }
    trace.loopIo('b', '/dev/loop0', { index: 65536 });
  },
};
