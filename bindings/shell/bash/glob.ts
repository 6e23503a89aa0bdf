/** Pathname expansion. */
import { SyscallError } from '../kernel/error.ts';
import { Discard } from './flow.ts';
import { plain, QUOTED } from './marks.ts';
import { hasGlob, Pattern } from './patterns.ts';
import type { Shell } from './shell.ts';

/** Cuts marked text at its slashes (those outside of extended groups). */
function segments(marked: string): string[] {
  const out: string[] = [];
  let from = 0;
  let depth = 0;
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    const c = code & 0xff;
    if (!(code & QUOTED)) {
      if (c === 40 && i > 0 && '?*+@!'.includes(String.fromCharCode(marked.charCodeAt(i - 1) & 0xff))) depth++;
      else if (c === 41 && depth > 0) depth--;
    }
    if (c === 47 && depth === 0) {
      out.push(marked.slice(from, i));
      from = i + 1;
    }
  }
  out.push(marked.slice(from));
  return out;
}

function names(shell: Shell, directory: string): string[] {
  try {
    return shell.process.readdir(directory === '' ? '.' : directory);
  } catch (error) {
    if (error instanceof SyscallError) return [];
    throw error;
  }
}

function isDirectory(shell: Shell, path: string, follow: boolean): boolean {
  try {
    return (follow ? shell.process.stat(path) : shell.process.lstat(path)).type === 'directory';
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

function exists(shell: Shell, path: string): boolean {
  try {
    shell.process.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** Adds the pathnames that a field stands for, sorted; what it is if there are none depends on nullglob and failglob. */
export async function globFields(shell: Shell, field: string, out: string[]): Promise<void> {
  const extended = shell.shopt('extglob');
  const ignoreCase = shell.shopt('nocaseglob');
  const dots = shell.shopt('dotglob');
  const parts = segments(field);
  let found: string[] = [''];
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    const tail = last ? '' : '/';
    const text = plain(part);
    const next: string[] = [];
    if (text === '**' && shell.shopt('globstar')) {
      for (const base of found) {
        const walk = (directory: string) => {
          if (last) {
            for (const name of names(shell, directory).sort()) {
              if (name.startsWith('.') && !dots) continue;
              next.push(directory + name);
              if (isDirectory(shell, directory + name, false)) walk(`${directory}${name}/`);
            }
            return;
          }
          next.push(directory);
          for (const name of names(shell, directory).sort()) {
            if (name.startsWith('.') && !dots) continue;
            if (isDirectory(shell, directory + name, false)) walk(`${directory}${name}/`);
          }
        };
        if (last && base !== '') next.push(base);
        walk(base);
      }
    } else if (!hasGlob(part, extended)) {
      for (const base of found) {
        const path = base + text;
        if (!last) next.push(path + tail);
        else if (text === '' ? isDirectory(shell, path, true) : exists(shell, path)) next.push(path);
      }
    } else {
      const pattern = new Pattern(part, { extended, ignoreCase });
      const dotted = text.startsWith('.') || (extended && /^[?*+@!]\(.*\./.test(text));
      for (const base of found) {
        for (const name of names(shell, base)) {
          if (name.startsWith('.') && !dotted && !dots) continue;
          if (!pattern.matches(name)) continue;
          const path = base + name;
          if (last) next.push(path);
          else if (isDirectory(shell, path, true)) next.push(path + tail);
        }
      }
    }
    found = next;
    if (found.length === 0) break;
  }
  if (found.length > 0) {
    const ignored = shell.get('GLOBIGNORE');
    if (ignored !== undefined && ignored !== '') {
      const patterns = ignored.split(':').map((text) => new Pattern(text, { extended, ignoreCase }));
      found = found.filter((path) => !patterns.some((pattern) => pattern.matches(path)));
    }
  }
  if (found.length > 0) {
    out.push(...found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    return;
  }
  const text = plain(field);
  if (shell.shopt('failglob')) {
    await shell.error(`no match: ${text}`);
    throw new Discard(1);
  }
  if (!shell.shopt('nullglob')) out.push(text);
}
