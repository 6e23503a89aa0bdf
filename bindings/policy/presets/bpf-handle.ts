import type { Preset } from '../policy.ts';

export const bpfHandle: Preset = {
  name: 'bpf-handle',
  summary: 'the payer of a BPF map is chosen at its making, by a handle',
  rows: ['B4'],
  scenario: 'bpf',
  answers: { payer: 'handle' },
  needs: ['object_new'],
};
