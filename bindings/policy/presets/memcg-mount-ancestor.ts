import type { Preset } from '../policy.ts';

export const memcgMountAncestor: Preset = {
  name: 'memcg-mount-ancestor',
  summary: 'memcg= names the common ancestor of those who share the mount',
  rows: ['S2c', 'S2e'],
  scenario: 'shared',
  answers: { payer: 'mount', refused: { target: 'error' } },
  rewrite: 'mount-ancestor',
  needs: ['mount'],
};
