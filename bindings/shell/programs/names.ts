/** Names of users and groups: getpwuid(3) and its like over the world's own /etc. */
import { SyscallError } from '../kernel/error.ts';
import type { Process } from '../kernel/syscalls.ts';
import { readFile } from './input.ts';

/** One line of /etc/passwd or /etc/group. */
export interface NamedId {
  name: string;
  id: number;
  /** the primary group of a user */
  group: number;
}

async function entries(process: Process, path: string): Promise<NamedId[]> {
  try {
    return (await readFile(process, path))
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 3)
      .map((fields) => ({ name: fields[0]!, id: Number(fields[2]), group: Number(fields[3]) }));
  } catch (error) {
    if (error instanceof SyscallError) return [];
    throw error;
  }
}

/** The users of the world. */
export const users = (process: Process): Promise<NamedId[]> => entries(process, '/etc/passwd');
/** The groups of the world. */
export const groups = (process: Process): Promise<NamedId[]> => entries(process, '/etc/group');

/** The name of an id, undefined when it has none. */
export function nameOf(known: readonly NamedId[], id: number): string | undefined {
  return known.find((entry) => entry.id === id)?.name;
}

/** The id of a name or of a number's text, undefined when there is none. */
export function idOf(known: readonly NamedId[], text: string): number | undefined {
  return known.find((entry) => entry.name === text)?.id ?? (/^\+?\d+$/.test(text) ? Number(text) : undefined);
}

/** The entry of an id. */
export function entryOf(known: readonly NamedId[], id: number): NamedId | undefined {
  return known.find((entry) => entry.id === id);
}
