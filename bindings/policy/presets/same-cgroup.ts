import type { Preset } from '../policy.ts';

export const sameCgroup: Preset = {
  name: 'same-cgroup',
  summary: 'every instance runs in the same cgroup; its figures are differences',
  rows: ['P3', 'P8'],
  scenario: 'persistent',
  rewrite: 'same',
  needs: ['rmdir'],
};
