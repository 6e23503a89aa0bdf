import type { Preset } from '../policy.ts';

export const bpfRecreate: Preset = {
  name: 'bpf-recreate',
  summary: 'a map is freed and made anew by its next user: its contents are lost',
  rows: ['B8'],
  scenario: 'bpf',
  rewrite: 'recreate',
  needs: ['reopen'],
};
