import type { Preset } from '../policy.ts';

export const namedPayer: Preset = {
  name: 'named-payer',
  summary: 'userspace names the payer of a resource, where the cgroups on the way allow it',
  rows: ['P6', 'P8'],
  scenario: 'persistent',
  answers: { payer: 'named' },
  needs: ['object_new'],
};
