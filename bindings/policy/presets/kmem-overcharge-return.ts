import type { Preset } from '../policy.ts';

export const kmemOverchargeReturn: Preset = {
  name: 'kmem-overcharge-return',
  summary: 'the charge passes over the limit, and the task answers for it at its return to user mode',
  rows: ['K3', 'K3a', 'K3b', 'K3c', 'K3d', 'K3e', 'K3f'],
  scenario: 'kmem',
  answers: { refused: { call: 'overcharge-return', kmem: 'overcharge-return', worker: 'overcharge-return' } },
};
