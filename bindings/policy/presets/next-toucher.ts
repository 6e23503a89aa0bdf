import type { Preset } from '../policy.ts';

export const nextToucher: Preset = {
  name: 'next-toucher',
  summary: 'pages of a removed cgroup lose their payer, and the next toucher is charged',
  rows: ['P4', 'P8'],
  scenario: 'persistent',
  answers: { offline: 'release' },
  needs: ['rmdir'],
  needsHits: true,
};
