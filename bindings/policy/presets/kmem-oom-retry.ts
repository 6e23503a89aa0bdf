import type { Preset } from '../policy.ts';

export const kmemOomRetry: Preset = {
  name: 'kmem-oom-retry',
  summary: 'the OOM killer runs in place, inside the charge, which is tried again',
  rows: ['K2'],
  scenario: 'kmem',
  answers: { refused: { call: 'oom-in-place', kmem: 'oom-in-place' } },
};
