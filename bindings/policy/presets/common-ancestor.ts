import type { Preset } from '../policy.ts';

export const commonAncestor: Preset = {
  name: 'common-ancestor',
  summary: 'a page that another cgroup touches moves to their lowest common ancestor',
  rows: ['S3', 'S3a', 'S3b', 'S3c', 'S4'],
  scenario: 'shared',
  answers: { share: 'common-ancestor' },
  needsHits: true,
};
