import type { Preset } from '../policy.ts';

export const bpfCopy: Preset = {
  name: 'bpf-copy',
  summary: 'a new map in the new cgroup, copied, swapped in, and the old one freed',
  rows: ['B5'],
  scenario: 'bpf',
  rewrite: 'copy',
  needs: ['reopen'],
};
