import type { Preset } from '../policy.ts';

export const bpfNoforce: Preset = {
  name: 'bpf-noforce',
  summary: 'insertions in atomic context fail at the limit',
  rows: ['B3', 'B3a'],
  scenario: 'bpf-ghost',
  answers: { refused: { atomic: 'enomem' } },
  needs: ['map_update'],
};
