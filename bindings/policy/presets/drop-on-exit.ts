import type { Preset } from '../policy.ts';

export const dropOnExit: Preset = {
  name: 'drop-on-exit',
  summary: 'the page cache of a removed cgroup is dropped, as far as it can be',
  rows: ['B6'],
  scenario: 'persistent',
  answers: { offline: 'drop' },
  needs: ['rmdir'],
};
