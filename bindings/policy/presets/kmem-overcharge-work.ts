import type { Preset } from '../policy.ts';

export const kmemOverchargeWork: Preset = {
  name: 'kmem-overcharge-work',
  summary: 'the charge passes over the limit, and a work item answers for it',
  rows: ['K4'],
  scenario: 'kmem',
  answers: { refused: { call: 'overcharge-work', kmem: 'overcharge-work', worker: 'overcharge-work' } },
};
