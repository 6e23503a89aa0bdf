import type { Preset } from '../policy.ts';

export const bpfRecharge: Preset = {
  name: 'bpf-recharge',
  summary: 'a pinned map that is taken up again is charged to its new user, all or nothing',
  rows: ['B2', 'B2a', 'B2b', 'B2c', 'B2d', 'B2e', 'B2f', 'B2g', 'B9'],
  scenario: 'bpf',
  answers: { reuse: 'recharge' },
  needs: ['reopen', 'recharge'],
};
