import type { Preset } from '../policy.ts';

export const lruReparent: Preset = {
  name: 'lru-reparent',
  summary: "the folios of a removed cgroup become its parent's own",
  rows: ['P1', 'P1a', 'P8'],
  scenario: 'persistent',
  answers: { offline: 'reparent' },
  needs: ['rmdir'],
  residency: ['recorded', 'modelled'],
};
