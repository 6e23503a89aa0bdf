import type { Preset } from '../policy.ts';

export const creatorAncestor: Preset = {
  name: 'creator-ancestor',
  summary: 'the cgroup that created a resource pays for it as long as it is an ancestor of the toucher',
  rows: ['P5', 'P8'],
  scenario: 'persistent',
  answers: { payer: 'creator' },
  needs: ['object_new'],
};
