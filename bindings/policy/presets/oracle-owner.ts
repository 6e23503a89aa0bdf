import type { Preset } from '../policy.ts';

export const oracleOwner: Preset = {
  name: 'oracle-owner',
  summary: 'bound: each page is split evenly among the cgroups that use it; no limit is kept',
  rows: ['S1'],
  scenario: 'shared',
  answers: { payer: 'nobody', kmem: 'nobody' },
  oracle: true,
  needsHits: true,
};
