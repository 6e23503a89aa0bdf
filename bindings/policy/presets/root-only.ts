import type { Preset } from '../policy.ts';

export const rootOnly: Preset = {
  name: 'root-only',
  summary: 'bound: nobody is charged for anything',
  rows: ['L1a'],
  scenario: 'shared',
  answers: { payer: 'nobody', kmem: 'nobody' },
  residency: ['recorded', 'modelled'],
};
