import type { Preset } from '../policy.ts';

export const memcgMount: Preset = {
  name: 'memcg-mount',
  summary:
    'memcg= of a mount pays for all its pages; short of memory, its subtree is killed in, and else the access fails',
  rows: ['S2', 'S2a', 'S2b', 'S2d', 'S2e', 'S2f', 'S2g', 'S4'],
  scenario: 'shared',
  answers: { payer: 'mount', refused: { target: 'error' } },
  needs: ['mount'],
};
