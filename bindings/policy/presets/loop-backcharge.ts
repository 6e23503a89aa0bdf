import type { Preset } from '../policy.ts';

export const loopBackcharge: Preset = {
  name: 'loop-backcharge',
  summary: 'I/O goes through as the root at once; the issuer is charged afterwards and works off a deficit',
  rows: ['L3', 'L3a'],
  scenario: 'loop',
  answers: { worker: 'backcharge' },
  needs: ['loop_configure'],
};
