/** The files pids.*. kernel/cgroup/pids.c: pids_files[], pids_max_write(). */
import { EngineError } from '../engine/error.ts';
import type { FileType } from './file-type.ts';
import { parseLong, strip } from './parse.ts';
import { PIDS_MAX } from './pids-state.ts';

function parseLimit(text: string): bigint {
  const word = strip(text);
  if (word === 'max') return PIDS_MAX;
  const limit = parseLong(word, true);
  if (limit < 0n || limit >= PIDS_MAX)
    throw new EngineError('EINVAL', `EINVAL: ${limit} is not from 0 to ${PIDS_MAX - 1n}`);
  return limit;
}

const common = { controller: 'pids', notOnRoot: true } as const;

export const PIDS_FILES: readonly FileType[] = [
  {
    ...common,
    name: 'pids.max',
    show: (_tree, { pids }) => (pids.limit === PIDS_MAX ? 'max\n' : `${pids.limit}\n`),
    write: (_tree, { pids }, text) => {
      pids.limit = parseLimit(text);
    },
  },
  { ...common, name: 'pids.current', show: (_tree, { pids }) => `${pids.current}\n` },
  { ...common, name: 'pids.peak', show: (_tree, { pids }) => `${pids.peak}\n` },
  { ...common, name: 'pids.events', show: (_tree, { pids }) => `max ${pids.events}\n` },
  { ...common, name: 'pids.events.local', kernel: '6.18', show: (_tree, { pids }) => `max ${pids.localEvents}\n` },
];
