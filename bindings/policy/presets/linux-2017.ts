import type { Preset } from '../policy.ts';

export const linux2017: Preset = {
  name: 'linux-2017',
  summary: 'Linux before 4.19: a charge in a system call fails with ENOMEM, only page faults kill',
  rows: ['K1', 'K1a', 'K5', 'K6'],
  scenario: 'kmem',
  answers: { refused: { call: 'enomem', kmem: 'enomem', atomic: 'enomem', worker: 'enomem' } },
};
