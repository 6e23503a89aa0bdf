import type { Preset } from '../policy.ts';

export const bpfForce: Preset = {
  name: 'bpf-force',
  summary: 'insertions in atomic context are forced past the limit',
  rows: ['B3', 'B3a'],
  scenario: 'bpf-ghost',
  answers: { refused: { atomic: 'force' } },
  needs: ['map_update'],
};
