import type { Preset } from '../policy.ts';

export const inodeRecharge: Preset = {
  name: 'inode-recharge',
  summary: 'a file that the next generation opens again is charged to it, all its cache or nothing',
  rows: ['B7'],
  scenario: 'inode-reuse',
  answers: { reuse: 'recharge' },
  needs: ['reopen'],
};
