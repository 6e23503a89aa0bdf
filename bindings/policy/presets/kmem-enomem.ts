import type { Preset } from '../policy.ts';

export const kmemEnomem: Preset = {
  name: 'kmem-enomem',
  summary: 'a charge in a system call fails at the limit',
  rows: ['K1', 'K1a', 'K5'],
  scenario: 'kmem',
  answers: { refused: { call: 'enomem', kmem: 'enomem' } },
};
