/** mktemp(1); its names come from a counter of the world's time, so that runs repeat */
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, statOrUndefined } from './command.ts';
import { joinPath } from './paths.ts';
import { quote } from './quote.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const LONG = { directory: 'd', 'dry-run': 'u', quiet: 'q', 'suffix=': 'suffix', 'tmpdir=?': 'p' };

export const mktemp: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('dp:qtuV', LONG);
  const p = c.process;
  const keys = new Set(options.map(({ key }) => key));
  let suffix: string | undefined;
  let directory: string | undefined;
  for (const { key, value, given } of options) {
    if (key === 'suffix') suffix = value;
    else if (key === 'p') directory = given && value !== '' ? value : (p.env.get('TMPDIR') ?? '/tmp');
  }
  if (operands.length > 1) c.usage('too many templates');
  let template = operands[0];
  if (template === undefined) {
    template = 'tmp.XXXXXXXXXX';
    directory ??= p.env.get('TMPDIR') || '/tmp';
  }
  if (keys.has('t')) directory = p.env.get('TMPDIR') || directory || '/tmp';
  if (suffix !== undefined && !template.endsWith('X'))
    c.fail(`with --suffix, template ${quote(template)} must end in X`);
  const last = template.lastIndexOf('X');
  suffix ??= last < 0 ? '' : template.slice(last + 1);
  const stem = last < 0 ? template : template.slice(0, last + 1);
  if (suffix.includes('/')) c.fail(`invalid suffix ${quote(suffix)}, contains directory separator`);
  const xs = /X*$/.exec(stem)![0].length;
  if (xs < 3) c.fail(`too few X's in template ${quote(template)}`);
  if (directory !== undefined && template.startsWith('/'))
    c.fail(`invalid template, ${quote(template)}; with --tmpdir, it may not be absolute`);
  const what = keys.has('d') ? 'directory' : 'file';
  let seed = (BigInt(p.pid) * 2_654_435_761n + p.now) & 0xffff_ffff_ffff_ffffn;
  for (;;) {
    let name = stem.slice(0, stem.length - xs);
    for (let i = 0; i < xs; i++) {
      seed = (seed * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn;
      name += LETTERS[Number((seed >> 33n) % 62n)];
    }
    const path = directory === undefined ? name + suffix : joinPath(directory, name + suffix);
    if (keys.has('u')) {
      if (statOrUndefined(p, path, false) !== undefined) continue;
    } else {
      const made = await attempt(async () => {
        if (keys.has('d')) await p.mkdir(path, 0o700);
        else p.close(await p.open(path, { read: true, write: true, create: true, exclusive: true }, 0o600));
      });
      if ('error' in made) {
        if (made.error.errno === 'EEXIST') continue;
        const shown = directory === undefined ? stem + suffix : joinPath(directory, stem + suffix);
        if (keys.has('q')) return 1;
        c.fail(`failed to create ${what} via template ${quote(shown)}: ${made.error.message}`);
      }
    }
    await c.out.write(`${path}\n`);
    return 0;
  }
});
