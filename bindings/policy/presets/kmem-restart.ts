import type { Preset } from '../policy.ts';

export const kmemRestart: Preset = {
  name: 'kmem-restart',
  summary: 'the call fails, unwinds its locks, kills at its end and is begun again',
  rows: ['K2r'],
  scenario: 'kmem',
  answers: { refused: { call: 'restart-call', kmem: 'restart-call' } },
};
