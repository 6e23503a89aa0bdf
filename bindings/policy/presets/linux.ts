import type { Preset } from '../policy.ts';

export const linux: Preset = {
  name: 'linux',
  summary: 'Linux 6.18: the first toucher pays, wherever the page goes',
  rows: ['S1', 'S3b', 'P1', 'P1a', 'L2', 'L2a', 'L2b', 'L2e', 'B1', 'B9', 'K2', 'K5', 'K6'],
  scenario: 'shared',
  residency: ['recorded', 'modelled'],
};
