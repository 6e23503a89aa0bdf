import type { Preset } from '../policy.ts';

export const persistentEntity: Preset = {
  name: 'persistent-entity',
  summary: 'instances live under a cgroup that outlives them, and it pays',
  rows: ['P2', 'P2a', 'P8'],
  scenario: 'persistent',
  rewrite: 'layered',
  needs: ['rmdir'],
};
