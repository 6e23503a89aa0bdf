/** Assignments and declarations: scalars, elements, whole arrays; declare, local, export, readonly. */
import type { ArrayValue, Assignment, Word } from 'unbash';
import { braceExpand } from './braces.ts';
import { expandFields, expandSubscript, expandValue, expandWord, quickValue } from './expand.ts';
import { CommandFailure, Discard } from './flow.ts';
import type { BuiltinOutput } from './output.ts';
import { printFunction } from './printer.ts';
import { doubleQuoted, keyQuoted, quotedIfNeeded, traceQuoted } from './quoting.ts';
import { isName, ReadonlyError, type Shell, SubscriptError } from './shell.ts';
import { Source } from './source.ts';
import { traceLine } from './trace.ts';
import { AssociativeArray, IndexedArray, type Variable, variable } from './variables.ts';
import { type Part, subscriptEnd, tildesOfArgument, withTildes, wordParts } from './words.ts';

const DECLARATIONS = new Set(['declare', 'typeset', 'local', 'export', 'readonly']);

/** Does the command take assignments as arguments? */
export function isDeclaration(name: string | undefined): boolean {
  return name !== undefined && DECLARATIONS.has(name);
}

/** `aAilnrtux` of a variable, in the order of `declare -p`. */
export function attributeLetters(v: Variable | undefined): string {
  if (v === undefined) return '';
  let letters = '';
  if (v.value instanceof IndexedArray || v.arrayDeclared === 'a') letters += 'a';
  else if (v.value instanceof AssociativeArray) letters += 'A';
  if (v.integer) letters += 'i';
  if (v.nameref) letters += 'n';
  if (v.readonly) letters += 'r';
  if (v.exported) letters += 'x';
  return letters + v.letters;
}

// ------------------------------------------------------------------------------------------------ assignments

interface Element {
  subscript: string | undefined;
  append: boolean;
  parts: Part[];
}

const elements = new WeakMap<Word, Element>();

/** An element of `(…)`: `[subscript]=value`, or words. */
function elementOf(source: Source, word: Word): Element {
  const known = elements.get(word);
  if (known) return known;
  let element: Element | undefined;
  const { text } = source;
  if (text[word.pos] === '[') {
    const close = subscriptEnd(text.slice(0, word.end), word.pos);
    if (close >= 0) {
      const append = text.startsWith('+=', close + 1);
      if (append || text[close + 1] === '=') {
        const from = close + (append ? 3 : 2);
        element = {
          subscript: text.slice(word.pos + 1, close),
          append,
          parts: withTildes(wordParts(source, from, word.end), true),
        };
      }
    }
  }
  element ??= { subscript: undefined, append: false, parts: [] };
  elements.set(word, element);
  return element;
}

/** Expands `(…)`, then makes the array of it; `append` to the one that is there. */
async function assignArray(shell: Shell, name: string, value: ArrayValue, append: boolean): Promise<void> {
  const target = shell.resolve(name).name;
  const v = shell.variables.find(target);
  if (v?.readonly) throw new ReadonlyError(target);
  const associative = v?.value instanceof AssociativeArray;
  const items: { subscript: string | undefined; append: boolean; value: string }[] = [];
  const plainPairs =
    associative && value.elements.every((word) => elementOf(shell.source, word).subscript === undefined);
  for (const word of value.elements) {
    const element = elementOf(shell.source, word);
    if (element.subscript === undefined) {
      const fields: string[] = [];
      if (associative) fields.push(await expandValue(shell, word));
      else await expandWord(shell, word, fields);
      for (const field of fields) items.push({ subscript: undefined, append: false, value: field });
    } else {
      const subscript = await expandSubscript(shell, target, element.subscript);
      const fields: string[] = [];
      await expandFields(shell, [{ kind: 'double', parts: [] }, ...element.parts.map(asOne)], fields);
      items.push({ subscript, append: element.append, value: fields.join(' ') });
    }
  }
  if (associative) {
    if (!append) shell.setArray(name, new AssociativeArray());
    if (plainPairs) {
      for (let i = 0; i < items.length; i += 2) {
        shell.setElement(name, items[i]!.value, items[i + 1]?.value ?? '', false);
      }
      return;
    }
    for (const item of items) {
      if (item.subscript === undefined) {
        await shell.error(`${name}: ${item.value}: must use subscript when assigning associative array`);
        continue;
      }
      shell.setElement(name, item.subscript, item.value, item.append);
    }
    return;
  }
  const old = shell.valueOf(target);
  if (!append) shell.setArray(name, new IndexedArray());
  else if (!(old instanceof IndexedArray))
    shell.setArray(name, IndexedArray.from(old === undefined ? [] : [old as string]));
  let next = append ? ((shell.valueOf(target) as IndexedArray).last ?? -1) + 1 : 0;
  for (const item of items) {
    if (item.subscript === undefined) {
      shell.setElement(name, String(next), item.value, false);
      next++;
      continue;
    }
    const index = shell.index(target, item.subscript);
    if (index < 0) {
      await shell.error(`[${item.subscript}]=${item.value}: bad array subscript`);
      continue;
    }
    shell.setElement(name, String(index), item.value, item.append);
    next = index + 1;
  }
}

/** A part whose result is not split: as in an assignment. */
function asOne(part: Part): Part {
  if (part.kind === 'text') return { kind: 'quoted', text: part.text };
  if (part.kind === 'parameter' || part.kind === 'command' || part.kind === 'arithmetic')
    return { kind: 'double', parts: [part] };
  return part;
}

async function assign(shell: Shell, assignment: Assignment): Promise<void> {
  const { name, value } = assignment;
  const append = assignment.append === true;
  if (value.type === 'ArrayValue') {
    if (assignment.index) {
      await shell.error(`${name}[${assignment.index.text}]: cannot assign list to array member`);
      throw new CommandFailure(1);
    }
    if (shell.option('x')) {
      const shown = value.elements.map((word) => shell.source.text.slice(word.pos, word.end)).join(' ');
      await traceLine(shell, `${name}${append ? '+=' : '='}(${shown})`);
    }
    await assignArray(shell, name, value, append);
    return;
  }
  const text = quickValue(shell, value) ?? (await expandValue(shell, value));
  if (shell.option('x')) {
    const left = `${name}${assignment.index ? `[${assignment.index.text}]` : ''}${append ? '+=' : '='}`;
    await traceLine(shell, left + (text === '' ? '' : traceQuoted(text)));
  }
  if (assignment.index) {
    const raw = shell.source.text.slice(assignment.index.pos, assignment.index.end);
    const target = shell.resolve(name).name;
    const subscript = await expandSubscript(shell, target, raw);
    if (subscript === '' || raw === '') {
      await shell.error(`${name}[${raw}]: bad array subscript`);
      throw new Discard(1);
    }
    if (raw === '@' || raw === '*') {
      if (!(shell.valueOf(target) instanceof AssociativeArray)) {
        await shell.error(`${name}[${raw}]: bad array subscript`);
        throw new Discard(1);
      }
    }
    shell.setElement(name, subscript, text, append);
  } else shell.set(name, text, append);
}

/** Makes the assignments of a command that is nothing else. Readonly variables and bad arithmetic give the command up. */
export async function assignAll(shell: Shell, assignments: readonly Assignment[]): Promise<void> {
  for (const assignment of assignments) {
    try {
      await assign(shell, assignment);
    } catch (error) {
      await shell.arithmeticFailed(error);
    }
  }
}

/** Adds what an argument `name=value` of a declaration is: braces expand, words are not split. */
export async function declarationArgument(
  shell: Shell,
  node: { pos: number; end: number },
  out: string[],
): Promise<void> {
  const text = shell.source.text.slice(node.pos, node.end);
  const alternatives = shell.option('B') && text.includes('{') ? braceExpand(text) : [text];
  for (const alternative of alternatives) {
    const source = new Source(alternative, shell.line);
    if (alternatives.length > 1) {
      // what braces made is a word as others are
      await expandFields(shell, tildesOfArgument(wordParts(source, 0, alternative.length)), out);
      continue;
    }
    const left = /^[A-Za-z_][A-Za-z0-9_]*(\[.*?\])?\+?=/s.exec(alternative)?.[0] ?? '';
    const parts = withTildes(wordParts(source, left.length, alternative.length), true);
    const fields: string[] = [];
    await expandFields(shell, [{ kind: 'double', parts: [] }, ...parts.map(asOne)], fields);
    out.push(left + fields.join(' '));
  }
}

/** A declaration's argument as text: its value expanded; a list stays as written (declare takes it from the tree). */
export async function assignmentText(shell: Shell, assignment: Assignment): Promise<string> {
  const left = `${assignment.name}${assignment.index ? `[${assignment.index.text}]` : ''}${assignment.append ? '+=' : '='}`;
  if (assignment.value.type === 'ArrayValue') {
    return left + shell.source.text.slice(assignment.value.pos, assignment.value.end);
  }
  return left + (await expandValue(shell, assignment.value));
}

// ------------------------------------------------------------------------------------------------ builtins

/** `declare -p` of a variable. */
export function declarationOf(shell: Shell, name: string): string | undefined {
  const v = shell.variables.find(name);
  if (v === undefined) return undefined;
  const letters = attributeLetters(v);
  const value = v.dynamic ? shell.valueOf(name) : v.value;
  const shownLetters = v.dynamic && value instanceof IndexedArray ? `a${letters}` : letters;
  const head = `declare -${shownLetters === '' ? '-' : shownLetters} ${name}`;
  if (value === undefined) return head;
  if (typeof value === 'string') return `${head}=${doubleQuoted(value)}`;
  if (value instanceof IndexedArray) {
    return `${head}=(${value
      .keys()
      .map((key) => `[${key}]=${doubleQuoted(value.get(key)!)}`)
      .join(' ')})`;
  }
  const items = value.keys().map((key) => `[${keyQuoted(key)}]=${doubleQuoted(value.get(key)!)} `);
  return `${head}=(${items.join('')})`;
}

/** A line of `set` for a variable; undefined if it has no value. */
export function settingOf(shell: Shell, name: string): string | undefined {
  const value = shell.valueOf(name);
  if (value === undefined) return undefined;
  if (typeof value === 'string') return `${name}=${quotedIfNeeded(value)}`;
  const text = declarationOf(shell, name)!;
  return text.slice(text.indexOf(' ', text.indexOf(' ') + 1) + 1);
}

interface Flags {
  on: Set<string>;
  off: Set<string>;
  rest: number;
}

/** Reads `-x +i …`; undefined (and a message) if one is unknown. */
async function flagsOf(
  shell: Shell,
  argv: readonly string[],
  known: string,
  usage: string,
): Promise<Flags | undefined> {
  const flags: Flags = { on: new Set(), off: new Set(), rest: 1 };
  while (flags.rest < argv.length) {
    const argument = argv[flags.rest]!;
    if (argument === '--') {
      flags.rest++;
      break;
    }
    if (!/^[-+]./.test(argument)) break;
    for (const letter of argument.slice(1)) {
      if (!known.includes(letter)) {
        await shell.error(`${argv[0]}: ${argument[0]}${letter}: invalid option`);
        await shell.complain(`${argv[0]}: usage: ${usage}`);
        return undefined;
      }
      (argument[0] === '-' ? flags.on : flags.off).add(letter);
    }
    flags.rest++;
  }
  return flags;
}

const USAGES: Readonly<Record<string, string>> = {
  declare: 'declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]',
  typeset: 'typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]',
  local: 'local [option] name[=value] ...',
  export: 'export [-fn] [name[=value] ...] or export -p',
  readonly: 'readonly [-aAf] [name[=value] ...] or readonly -p',
};

/** declare, typeset, local, export and readonly. */
export async function declare(shell: Shell, argv: readonly string[], output: BuiltinOutput): Promise<number> {
  const command = argv[0]!;
  const letters = command === 'export' ? 'fnp' : command === 'readonly' ? 'aAfp' : 'aAfFgiIlnprtuxc';
  const values = new Map(shell.declarationValues);
  shell.declarationValues.clear();
  if (command === 'local' && !shell.frames.some((frame) => frame.kind === 'function')) {
    await shell.error('local: can only be used in a function');
    return 1;
  }
  const flags = await flagsOf(shell, argv, letters, USAGES[command]!);
  if (!flags) return 2;
  const { on, off, rest } = flags;
  const names = argv.slice(rest);
  if (on.has('f') || on.has('F')) return declareFunctions(shell, argv, flags, output);
  if (names.length === 0 || on.has('p')) return listDeclarations(shell, command, flags, names, output);
  let status = 0;
  for (const [i, argument] of names.entries()) {
    const tree = values.get(rest + i);
    const hit = /^([A-Za-z_][A-Za-z0-9_]*)(\[.*?\])?(?:(\+?=)(.*))?$/s.exec(argument);
    if (!hit) {
      await shell.error(`${command}: \`${argument}': not a valid identifier`);
      status = 1;
      continue;
    }
    const [, name, element, operator, text] = hit as unknown as [string, string, string?, string?, string?];
    try {
      const done = await declareOne(shell, command, on, off, name, element, operator, text, tree);
      if (!done) status = 1;
    } catch (error) {
      if (error instanceof ReadonlyError) {
        await shell.error(`${command === 'export' || command === 'readonly' ? '' : `${command}: `}${error.message}`);
        status = 1;
      } else if (error instanceof Error && (error.name === 'ArithmeticError' || error instanceof SubscriptError)) {
        await shell.error(`${command}: ${error.message}`);
        status = 1;
        if (error.name === 'ArithmeticError') throw new Discard(1);
      } else throw error;
    }
  }
  return status;
}

async function declareOne(
  shell: Shell,
  command: string,
  on: ReadonlySet<string>,
  off: ReadonlySet<string>,
  name: string,
  element: string | undefined,
  operator: string | undefined,
  text: string | undefined,
  tree: Assignment | undefined,
): Promise<boolean> {
  const inFunction = shell.frames.some((frame) => frame.kind === 'function');
  const isLocal =
    command === 'local' || ((command === 'declare' || command === 'typeset') && inFunction && !on.has('g'));
  let v: Variable | undefined;
  const outer = shell.variables.find(name);
  if (isLocal) {
    v = shell.declareLocal(name);
    if (v !== outer && outer !== undefined && shell.shopt('localvar_inherit') && v.value === undefined) {
      Object.assign(v, { ...outer, readonly: false });
    }
  } else if (on.has('g')) {
    v = shell.variables.global.variables.get(name);
  } else {
    const target = on.has('n') || off.has('n') ? name : shell.resolve(name).name;
    v = shell.variables.find(target);
    if (command === 'export' && v !== undefined) {
      // what stands before the command is in a scope that goes: the variable itself is meant
    }
  }
  if (v === undefined) {
    const target = shell.resolve(name).name;
    v = variable(undefined);
    shell.variables.global.variables.set(target, v);
  }
  const fixed = v.readonly;
  if (fixed && (operator !== undefined || off.has('r'))) throw new ReadonlyError(name);
  if (on.has('A') && !(v.value instanceof AssociativeArray)) {
    if (v.value instanceof IndexedArray && v.value.size > 0) {
      await shell.error(`${command}: ${name}: cannot convert indexed to associative array`);
      return false;
    }
    const old = v.value;
    v.value = new AssociativeArray();
    if (typeof old === 'string') v.value.set('0', old);
    v.arrayDeclared = 'A';
  } else if (
    (on.has('a') || element !== undefined) &&
    !(v.value instanceof IndexedArray) &&
    !(v.value instanceof AssociativeArray)
  ) {
    const old = v.value;
    v.arrayDeclared = 'a';
    if (typeof old === 'string') v.value = IndexedArray.from([old]);
  } else if (on.has('a') && v.value instanceof AssociativeArray) {
    await shell.error(`${command}: ${name}: cannot convert associative to indexed array`);
    return false;
  }
  if (on.has('i')) v.integer = true;
  if (off.has('i')) v.integer = false;
  if (on.has('l')) v.letters = 'l';
  if (on.has('u')) v.letters = 'u';
  if (on.has('c')) v.letters = 'c';
  if (on.has('l') && on.has('u')) v.letters = '';
  for (const letter of ['l', 'u', 'c'] as const) if (off.has(letter) && v.letters === letter) v.letters = '';
  if (on.has('n') && command !== 'export') {
    if (text !== undefined) {
      if (text === name && !inFunction) {
        await shell.error(`${command}: ${name}: nameref variable self references not allowed`);
        return false;
      }
      if (!isName(text.replace(/\[.*\]$/s, ''))) {
        await shell.error(`${command}: \`${text}': invalid variable name for name reference`);
        return false;
      }
      v.value = text;
    }
    v.nameref = true;
    if (on.has('r')) v.readonly = true;
    return true;
  }
  if (off.has('n')) v.nameref = false;
  if (command === 'export') v.exported = !on.has('n');
  if (on.has('x')) v.exported = true;
  if (off.has('x')) v.exported = false;
  if (tree?.value.type === 'ArrayValue') {
    const scoped = shell.variables.find(name) === v;
    if (scoped) await assignArray(shell, name, tree.value, operator === '+=');
    else {
      // a global one below a local of the same name
      const scopes = shell.variables.scopes;
      shell.variables.scopes = [shell.variables.global];
      await assignArray(shell, name, tree.value, operator === '+=');
      shell.variables.scopes = scopes;
    }
  } else if (text !== undefined) {
    const scopes = shell.variables.scopes;
    if (shell.variables.find(name) !== v && !v.nameref && !isLocal && on.has('g'))
      shell.variables.scopes = [shell.variables.global];
    if (element !== undefined) shell.setElement(name, element.slice(1, -1), text, operator === '+=');
    else if (on.has('a') && /^\(.*\)$/s.test(text)) await assignText(shell, name, text);
    else if (on.has('A') && /^\(.*\)$/s.test(text)) await assignText(shell, name, text);
    else if (v.arrayDeclared === 'a' && v.value === undefined) {
      v.value = new IndexedArray();
      shell.set(name, text, operator === '+=');
    } else shell.set(name, text, operator === '+=');
    shell.variables.scopes = scopes;
  }
  if (command === 'readonly' || on.has('r')) v.readonly = true;
  return true;
}

/** `declare -a "x=(…)"`: the list came as text. */
async function assignText(shell: Shell, name: string, text: string): Promise<void> {
  const source = new Source(`x=${text}`, shell.line);
  const command = source.tree.commands[0]?.command;
  const assignment = command?.type === 'Command' ? command.prefix[0] : undefined;
  if (assignment?.type !== 'Assignment' || assignment.value.type !== 'ArrayValue') return;
  const outer = shell.source;
  shell.source = source;
  await assignArray(shell, name, assignment.value, false);
  shell.source = outer;
}

async function listDeclarations(
  shell: Shell,
  command: string,
  flags: Flags,
  names: readonly string[],
  output: BuiltinOutput,
): Promise<number> {
  let status = 0;
  if (names.length > 0) {
    for (const name of names) {
      const text = declarationOf(shell, name);
      if (text === undefined) {
        await output.lines();
        await shell.error(`${command}: ${name}: not found`);
        status = 1;
      } else output.chunk(`${text}\n`);
    }
    return status;
  }
  const scope = command === 'local' ? shell.variables.local.variables : undefined;
  for (const name of scope ? [...scope.keys()].sort() : shell.variables.names()) {
    const v = shell.variables.find(name)!;
    const letters = attributeLetters(v);
    if (command === 'export' && !v.exported) continue;
    if (command === 'readonly' && !v.readonly) continue;
    if ([...flags.on].some((letter) => letter !== 'p' && letter !== 'g' && !letters.includes(letter))) continue;
    if (flags.on.size === 0 && (command === 'declare' || command === 'typeset' || command === 'local')) {
      const text = settingOf(shell, name);
      if (text !== undefined) output.chunk(`${text}\n`);
    } else {
      const text = declarationOf(shell, name)!;
      output.chunk(`${text}\n`);
    }
  }
  if (flags.on.size === 0 && (command === 'declare' || command === 'typeset')) {
    for (const [name, definition] of [...shell.functions].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      output.chunk(`${printFunction(name, definition)}\n`);
    }
  }
  return 0;
}

async function declareFunctions(
  shell: Shell,
  argv: readonly string[],
  flags: Flags,
  output: BuiltinOutput,
): Promise<number> {
  const command = argv[0]!;
  const names = argv.slice(flags.rest);
  let status = 0;
  if (names.length === 0) {
    for (const [name, definition] of [...shell.functions].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
      if (command === 'export' && !definition.exported) continue;
      if (flags.on.has('F')) output.chunk(`declare -f ${name}\n`);
      else output.chunk(`${printFunction(name, definition)}\n`);
    }
    return 0;
  }
  for (const name of names) {
    const definition = shell.functions.get(name);
    if (!definition) {
      if (command === 'export' || command === 'readonly') await shell.error(`${command}: ${name}: not a function`);
      status = 1;
      continue;
    }
    const copy = { ...definition };
    if (command === 'export' || flags.on.has('x')) copy.exported = !flags.on.has('n');
    else if (command === 'readonly' || flags.on.has('r')) copy.readonly = true;
    else if (flags.on.has('F')) output.chunk(`${name}\n`);
    else output.chunk(`${printFunction(name, definition)}\n`);
    shell.functions.set(name, copy);
  }
  return status;
}
