import type { Preset } from '../policy.ts';

export const privateCopies: Preset = {
  name: 'private-copies',
  summary: 'nothing is shared: each cgroup has a copy of its own',
  rows: ['S3d'],
  scenario: 'shared',
  rewrite: 'private-copies',
};
