import type { Preset } from '../policy.ts';

export const loopIssuer: Preset = {
  name: 'loop-issuer',
  summary: 'a worker for each cgroup that issues I/O to a loop device: the issuer pays',
  rows: ['L1a', 'L2', 'L2a', 'L2b', 'L2c', 'L2d', 'L2e', 'L5'],
  scenario: 'shared',
  answers: { swapinIssuer: true },
  needs: ['loop_configure'],
};
