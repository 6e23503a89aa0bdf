import type { Preset } from '../policy.ts';

export const loopAssigned: Preset = {
  name: 'loop-assigned',
  summary: 'a loop device is assigned to a cgroup, which pays whoever issues',
  rows: ['L7'],
  scenario: 'loop',
  answers: { worker: 'assigned' },
  needs: ['loop_configure'],
};
