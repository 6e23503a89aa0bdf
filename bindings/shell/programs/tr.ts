/** tr(1) */
import { bytesOf, textOf } from '../kernel/bytes.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { classOf } from './posix-classes.ts';
import { quote } from './quote.ts';

const LONG = { complement: 'c', delete: 'd', 'squeeze-repeats': 's', 'truncate-set1': 't' };
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' },
};

/** A set's characters; `fill` is where `[c*]` pads the second set. */
interface CharacterSet {
  characters: string;
  classes: string[];
  fill: { at: number; character: string } | undefined;
}

function setOf(c: Command, text: string, second: boolean): CharacterSet {
  // Characters with a note whether they were escaped, so that they are themselves.
  const units: { character: string; escaped: boolean }[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\' || i + 1 === text.length) {
      units.push({ character: text[i]!, escaped: text[i] === '\\' });
      continue;
    }
    const octal = /^[0-3]?[0-7]{1,2}/.exec(text.slice(i + 1))?.[0];
    if (octal !== undefined) {
      units.push({ character: String.fromCharCode(Number.parseInt(octal, 8)), escaped: true });
      i += octal.length;
    } else {
      const letter = text[++i]!;
      units.push({ character: ESCAPES[letter] ?? letter, escaped: true });
    }
  }
  const is = (i: number, character: string) => units[i]?.character === character && !units[i]!.escaped;
  const set: CharacterSet = { characters: '', classes: [], fill: undefined };
  for (let i = 0; i < units.length; ) {
    if (is(i, '[') && (is(i + 1, ':') || is(i + 1, '='))) {
      const kind = units[i + 1]!.character;
      let end = i + 2;
      while (end + 1 < units.length && !(is(end, kind) && is(end + 1, ']'))) end++;
      if (end + 1 < units.length) {
        const name = units
          .slice(i + 2, end)
          .map((unit) => unit.character)
          .join('');
        if (kind === ':') {
          const members = classOf(name);
          if (members === undefined) c.fail(`invalid character class ${quote(name)}`);
          set.characters += members;
          set.classes.push(name);
        } else {
          if (name.length !== 1) c.fail(`${name}: equivalence class operand must be a single character`);
          set.characters += name;
        }
        i = end + 2;
        continue;
      }
    }
    if (second && is(i, '[') && is(i + 2, '*')) {
      const repeat = /^(\d*)\]/.exec(
        units
          .slice(i + 3)
          .map((unit) => (unit.escaped ? '\0' : unit.character))
          .join(''),
      );
      if (repeat !== null) {
        const count = repeat[1]!.startsWith('0') ? Number.parseInt(repeat[1]!, 8) : Number(repeat[1]);
        if (count > 0) set.characters += units[i + 1]!.character.repeat(count);
        else set.fill = { at: set.characters.length, character: units[i + 1]!.character };
        i += 3 + repeat[0].length;
        continue;
      }
    }
    if (is(i + 1, '-') && i + 2 < units.length) {
      const [from, to] = [units[i]!.character.charCodeAt(0), units[i + 2]!.character.charCodeAt(0)];
      if (to < from)
        c.fail(
          `range-endpoints of ${quote(`${units[i]!.character}-${units[i + 2]!.character}`)} are in reverse collating sequence order`,
        );
      for (let code = from; code <= to; code++) set.characters += String.fromCharCode(code);
      i += 3;
      continue;
    }
    set.characters += units[i++]!.character;
  }
  return set;
}

const ALL = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');

export const tr: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('+AcCdst', LONG);
  const keys = new Set(options.map(({ key }) => (key === 'C' ? 'c' : key)));
  const remove = keys.has('d');
  const squeeze = keys.has('s');
  const translate = operands.length === 2 && !remove;
  const least = 1 + Number(remove === squeeze);
  const most = 1 + Number(!remove || squeeze);
  if (operands.length < least) {
    if (operands.length === 0) c.usage('missing operand');
    await c.warn(`missing operand after ${quote(operands.at(-1)!)}`);
    await c.print(
      squeeze
        ? 'Two strings must be given when both deleting and squeezing repeats.\n'
        : 'Two strings must be given when translating.\n',
    );
    c.usage('');
  }
  if (operands.length > most) {
    await c.warn(`extra operand ${quote(operands[most]!)}`);
    if (operands.length === 2) await c.print('Only one string may be given when deleting without squeezing repeats.\n');
    c.usage('');
  }
  const first = setOf(c, operands[0]!, false);
  let from = first.characters;
  if (keys.has('c')) from = [...ALL].filter((char) => !from.includes(char)).join('');
  const second = operands[1] === undefined ? undefined : setOf(c, operands[1], true);
  let to = second?.characters ?? '';
  const map = new Uint8Array(256).map((_, code) => code);
  if (translate) {
    if (second!.fill !== undefined) {
      const missing = Math.max(0, from.length - to.length);
      to = to.slice(0, second!.fill.at) + second!.fill.character.repeat(missing) + to.slice(second!.fill.at);
    }
    if (to === '' && from !== '' && !keys.has('t')) c.fail('when not truncating set1, string2 must be non-empty');
    if (second!.classes.some((name) => name !== 'upper' && name !== 'lower'))
      c.fail("when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'");
    if (keys.has('t')) from = from.slice(0, to.length);
    for (let i = 0; i < from.length; i++) map[from.charCodeAt(i)] = (to[i] ?? to.at(-1)!).charCodeAt(0);
  }
  const deleted = new Set(remove ? bytesOf(from) : []);
  const squeezed = new Set(squeeze ? bytesOf(second === undefined ? from : to) : []);
  let last = -1;
  for (;;) {
    const got = await attempt(() => c.process.read(0, 8192));
    if ('error' in got) c.fail(`read error: ${got.error.message}`);
    const bytes = got.value;
    if (bytes.length === 0) return 0;
    const out = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      if (deleted.has(byte)) continue;
      const mapped = map[byte]!;
      if (mapped === last && squeezed.has(mapped)) continue;
      last = mapped;
      out[length++] = mapped;
    }
    await c.out.write(textOf(out.subarray(0, length)));
  }
});
