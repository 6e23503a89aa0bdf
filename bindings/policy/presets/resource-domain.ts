import type { Preset } from '../policy.ts';

export const resourceDomain: Preset = {
  name: 'resource-domain',
  summary: 'the nearest resource domain above the toucher that a resource is marked for pays for it',
  rows: ['P7', 'P7a', 'P7b', 'P8'],
  scenario: 'persistent',
  answers: { payer: 'domain' },
  needs: ['domain'],
};
