/** The control files of a machine as files of the host, for tools that read /sys/fs/cgroup. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CgroupFs } from '../cgroupfs/cgroupfs.ts';
import { fileError, InputError } from '../trace/input-error.ts';

/** A file that every cgroup2 has: where it stands, a tree of ours stood before. */
const MARK = 'cgroup.controllers';

/** Throws InputError for a directory that is there and is not one that writeCgroupfs() may replace. */
export function checkTarget(target: string): void {
  try {
    if (!existsSync(target)) return;
    const names = readdirSync(target);
    if (names.length > 0 && !names.includes(MARK))
      throw new InputError(`${target}: there is something else in it; give a directory that is new or empty`);
  } catch (error) {
    throw error instanceof InputError ? error : fileError(target, error);
  }
}

/**
 * Writes the tree to `target`, whole or not at all: an older tree of that name is replaced at the end. Files that can only be written are
 * left out. `nameOf`: what a path is called on the host. Throws InputError.
 */
export function writeCgroupfs(target: string, cgroupfs: CgroupFs, nameOf = (path: string) => path): void {
  checkTarget(target);
  let work: string | null = null;
  try {
    const place = existsSync(target) ? realpathSync(target) : target;
    work = mkdtempSync(join(dirname(place), `.${basename(place)}-`));
    const tree = join(work, 'new');
    cgroupfs.dump((path, text) => {
      const file = join(tree, nameOf(path));
      if (text === null) mkdirSync(file);
      else writeFileSync(file, text);
    });
    if (existsSync(place)) renameSync(place, join(work, 'old'));
    renameSync(tree, place);
  } catch (error) {
    throw fileError(target, error);
  } finally {
    if (work !== null) rmSync(work, { recursive: true, force: true });
  }
}
