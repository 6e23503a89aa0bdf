import type { Preset } from '../policy.ts';

export const preallocate: Preset = {
  name: 'preallocate',
  summary: 'the service that owns a shared object touches all of it first, as can be done today',
  rows: ['S5'],
  scenario: 'shared',
  rewrite: 'preallocate',
  needs: ['object_new'],
};
