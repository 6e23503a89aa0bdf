/** The report as a file: under another name first, so that there is never a half of one. */
import { lstatSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CompareResult } from '../report/compare-result.ts';
import { fileError, InputError } from '../trace/input-error.ts';

/**
 * The file that a report at `path` will be: behind a symbolic link its target. InputError where there can be none, and where it is one of
 * those that the report is made from.
 */
export function reportTarget(path: string, inputs: readonly string[] = []): string {
  try {
    const info = lstatSync(path, { throwIfNoEntry: false });
    const target = info?.isSymbolicLink() ? realpathSync(path) : path;
    if (info !== undefined && !statSync(target).isFile())
      throw new InputError(`${path}: exists and is not a regular file`);
    const old = info && statSync(target);
    for (const input of inputs) {
      const other = old && statSync(input, { throwIfNoEntry: false });
      if (other && other.dev === old.dev && other.ino === old.ino)
        throw new InputError(`--report ${path}: is ${input}, which it would replace`);
    }
    if (!statSync(dirname(target)).isDirectory()) throw new InputError(`${dirname(path)}: is not a directory`);
    return target;
  } catch (error) {
    throw error instanceof InputError ? error : fileError(path, error);
  }
}

/** Writes the page of a result. InputError where the disk refuses; what was at `path` is then as it was. */
export async function writeReport(path: string, result: CompareResult, version: string): Promise<void> {
  const target = reportTarget(path);
  // The library that draws is large: whoever wants no report does not wait for it.
  const { reportPage } = await import('../report/html/page.ts');
  const page = reportPage(result, { command: ['memcharge', ...process.argv.slice(2)], version });
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, page, { flag: 'wx' });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileError(path, error);
  }
}
