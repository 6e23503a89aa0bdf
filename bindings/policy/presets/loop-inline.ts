import type { Preset } from '../policy.ts';

export const loopInline: Preset = {
  name: 'loop-inline',
  summary: "I/O to a loop device is redirected in the issuer's own context",
  rows: ['L6'],
  scenario: 'loop',
  answers: { worker: 'inline' },
  needs: ['loop_configure'],
};
