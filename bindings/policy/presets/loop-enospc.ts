import type { Preset } from '../policy.ts';

export const loopEnospc: Preset = {
  name: 'loop-enospc',
  summary: 'shortage behind a loop device is an I/O error; nobody is killed for it',
  rows: ['L4', 'L4a', 'L4b', 'L4c'],
  scenario: 'shared',
  answers: { refused: { worker: 'enomem' } },
  needs: ['loop_configure'],
};
