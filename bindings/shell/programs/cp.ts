/** cp(1) */
import type { Program } from '../kernel/syscalls.ts';
import { type Command, command } from './command.ts';
import { Copier, type CopyOptions, targetsOf } from './copy-file.ts';
import { baseName, joinPath } from './paths.ts';
import { quote } from './quote.ts';

const LONG = {
  ...{ archive: 'a', 'attributes-only': 'attributes-only', 'backup=?': 'b', 'copy-contents': 'copy-contents' },
  ...{ dereference: 'L', force: 'f', interactive: 'i', link: 'l', 'no-clobber': 'n', 'no-dereference': 'P' },
  ...{ 'no-preserve=': 'no-preserve', 'no-target-directory': 'T', 'one-file-system': 'x', parents: 'parents' },
  ...{ 'preserve=?': 'preserve', recursive: 'R', 'remove-destination': 'remove', 'sparse=': 'sparse' },
  ...{ 'reflink=?': 'reflink', 'strip-trailing-slashes': 'strip', 'suffix=': 'b', 'symbolic-link': 's' },
  ...{ 'target-directory=': 't', update: 'u', verbose: 'v' },
};

function preserve(c: Command, options: CopyOptions, list: string, on: boolean): void {
  for (const what of list.split(',')) {
    if (what === 'mode' || what === 'ownership' || what === 'timestamps' || what === 'links')
      options.preserve[what] = on;
    else if (what === 'all') options.preserve = { mode: on, ownership: on, timestamps: on, links: on };
    else if (what !== 'xattr' && what !== 'context')
      c.usage(`invalid argument ${quote(what)} for ${quote(on ? '--preserve' : '--no-preserve')}`);
  }
}

export const cp: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('abdfHilLnprst:uvxPRS:TZ', LONG);
  const o: CopyOptions = {
    ...{ recursive: false, follow: 'always', force: false, verbose: false, noClobber: false, update: false },
    ...{ removeDestination: false, link: '', sparse: 'auto' },
    preserve: { mode: false, ownership: false, timestamps: false, links: false },
  };
  let follow: CopyOptions['follow'] | undefined;
  let into: string | undefined;
  let noDirectory = false;
  for (const { key, value, given } of options) {
    if (key === 'a') {
      o.recursive = true;
      follow = 'never';
      preserve(c, o, 'all', true);
    } else if (key === 'r' || key === 'R') o.recursive = true;
    else if (key === 'd') {
      follow = 'never';
      o.preserve.links = true;
    } else if (key === 'P') follow = 'never';
    else if (key === 'L') follow = 'always';
    else if (key === 'H') follow = 'arguments';
    else if (key === 'p') preserve(c, o, 'mode,ownership,timestamps', true);
    else if (key === 'preserve') preserve(c, o, given ? value : 'mode,ownership,timestamps', true);
    else if (key === 'no-preserve') preserve(c, o, value, false);
    else if (key === 'f') o.force = true;
    else if (key === 'n') o.noClobber = true;
    else if (key === 'u') o.update = true;
    else if (key === 'v') o.verbose = true;
    else if (key === 'l') o.link = 'hard';
    else if (key === 's') o.link = 'symbolic';
    else if (key === 't') into = value;
    else if (key === 'T') noDirectory = true;
    else if (key === 'remove') o.removeDestination = true;
    else if (key === 'sparse') {
      if (value !== 'auto' && value !== 'always' && value !== 'never')
        c.usage(`invalid argument ${quote(value)} for ${quote('--sparse')}`);
      o.sparse = value;
    } else if (key === 'reflink') {
      if (value === '' || value === 'always') c.fail('--reflink=always is not supported');
    } else if (key !== 'x' && key !== 'strip') c.fail(`option ${key.length > 1 ? '--' : '-'}${key} is not supported`);
  }
  o.follow = follow ?? (o.recursive ? 'never' : 'always');
  const { sources, directory, target } = targetsOf(c, operands, into, noDirectory);
  const copier = new Copier(c, o);
  for (const source of sources) await copier.copy(source, directory ? joinPath(target, baseName(source)) : target);
  return undefined;
});
