import type { Preset } from '../policy.ts';

export const kmemUnaccounted: Preset = {
  name: 'kmem-unaccounted',
  summary: "kernel memory is nobody's",
  rows: ['B8'],
  scenario: 'bpf-ghost',
  answers: { kmem: 'nobody' },
  needs: ['kmem_charge', 'map_update'],
};
