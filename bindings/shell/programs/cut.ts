/** cut(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command } from './command.ts';
import { Input } from './input.ts';
import { quote, quoteIfNeeded } from './quote.ts';

const LONG = {
  ...{ 'bytes=': 'b', 'characters=': 'c', 'fields=': 'f', 'delimiter=': 'd', 'only-delimited': 's' },
  ...{ complement: 'complement', 'output-delimiter=': 'output', 'zero-terminated': 'z' },
};

/** Ranges of positions from 1, sorted and merged. */
function rangesOf(c: Command, list: string, fields: boolean): [number, number][] {
  const what = fields ? 'field' : 'byte/character';
  const position = fields ? 'fields are numbered from 1' : 'byte/character positions are numbered from 1';
  const ranges: [number, number][] = [];
  for (const item of list.split(/[, \t]/)) {
    const match = /^(\d*)(?:(-)(\d*))?$/.exec(item);
    if (match === null) {
      const bad = /^\d*-?\d*-/.test(item) && /^[\d-]*$/.test(item) ? '' : item.replace(/^[\d-]+/, '');
      if (bad === '') c.usage(`invalid ${fields ? 'field range' : 'byte or character range'}`);
      c.usage(`invalid ${what}${fields ? ' value' : ' position'} ${quote(bad)}`);
    }
    const [, from, dash, to] = match as unknown as [string, string, string | undefined, string | undefined];
    if (dash === undefined) {
      if (from === '' || Number(from) === 0) c.usage(position);
      ranges.push([Number(from), Number(from)]);
    } else {
      if (from === '' && to === '') c.usage('invalid range with no endpoint: -');
      const start = from === '' ? 1 : Number(from);
      const end = to === '' ? Number.POSITIVE_INFINITY : Number(to);
      if (start === 0) c.usage(position);
      if (end < start) c.usage('invalid decreasing range');
      ranges.push([start, end]);
    }
  }
  ranges.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    // Touching ranges stay apart: an output delimiter goes between them.
    if (last !== undefined && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
    else merged.push([...range]);
  }
  return merged;
}

function complementOf(ranges: [number, number][]): [number, number][] {
  const out: [number, number][] = [];
  let next = 1;
  for (const [from, to] of ranges) {
    if (from > next) out.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next !== Number.POSITIVE_INFINITY) out.push([next, Number.POSITIVE_INFINITY]);
  return out;
}

export const cut: Program = command(async (c: Command) => {
  const { options, operands } = c.parse('b:c:d:f:nsz', LONG);
  let list: string | undefined;
  let mode = '';
  let delimiter: string | undefined;
  let outputDelimiter: string | undefined;
  let only = false;
  let complement = false;
  let end = '\n';
  for (const { key, value } of options) {
    if ('bcf'.includes(key)) {
      if (mode !== '') c.usage('only one list may be specified');
      mode = key;
      list = value;
    } else if (key === 'd') {
      if (value.length > 1) c.usage('the delimiter must be a single character');
      delimiter = value === '' ? '\0' : value;
    } else if (key === 's') only = true;
    else if (key === 'output') outputDelimiter = value === '' ? '\0' : value;
    else if (key === 'complement') complement = true;
    else if (key === 'z') end = '\0';
  }
  if (list === undefined) c.usage('you must specify a list of bytes, characters, or fields');
  const fields = mode === 'f';
  if (!fields && delimiter !== undefined) c.usage('an input delimiter may be specified only when operating on fields');
  if (!fields && only) c.usage('suppressing non-delimited lines makes sense\n\tonly when operating on fields');
  let ranges = rangesOf(c, list, fields);
  if (complement) ranges = complementOf(ranges);
  const tab = delimiter ?? '\t';
  const pick = (line: string): string | undefined => {
    if (!fields)
      return ranges
        .map(([from, to]) => line.slice(from - 1, to))
        .filter((part, i) => part !== '' || ranges[i]![0] <= line.length)
        .join(outputDelimiter ?? '');
    if (!line.includes(tab)) return only ? undefined : line;
    const parts = line.split(tab);
    return ranges.flatMap(([from, to]) => parts.slice(from - 1, to)).join(outputDelimiter ?? tab);
  };
  for (const name of operands.length === 0 ? ['-'] : operands) {
    const opened = name === '-' ? { value: 0 } : await attempt(() => c.process.open(name, { read: true }));
    if ('error' in opened) {
      await c.error(`${quoteIfNeeded(name)}: ${opened.error.message}`);
      continue;
    }
    const input = new Input(c.process, opened.value);
    try {
      for (let line = await input.line(end); line !== null; line = await input.line(end)) {
        const picked = pick(line.text);
        if (picked !== undefined) await c.out.write(picked + end);
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      await c.error(`${quoteIfNeeded(name)}: ${error.message}`);
    }
    if (opened.value !== 0) c.process.close(opened.value);
  }
  return undefined;
});
