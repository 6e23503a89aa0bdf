import type { Preset } from '../policy.ts';

export const bpfRechargeNaive: Preset = {
  name: 'bpf-recharge-naive',
  summary: '… without a thought of what is inserted meanwhile',
  rows: ['B2h'],
  scenario: 'bpf',
  answers: { reuse: 'recharge', naive: true },
  needs: ['reopen', 'recharge'],
};
