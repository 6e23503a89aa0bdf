import type { Preset } from '../policy.ts';

export const loopRoot: Preset = {
  name: 'loop-root',
  summary: 'one worker for each loop device: its backing pages are charged to the root',
  rows: ['L1', 'L1a', 'L2c'],
  scenario: 'loop',
  answers: { worker: 'root' },
  needs: ['loop_configure'],
};
