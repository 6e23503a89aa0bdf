/**
 * A policy from a YAML or JSON file (JSON is YAML): a name, a preset that it begins with, and the answers that differ from that. What is
 * wrong is told in one line, with the line of the file and the field.
 */
import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import {
  type Answers,
  CONTEXTS,
  completeAnswers,
  definePolicy,
  KMEM_PAYERS,
  LINUX,
  OFFLINES,
  PAYERS,
  type Policy,
  PolicyError,
  REFUSALS,
  REUSES,
  REWRITES,
  SHARES,
  type SomeAnswers,
  WAKES,
  WORKERS,
} from './policy.ts';
import { PRESETS, presetOf } from './registry.ts';

/** Thrown for a file that is no policy; the message is the one line, FILE:LINE first. */
export class PolicyFileError extends Error {
  override name = 'PolicyFileError';
}

const PAGES_MAX = 2 ** 32 - 1;
const NS_MAX = 2 ** 53 - 1;

const yesOrNo = z.boolean().optional();

/** What a file may say. */
const FILE = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  summary: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}]*$/u)
    .optional(),
  base: z.enum(PRESETS.map((preset) => preset.name)).optional(),
  rewrite: z.enum([...REWRITES, 'none']).optional(),
  payer: z.enum(PAYERS).optional(),
  kmem: z.enum(KMEM_PAYERS).optional(),
  worker: z.enum(WORKERS).optional(),
  share: z.enum(SHARES).optional(),
  offline: z.enum(OFFLINES).optional(),
  reuse: z.enum(REUSES).optional(),
  refused: z
    .union([
      z.enum(REFUSALS),
      z.strictObject(
        Object.fromEntries(CONTEXTS.map((context) => [context, z.enum(REFUSALS).optional()])) as Record<
          (typeof CONTEXTS)[number],
          z.ZodOptional<z.ZodEnum<{ [R in (typeof REFUSALS)[number]]: R }>>
        >,
      ),
    ])
    .optional(),
  wake: z.enum(WAKES).optional(),
  chunk: z.int().min(0).max(PAGES_MAX).optional(),
  workDelay: z.int().min(0).max(NS_MAX).optional(),
  reclaimFirst: yesOrNo,
  recheck: yesOrNo,
  shortcut: yesOrNo,
  naive: yesOrNo,
  bucketsOnly: yesOrNo,
  defaultClasses: yesOrNo,
  swapinIssuer: yesOrNo,
  oneWorker: yesOrNo,
  backchargeKill: yesOrNo,
  allTmpfs: yesOrNo,
  objcgStays: yesOrNo,
} satisfies Record<keyof Answers | 'name' | 'summary' | 'base' | 'rewrite', z.ZodType>);

/** What is expected where the schema refuses, for a person. */
const FREE_FORMS: Readonly<Record<string, string>> = {
  name: 'letters a to z, digits, - and .: at most 64, the first a letter or a digit',
  summary: 'one line of text, at most 200 characters',
  refused: `one of ${REFUSALS.join(', ')}, or one for each of ${CONTEXTS.join(', ')}`,
  chunk: `a whole number of pages from 0 to ${PAGES_MAX}`,
  workDelay: `a whole number of ns from 0 to ${NS_MAX}`,
};

/** Reads a policy out of the text of a file. PolicyFileError says what is wrong, and where. */
export function parsePolicy(text: string, path: string): Policy {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const refuse = (offset: number, why: string): never => {
    throw new PolicyFileError(`${path}:${lines.linePos(offset).line || 1}: ${why}`);
  };
  // A tag that is not known would be passed over with a warning: here nothing is.
  const [broken] = [...document.errors, ...document.warnings];
  if (broken !== undefined) refuse(broken.pos[0], `not YAML: ${reason(broken)}`);
  const json = path.endsWith('.json') ? notJson(text) : null;
  if (json !== null) refuse(json.offset, `not JSON: ${json.why}`);
  const root = document.contents;
  if (!isMap(root)) return refuse(root?.range?.[0] ?? 0, 'not a policy: fields such as name and base are expected');
  /** Where a field stands; where it does not, where its part does, else the file's first. */
  const place = (field: readonly string[]): number | null => {
    let at: number | null = null;
    let node: Node | null = root;
    for (const key of field) {
      const pair: unknown = isMap(node)
        ? node.items.find((each) => isScalar(each.key) && each.key.value === key)
        : undefined;
      if (!isPair(pair)) return at;
      at = (pair.key as Node).range?.[0] ?? at;
      node = pair.value as Node | null;
    }
    return at;
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    return refuse(0, `not YAML: ${reason(error as Error)}`);
  }
  const read = FILE.safeParse(value, { reportInput: true });
  if (!read.success) {
    const [first] = read.error.issues
      .map((issue) => told(issue, value))
      .sort((a, b) => (place(a.field) ?? 0) - (place(b.field) ?? 0));
    return refuse(place(first!.field) ?? root.range?.[0] ?? 0, `field ${first!.field.join('.')}: ${first!.why}`);
  }
  const { name, summary, base: baseName, rewrite: rewriteName, ...answers } = read.data;
  if (PRESETS.some((preset) => preset.name === name))
    refuse(place(['name'])!, `field name: ${name} is the name of a preset`);
  const base = baseName === undefined ? null : presetOf(baseName);
  if (base?.oracle) refuse(place(['base'])!, `field base: ${base.name} is an oracle, which has no answers of its own`);
  const rewrite = rewriteName === 'none' ? undefined : (rewriteName ?? base?.rewrite);
  const complete = completeAnswers(base?.answers ?? LINUX, answers as SomeAnswers);
  try {
    return definePolicy({
      name,
      summary: summary ?? (base === null ? `defined in ${path}` : `${base.name}, as changed in ${path}`),
      rows: [],
      answers: complete,
      ...(rewrite === undefined ? {} : { rewrite }),
      ...needsOf(complete, rewrite),
    });
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    // The field that is refused may come from the base, and what it meets from the file.
    const [at] = [...error.fields, 'base'].map((field) => place(field.split('.'))).filter((each) => each !== null);
    return refuse(at ?? 0, `field ${error.message}`);
  }
}

/** A complaint of the parser in one line, in words for who wrote the file. */
function reason({ message }: Error): string {
  if (message.includes('call stack')) return 'nested too deeply';
  if (message.includes('multiple documents')) return 'a file holds one policy, and this one has several documents';
  return message.split('\n')[0]!;
}

/** Where a text is not JSON though the same may be YAML (a trailing comma, a comment), and why; null: it is JSON. */
function notJson(text: string): { offset: number; why: string } | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const { message } = error as Error;
    const at = /at position (\d+)/.exec(message);
    const why = message.replace(/(?: in JSON)?(?: at position.*)?$/s, '').replace(/\s+/g, ' ');
    // Of a short text the engine tells no position, but for its end.
    return { offset: at ? Number(at[1]) : message.includes('end of JSON') ? text.length : 0, why };
  }
}

/** A complaint of the schema: which field, and why. */
function told(issue: z.core.$ZodIssue, value: unknown): { field: string[]; why: string } {
  const field = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = field[0] === 'refused' ? CONTEXTS : Object.keys(FILE.shape);
    return { field: [...field, issue.keys[0]!], why: `there is no such field; known are ${known.join(', ')}` };
  }
  const given = field.reduce((at: unknown, key) => (at as Record<string, unknown> | undefined)?.[key], value);
  if (issue.code === 'invalid_union') {
    // Of a word or a mapping: the complaint of that which was tried.
    const inner =
      typeof given === 'object' && given !== null && !Array.isArray(given) ? issue.errors[1]?.[0] : undefined;
    if (inner !== undefined) return told({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue, value);
  }
  if (given === undefined) return { field, why: 'it is missing' };
  const expected =
    (field.length === 1 ? FREE_FORMS[field[0]!] : undefined) ??
    (issue.code === 'invalid_value' ? `one of ${issue.values.join(', ')}` : 'true or false');
  return { field, why: `${JSON.stringify(given)} is not ${expected}` };
}

/** What a mix needs of a trace follows from its answers. */
function needsOf(answers: Answers, rewrite: Policy['rewrite']): Pick<Policy, 'needs' | 'needsHits'> {
  const needs: string[] = [];
  const { payer, kmem, worker, share, offline, reuse, refused, wake } = answers;
  const everywhere =
    kmem === 'nobody' ||
    payer === 'nobody' ||
    share !== 'stay' ||
    wake !== 'never' ||
    Object.values(refused).some((how) => how !== 'kernel') ||
    rewrite === 'private-copies';
  if (payer === 'mount') needs.push('mount');
  if (payer === 'domain') needs.push('domain');
  if (['creator', 'named', 'handle'].includes(payer) || rewrite === 'preallocate') needs.push('object_new');
  if (worker !== 'issuer' || answers.swapinIssuer) needs.push('loop_configure');
  if (offline !== 'zombie' || answers.objcgStays || rewrite === 'layered' || rewrite === 'same') needs.push('rmdir');
  if (reuse === 'recharge' || rewrite === 'copy' || rewrite === 'recreate') needs.push('reopen', 'recharge');
  return { needs: everywhere ? [] : needs, needsHits: share !== 'stay' || offline === 'release' };
}
