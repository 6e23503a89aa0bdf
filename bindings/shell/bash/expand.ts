/** Expansion of words, in bash's order: braces, tildes, parameters, commands, arithmetic; then splitting, pathnames, quote removal. */
import type { Word } from 'unbash';
import { SyscallError } from '../kernel/error.ts';
import { evaluate } from './arithmetic.ts';
import { braceExpand } from './braces.ts';
import { attributeLetters } from './declarations.ts';
import { ansiC } from './escapes.ts';
import { CommandFailure, Discard, ShellExit } from './flow.ts';
import { globFields } from './glob.ts';
import { BREAK, NOTHING, plain, QUOTED, quoted, SPLIT, splittable } from './marks.ts';
import { hasGlob, Pattern } from './patterns.ts';
import { doubleQuoted, keyQuoted, transformQuoted } from './quoting.ts';
import { isName, type Shell } from './shell.ts';
import { Source } from './source.ts';
import { processSubstitution, substitute } from './substitution.ts';
import { AssociativeArray, IndexedArray, type Value } from './variables.ts';
import {
  type Operation,
  type Parameter,
  type Part,
  quotedParts,
  tildesOfArgument,
  withTildes,
  wordParts,
} from './words.ts';

/** A word, read: its alternatives by braces, each a list of parts. */
interface Compiled {
  words: Part[][];
  /** nothing to expand: the word is this text */
  constant: string | undefined;
}

/** How a part is expanded. */
interface Mode {
  /** word splitting and pathname expansion follow */
  fields: boolean;
  /** within double quotes */
  quoted: boolean;
  /** literal text is the result of an expansion: an operand of `${x:-…}` */
  operand: boolean;
}

const FIELDS: Mode = { fields: true, quoted: false, operand: false };
const STRING: Mode = { fields: false, quoted: false, operand: false };

const compiledWords = new WeakMap<Word, Compiled>();
const compiledValues = new WeakMap<Word, Part[]>();
const compiledPlain = new WeakMap<Word, Part[]>();

function constantOf(parts: readonly Part[]): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'quoted') text += part.text;
    else if (part.kind === 'text') {
      if (/[*?[+@!\\]/.test(part.text)) return undefined;
      text += part.text;
    } else if (part.kind === 'double') {
      for (const inner of part.parts) {
        if (inner.kind !== 'quoted') return undefined;
        text += inner.text;
      }
    } else return undefined;
  }
  return text;
}

/** The word of an argument: with braces and tildes. */
function compile(source: Source, word: Word, braces: boolean): Compiled {
  const known = compiledWords.get(word);
  if (known) return known;
  const text = source.text.slice(word.pos, word.end);
  let words: Part[][];
  const alternatives = braces && text.includes('{') ? braceExpand(text) : [text];
  if (alternatives.length === 1 && alternatives[0] === text) {
    words = [tildesOfArgument(wordParts(source, word.pos, word.end))];
  } else {
    const line = source.line(word.pos);
    words = alternatives.map((alternative) => {
      const inner = new Source(alternative, line);
      return tildesOfArgument(wordParts(inner, 0, alternative.length));
    });
  }
  const only = words.length === 1 ? words[0]! : undefined;
  const compiled = { words, constant: only && only.length > 0 ? constantOf(only) : undefined };
  compiledWords.set(word, compiled);
  return compiled;
}

/** The text of a word if it is the same each time, and is one field; undefined if it must be expanded. */
export function constantWord(shell: Shell, word: Word): string | undefined {
  return compile(shell.source, word, shell.option('B')).constant;
}

/**
 * The one string that parts are, if that takes no process and nobody has to wait: literal text, `"$x"`, `$((…))` without assignments.
 * Otherwise undefined: they must be expanded the long way. `fields`: splitting and pathnames would follow.
 */
function quick(shell: Shell, parts: readonly Part[], fields: boolean): string | undefined {
  let out = '';
  for (const part of parts) {
    switch (part.kind) {
      case 'text':
        if (fields && /[*?[+@!\\]/.test(part.text)) return undefined;
        out += part.text;
        break;
      case 'quoted':
        out += part.text;
        break;
      case 'double': {
        const inner = quick(shell, part.parts, false);
        if (inner === undefined) return undefined;
        out += inner;
        break;
      }
      case 'parameter': {
        if (part.operation || part.subscript !== undefined || part.length || part.indirect) return undefined;
        if (part.name === '@' || part.name === '*') return undefined;
        const value = shell.parameter(part.name);
        if (value === undefined) {
          if (fields || shell.option('u')) return undefined;
          break;
        }
        if (fields && (value === '' || /[^A-Za-z0-9_./=-]/.test(value))) return undefined;
        out += value;
        break;
      }
      case 'arithmetic': {
        if (/\+\+|--|=/.test(part.text)) return undefined;
        const text = quick(shell, part.parts, false);
        if (text === undefined) return undefined;
        try {
          out += evaluate(text, shell.arithmetic).toString();
        } catch {
          // said on the long way
          return undefined;
        }
        break;
      }
      default:
        return undefined;
    }
  }
  if (fields && out === '') return undefined;
  return out;
}

/** The field that a word is, without waiting; undefined if it must be expanded the long way. */
export function quickWord(shell: Shell, word: Word): string | undefined {
  const compiled = compile(shell.source, word, shell.option('B'));
  if (compiled.constant !== undefined) return compiled.constant;
  if (compiled.words.length !== 1) return undefined;
  const parts = compiled.words[0]!;
  const whole = parts.length === 1 && parts[0]!.kind === 'double';
  if (!whole && shell.variables.find('IFS')?.value !== ' \t\n') return undefined;
  return quick(shell, parts, !whole);
}

/** The value of an assignment, without waiting; undefined if it must be expanded the long way. */
export function quickValue(shell: Shell, word: Word): string | undefined {
  return quick(shell, valueParts(shell, word), false);
}

function valueParts(shell: Shell, word: Word): Part[] {
  let parts = compiledValues.get(word);
  if (!parts) {
    parts = withTildes(wordParts(shell.source, word.pos, word.end), true);
    compiledValues.set(word, parts);
  }
  return parts;
}

/** All the fields that words expand to. */
export async function expandWords(shell: Shell, words: readonly Word[]): Promise<string[]> {
  const out: string[] = [];
  for (const word of words) await expandWord(shell, word, out);
  return out;
}

/** Adds the fields that a word expands to. */
export async function expandWord(shell: Shell, word: Word, out: string[]): Promise<void> {
  const compiled = compile(shell.source, word, shell.option('B'));
  if (compiled.constant !== undefined) {
    out.push(compiled.constant);
    return;
  }
  for (const parts of compiled.words) await expandFields(shell, parts, out);
}

/** Adds the fields of parts. */
export async function expandFields(shell: Shell, parts: readonly Part[], out: string[]): Promise<void> {
  const marked = await expandParts(shell, parts, FIELDS);
  for (const kept of split(marked, shell)) {
    const field = kept.includes(NOTHING) ? kept.replaceAll(NOTHING, '') : kept;
    if (!shell.option('f') && hasGlob(field, shell.shopt('extglob'))) await globFields(shell, field, out);
    else out.push(plain(field));
  }
}

/** The value of an assignment: `~` after colons, no splitting. */
export async function expandValue(shell: Shell, word: Word): Promise<string> {
  return plain(await expandParts(shell, valueParts(shell, word), STRING));
}

function partsOf(shell: Shell, word: Word): Part[] {
  let parts = compiledPlain.get(word);
  if (!parts) {
    parts = withTildes(wordParts(shell.source, word.pos, word.end), false);
    compiledPlain.set(word, parts);
  }
  return parts;
}

/** One string of a word: no splitting, no pathnames; quotes removed. */
export async function expandString(shell: Shell, word: Word): Promise<string> {
  return plain(await expandParts(shell, partsOf(shell, word), STRING));
}

/** A word as a pattern: what was quoted is marked. */
export async function expandPattern(shell: Shell, word: Word): Promise<string> {
  return expandParts(shell, partsOf(shell, word), STRING);
}

/** A text as it stands in double quotes, a here-document or arithmetic, expanded. */
export async function expandText(
  shell: Shell,
  text: string,
  mode: 'double' | 'document' | 'arithmetic',
  line = shell.line,
): Promise<string> {
  if (!/[$`\\"]/.test(text)) return text;
  return plain(
    await expandParts(shell, quotedParts(text, mode, line), { fields: false, quoted: true, operand: false }),
  );
}

/** A text as an unquoted word without splitting (elements of compound assignments that came as text). */
export async function expandSource(shell: Shell, text: string): Promise<string> {
  return plain(await expandParts(shell, wordParts(new Source(text, shell.line), 0, text.length), STRING));
}

/** A subscript, expanded as the kind of array wants it. */
export async function expandSubscript(shell: Shell, name: string, subscript: string): Promise<string> {
  if (!/[$`\\"']/.test(subscript)) return subscript;
  return shell.valueOf(name) instanceof AssociativeArray
    ? expandSource(shell, subscript)
    : expandText(shell, subscript, 'arithmetic');
}

async function expandParts(shell: Shell, parts: readonly Part[], mode: Mode): Promise<string> {
  let out = '';
  for (const part of parts) {
    switch (part.kind) {
      case 'text':
        out += mode.operand && !mode.quoted ? splittable(part.text) : part.text;
        break;
      case 'quoted':
        out += part.text === '' ? (mode.fields ? NOTHING : '') : quoted(part.text);
        break;
      case 'double': {
        if (part.parts.length === 0) {
          if (mode.fields) out += NOTHING;
          break;
        }
        const inner = await expandParts(shell, part.parts, { fields: mode.fields, quoted: true, operand: false });
        if (inner !== '') out += inner;
        else if (mode.fields && !(part.parts.some(isAll) && noneOf(shell, part.parts))) out += NOTHING;
        break;
      }
      case 'tilde':
        out += quoted(await tilde(shell, part.user));
        break;
      case 'parameter':
        if (part.operation === undefined && part.subscript === undefined && !part.length && !part.indirect) {
          const { name } = part;
          if (name !== '@' && name !== '*') {
            const value = shell.parameter(name);
            if (value === undefined) {
              if (shell.option('u')) await unbound(shell, part);
            } else out += mode.quoted ? quoted(value) : splittable(value);
            break;
          }
        }
        out += await expandParameter(shell, part, mode);
        break;
      case 'command': {
        const text = await substitute(shell, part.source);
        out += mode.quoted ? quoted(text) : splittable(text);
        break;
      }
      case 'arithmetic': {
        const inner = await expandParts(shell, part.parts, { fields: false, quoted: true, operand: false });
        const text = (await shell.calculate(inner)).toString();
        out += mode.quoted ? quoted(text) : splittable(text);
        break;
      }
      case 'process':
        out += quoted(await processSubstitution(shell, part.operator, part.source));
        break;
      default:
        await shell.error(`${part.text}: bad substitution`);
        throw new Discard(1);
    }
  }
  return out;
}

/** Is the part `$@` or `${a[@]}`, that may be no field at all? */
function isAll(part: Part): boolean {
  return part.kind === 'parameter' && (part.name === '@' || part.subscript === '@') && !part.length;
}

/** Are all the `$@` of these parts empty lists? */
function noneOf(shell: Shell, parts: readonly Part[]): boolean {
  return parts.filter(isAll).every((part) => {
    const { name, indirect, operation } = part as Parameter;
    if (name === '@') return shell.positional.length === 0 || operation?.kind === 'slice';
    if (indirect && operation?.kind !== 'names') {
      const value = shell.valueOf(name);
      return value === undefined || (typeof value !== 'string' && value.size === 0);
    }
    const value = shell.valueOf(name);
    return value === undefined || operation?.kind === 'slice' || (typeof value !== 'string' && value.size === 0);
  });
}

async function unbound(shell: Shell, part: Parameter): Promise<never> {
  const name = /^[0-9]/.test(part.name) && part.text === `$${part.name}` ? `$${part.name}` : part.name;
  const subscript = part.subscript === undefined ? '' : `[${part.subscript}]`;
  await shell.error(`${name}${subscript}: unbound variable`);
  throw new ShellExit(fatalStatus(shell));
}

/** The status of a shell that an expansion ends. */
function fatalStatus(shell: Shell): number {
  return shell.subshell === 0 && shell.commandString ? 127 : 1;
}

/** Word splitting of marked text. */
function split(marked: string, shell: Shell): string[] {
  let cut = false;
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    if (code & SPLIT || code === 0x400) {
      cut = true;
      break;
    }
  }
  if (!cut) return marked === '' ? [] : [marked];
  const ifs = shell.ifs;
  const fields: string[] = [];
  let field = '';
  let some = false;
  // 0: in the middle of nothing; 1: whitespace seen after a field; 2: a delimiter that is no whitespace seen
  let pendingWhite = false;
  const end = () => {
    fields.push(field);
    field = '';
    some = false;
  };
  for (let i = 0; i < marked.length; i++) {
    const code = marked.charCodeAt(i);
    if (code === 0x400) {
      if (some) end();
      pendingWhite = false;
      continue;
    }
    if (code === 0x401) {
      if (pendingWhite && some) end();
      pendingWhite = false;
      field += NOTHING;
      some = true;
      continue;
    }
    if (code & SPLIT && ifs !== '') {
      const c = String.fromCharCode(code & 0xff);
      if (ifs.includes(c)) {
        if (c === ' ' || c === '\t' || c === '\n') {
          if (some) pendingWhite = true;
        } else {
          end();
          pendingWhite = false;
        }
        continue;
      }
    }
    if (pendingWhite) {
      end();
      pendingWhite = false;
    }
    field += marked[i];
    some = true;
  }
  if (some) end();
  return fields;
}

async function tilde(shell: Shell, user: string): Promise<string> {
  if (user === '') return shell.get('HOME') ?? '/root';
  if (user === '+') return shell.get('PWD') ?? '~+';
  if (user === '-') return shell.get('OLDPWD') ?? '~-';
  if (user === 'root') return '/root';
  return `~${user}`;
}

/** What a parameter is: one value, or a list. */
interface Subject {
  value: string | undefined;
  list: string[] | undefined;
  /** of a list: `*` joins by IFS within quotes */
  star: boolean;
  /** of a list that is an array: its indices, for slices */
  array: Value;
  positional: boolean;
  name: string;
  subscript: string | undefined;
}

async function subjectOf(shell: Shell, name: string, subscript: string | undefined): Promise<Subject> {
  const subject: Subject = {
    value: undefined,
    list: undefined,
    star: false,
    array: undefined,
    positional: false,
    name,
    subscript,
  };
  if (name === '@' || name === '*') {
    subject.list = shell.positional;
    subject.star = name === '*';
    subject.positional = true;
    return subject;
  }
  if (subscript === undefined) {
    subject.value = shell.parameter(name);
    return subject;
  }
  const target = shell.resolve(name).name;
  if (subscript === '@' || subscript === '*') {
    const value = shell.valueOf(target);
    subject.array = value;
    subject.list = value === undefined ? [] : typeof value === 'string' ? [value] : value.values();
    subject.star = subscript === '*';
    return subject;
  }
  const expanded = await expandSubscript(shell, target, subscript);
  const value = shell.valueOf(target);
  if (value instanceof AssociativeArray) {
    subject.value = value.get(expanded);
    return subject;
  }
  let index: number;
  try {
    index = shell.index(target, expanded);
  } catch (error) {
    return shell.arithmeticFailed(error);
  }
  if (index < 0) {
    await shell.error(`${name}: bad array subscript`);
    return subject;
  }
  subject.value =
    value instanceof IndexedArray ? value.get(index) : index === 0 ? (value as string | undefined) : undefined;
  return subject;
}

/** A list as it is in the text: fields apart, or joined. */
function listed(shell: Shell, values: readonly string[], star: boolean, mode: Mode): string {
  const mark = mode.quoted ? quoted : splittable;
  if (star && (mode.quoted || !mode.fields)) {
    const ifs = shell.get('IFS');
    return mark(values.join(ifs === undefined ? ' ' : ifs.slice(0, 1)));
  }
  if (!mode.fields) return mark(values.join(' '));
  return values.map((value) => (value === '' && mode.quoted ? NOTHING : mark(value))).join(BREAK);
}

async function expandParameter(shell: Shell, part: Parameter, mode: Mode): Promise<string> {
  const { operation } = part;
  const mark = mode.quoted ? quoted : splittable;
  if (part.indirect) {
    if (operation?.kind === 'names') {
      const names = shell.variables
        .names()
        .filter((name) => name.startsWith(part.name) && shell.variables.find(name)!.value !== undefined);
      return listed(shell, names, operation.operator === '*', mode);
    }
    if ((part.subscript === '@' || part.subscript === '*') && operation === undefined) {
      const value = shell.valueOf(part.name);
      const keys = value === undefined ? [] : typeof value === 'string' ? ['0'] : value.keys().map(String);
      // in a string, `@` joins by IFS too
      return listed(shell, keys, part.subscript === '*' || !mode.fields, mode);
    }
  }
  let { name, subscript } = part;
  if (part.indirect) {
    const own = shell.variables.find(name);
    if (own?.nameref && subscript === undefined) {
      const target = shell.resolve(name);
      const text = operation === undefined ? target.name : shell.get(target.name);
      if (operation === undefined) return mark(text ?? '');
      name = target.name;
    } else {
      const to = (await subjectOf(shell, name, subscript)).value;
      if (to === undefined || to === '') {
        if (to === undefined && operation?.kind === 'default') {
          // as unset
          return applyDefault(
            shell,
            part,
            operation,
            { ...(await subjectOf(shell, name, subscript)), value: undefined },
            mode,
          );
        }
        if (to === undefined && shell.option('u')) await unbound(shell, part);
        if (to === undefined) {
          await shell.error(
            `${part.text.slice(2, -1).replace(/^!/, '!')}: invalid indirect expansion`.replace(/^!/, ''),
          );
          throw new Discard(1);
        }
        await shell.error(`${to}: invalid variable name`);
        throw new Discard(1);
      }
      const element = /^([A-Za-z_][A-Za-z0-9_]*)\[(.*)\]$/s.exec(to);
      if (element) {
        name = element[1]!;
        subscript = element[2]!;
      } else if (isName(to) || /^([0-9]+|[@*#?$!-])$/.test(to)) {
        name = to;
        subscript = undefined;
      } else {
        await shell.error(`${to}: invalid variable name`);
        throw new Discard(1);
      }
    }
  }
  const subject = await subjectOf(shell, name, subscript);
  if (operation?.kind === 'default') return applyDefault(shell, part, operation, subject, mode);
  if (
    shell.option('u') &&
    subject.list === undefined &&
    subject.value === undefined &&
    operation?.kind !== 'transform'
  ) {
    await unbound(shell, part);
  }
  if (part.length) {
    if (subject.list !== undefined) return mark(String(subject.list.length));
    return mark(String((subject.value ?? '').length));
  }
  if (operation === undefined) {
    if (subject.list !== undefined) return listed(shell, subject.list, subject.star, mode);
    return mark(subject.value ?? '');
  }
  if (operation.kind === 'slice') return slice(shell, operation, subject, mode);
  if (operation.kind === 'names') return '';
  const change = await changer(shell, operation, subject);
  if (subject.list !== undefined) {
    if (operation.kind === 'transform' && subject.array !== undefined) {
      if (operation.operator === 'A') return mark(arrayDeclaration(shell, subject));
      if (operation.operator === 'K')
        return mark(
          pairs(subject.array)
            .map(([k, v]) => `${keyQuoted(k)} ${doubleQuoted(v)}`)
            .join(' ') + (subject.array instanceof AssociativeArray && subject.array.size > 0 ? ' ' : ''),
        );
      if (operation.operator === 'k') return listed(shell, pairs(subject.array).flat(), subject.star, mode);
      if (operation.operator === 'a') {
        const letters = attributeLetters(shell.find(subject.name)!);
        return listed(
          shell,
          subject.list.map(() => letters),
          subject.star,
          mode,
        );
      }
    }
    if (operation.kind === 'transform' && operation.operator === 'A' && subject.positional) {
      return mark(`set -- ${subject.list.map(transformQuoted).join(' ')}`);
    }
    const values: string[] = [];
    for (const value of subject.list) values.push(await change(value));
    return listed(shell, values, subject.star, mode);
  }
  if (subject.value === undefined) {
    if (operation.kind === 'transform' && operation.operator === 'a') {
      const v = shell.find(subject.name);
      return v ? mark(attributeLetters(v)) : '';
    }
    if (operation.kind === 'transform' && operation.operator === 'A') {
      const v = shell.find(subject.name);
      return v && attributeLetters(v) !== '' ? mark(`declare -${attributeLetters(v)} ${subject.name}`) : '';
    }
    return '';
  }
  return mark(await change(subject.value));
}

/** Keys and values of an array. */
function pairs(value: Value): [string, string][] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [['0', value]];
  if (value instanceof IndexedArray) return value.keys().map((key) => [String(key), value.get(key)!]);
  return value.keys().map((key) => [key, value.get(key)!]);
}

function arrayDeclaration(shell: Shell, subject: Subject): string {
  const letters = attributeLetters(shell.find(subject.name)!);
  if (typeof subject.array === 'string') return `${subject.name}=${transformQuoted(subject.array)}`;
  const items = pairs(subject.array).map(([key, value]) => {
    const shown = subject.array instanceof AssociativeArray ? keyQuoted(key) : key;
    return `[${shown}]=${doubleQuoted(value)}`;
  });
  const tail = subject.array instanceof AssociativeArray && items.length > 0 ? ' ' : '';
  return `declare -${letters} ${subject.name}=(${items.join(' ')}${tail})`;
}

async function applyDefault(
  shell: Shell,
  part: Parameter,
  operation: Operation & { kind: 'default' },
  subject: Subject,
  mode: Mode,
): Promise<string> {
  const colon = operation.operator.startsWith(':');
  const kind = operation.operator.at(-1)!;
  const mark = mode.quoted ? quoted : splittable;
  let unset = subject.list === undefined ? subject.value === undefined : subject.list.length === 0;
  if (colon && !unset) unset = (subject.list === undefined ? subject.value! : subject.list.join(' ')) === '';
  const word = () => expandParts(shell, operation.word, { fields: mode.fields, quoted: mode.quoted, operand: true });
  const own = () =>
    subject.list === undefined ? mark(subject.value ?? '') : listed(shell, subject.list, subject.star, mode);
  if (kind === '+') return unset ? '' : word();
  if (!unset) return own();
  if (kind === '-') return word();
  if (kind === '=') {
    if (!isName(subject.name)) {
      await shell.error(`${/^[0-9]/.test(subject.name) ? '$' : '$'}${subject.name}: cannot assign in this way`);
      throw new Discard(1);
    }
    const value = plain(
      await expandParts(shell, operation.word, { fields: false, quoted: mode.quoted, operand: true }),
    );
    try {
      if (subject.subscript !== undefined) {
        const target = shell.resolve(subject.name).name;
        shell.setElement(subject.name, await expandSubscript(shell, target, subject.subscript), value, false);
      } else shell.set(subject.name, value);
    } catch (error) {
      return shell.arithmeticFailed(error);
    }
    return mark(shell.parameter(subject.name) ?? value);
  }
  const message = plain(await expandParts(shell, operation.word, { fields: false, quoted: true, operand: true }));
  const shown = part.indirect
    ? part.name
    : subject.subscript === undefined
      ? subject.name
      : `${subject.name}[${subject.subscript}]`;
  const text = operation.word.length > 0 ? message : colon ? 'parameter null or not set' : 'parameter not set';
  await shell.error(`${shown}: ${text}`);
  throw new ShellExit(fatalStatus(shell));
}

async function slice(
  shell: Shell,
  operation: Operation & { kind: 'slice' },
  subject: Subject,
  mode: Mode,
): Promise<string> {
  const number = async (parts: Part[]) =>
    Number(await shell.calculate(await expandParts(shell, parts, { fields: false, quoted: true, operand: false })));
  const mark = mode.quoted ? quoted : splittable;
  let offset = await number(operation.offset);
  const length = operation.length === undefined ? undefined : await number(operation.length);
  const tooShort = async () => {
    await shell.error(`${operation.lengthText}: substring expression < 0`);
    throw new Discard(1);
  };
  if (subject.list === undefined) {
    if (subject.value === undefined) return '';
    const { value } = subject;
    if (offset < 0) offset += value.length;
    if (offset < 0 || offset > value.length) return '';
    let end = value.length;
    if (length !== undefined) {
      end = length < 0 ? value.length + length : Math.min(value.length, offset + length);
      if (end < offset) await tooShort();
    }
    return mark(value.slice(offset, end));
  }
  if (length !== undefined && length < 0) await tooShort();
  let values: string[];
  if (subject.positional) {
    const all = [shell.arg0, ...subject.list];
    if (offset < 0) offset += all.length;
    if (offset < 0) return '';
    values = all.slice(offset, length === undefined ? undefined : offset + length);
  } else if (subject.array instanceof IndexedArray) {
    const array = subject.array;
    if (offset < 0) offset += array.last + 1;
    if (offset < 0) return '';
    const keys = array.keys().filter((key) => key >= offset);
    values = keys.slice(0, length).map((key) => array.get(key)!);
  } else {
    if (offset < 0) offset += subject.list.length;
    if (offset < 0) return '';
    values = subject.list.slice(offset, length === undefined ? undefined : offset + length);
  }
  return listed(shell, values, subject.star, mode);
}

/** What an operation makes of a value. */
async function changer(
  shell: Shell,
  operation: Exclude<Operation, { kind: 'default' | 'slice' | 'names' }>,
  subject: Subject,
): Promise<(value: string) => string | Promise<string>> {
  const options = { extended: shell.shopt('extglob'), ignoreCase: false };
  const patternOf = async (parts: Part[], ignoreCase = false) =>
    new Pattern(await expandParts(shell, parts, { fields: false, quoted: false, operand: false }), {
      ...options,
      ignoreCase,
    });
  switch (operation.kind) {
    case 'remove': {
      const pattern = await patternOf(operation.pattern);
      const longest = operation.operator.length === 2;
      if (operation.operator.startsWith('#')) {
        return (value) => {
          const length = pattern.prefix(value, longest);
          return length < 0 ? value : value.slice(length);
        };
      }
      return (value) => {
        const start = pattern.suffix(value, longest);
        return start < 0 ? value : value.slice(0, start);
      };
    }
    case 'replace': {
      const pattern = await patternOf(operation.pattern, shell.shopt('nocasematch'));
      const marked =
        operation.replacement === undefined ? '' : await expandParts(shell, operation.replacement, { ...STRING });
      const ampersand = shell.shopt('patsub_replacement');
      const pieces = (match: string) => {
        let out = '';
        for (let i = 0; i < marked.length; i++) {
          const code = marked.charCodeAt(i);
          if (code >= 0x400) continue;
          const c = code & 0xff;
          if (ampersand && c === 38 && !(code & QUOTED)) out += match;
          else if (ampersand && c === 92 && !(code & QUOTED) && (marked.charCodeAt(i + 1) & 0xff) === 38) {
            out += '&';
            i++;
          } else out += String.fromCharCode(c);
        }
        return out;
      };
      if (operation.pattern.length === 0) {
        return (value) => {
          if (operation.operator === '/#') return pieces('') + value;
          if (operation.operator === '/%') return value + pieces('');
          return value;
        };
      }
      return (value) => {
        if (operation.operator === '/#') {
          const length = pattern.prefix(value, true);
          return length < 0 ? value : pieces(value.slice(0, length)) + value.slice(length);
        }
        if (operation.operator === '/%') {
          const start = pattern.suffix(value, true);
          return start < 0 ? value : value.slice(0, start) + pieces(value.slice(start));
        }
        let out = '';
        let at = 0;
        while (at <= value.length) {
          const found = pattern.find(value, at);
          if (!found) break;
          const [start, end] = found;
          if (start === value.length && value !== '' && end === start) break;
          out += value.slice(at, start) + pieces(value.slice(start, end));
          if (end === start) {
            out += value[start] ?? '';
            at = start + 1;
          } else at = end;
          if (operation.operator !== '//') break;
          if (at >= value.length) break;
        }
        return out + value.slice(at);
      };
    }
    case 'case': {
      const pattern = operation.pattern === undefined ? undefined : await patternOf(operation.pattern);
      const all = operation.operator.length === 2;
      const kind = operation.operator[0];
      const change = (c: string) => {
        if (pattern && !pattern.matches(c)) return c;
        if (kind === '^') return /[a-z]/.test(c) ? c.toUpperCase() : c;
        if (kind === ',') return /[A-Z]/.test(c) ? c.toLowerCase() : c;
        return /[a-z]/.test(c) ? c.toUpperCase() : /[A-Z]/.test(c) ? c.toLowerCase() : c;
      };
      return (value) =>
        all ? [...value].map(change).join('') : value === '' ? '' : change(value[0]!) + value.slice(1);
    }
    default: {
      switch (operation.operator) {
        case 'Q':
          return transformQuoted;
        case 'U':
          return (value) => value.replace(/[a-z]/g, (c) => c.toUpperCase());
        case 'u':
          return (value) => value.replace(/^[a-z]/, (c) => c.toUpperCase());
        case 'L':
          return (value) => value.replace(/[A-Z]/g, (c) => c.toLowerCase());
        case 'E':
          return ansiC;
        case 'P':
          return (value) => prompt(shell, value);
        case 'K':
        case 'k':
          return transformQuoted;
        case 'a':
          return () => attributeLetters(shell.find(subject.name) ?? undefined);
        default: {
          const v = shell.find(subject.name);
          const letters = attributeLetters(v);
          const element = subject.subscript === undefined ? '' : `[${subject.subscript}]`;
          return (value) =>
            letters === ''
              ? `${subject.name}=${transformQuoted(value)}`
              : `declare -${letters} ${subject.name}${element}=${transformQuoted(value)}`;
        }
      }
    }
  }
}

/** A prompt string: the escapes that make sense where nobody types. */
async function prompt(shell: Shell, text: string): Promise<string> {
  const known: Record<string, () => string> = {
    n: () => '\n',
    r: () => '\r',
    a: () => '\x07',
    e: () => '\x1b',
    $: () => (shell.process.uid === 0 ? '#' : '$'),
    s: () => shell.arg0.replace(/.*\//, ''),
    u: () => (shell.process.uid === 0 ? 'root' : String(shell.process.uid)),
    w: () => shell.get('PWD') ?? '',
    W: () => (shell.get('PWD') ?? '').replace(/.+\//, ''),
    v: () => '5.2',
    V: () => '5.2.15',
    '\\': () => '\\',
    '[': () => '',
    ']': () => '',
  };
  const replaced = text.replace(/\\(.)/gs, (all, c: string) => known[c]?.() ?? all);
  return expandText(shell, replaced, 'double');
}

/** Runs something whose failed syscall is the command's failure: `NAME: line N: WHAT: text`. */
export async function orFail<T>(shell: Shell, what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    await shell.error(`${what}: ${error.message}`);
    throw new CommandFailure(1);
  }
}
