import { describe, expect, it } from 'vitest';
import {
  decimalField,
  emptyLine,
  FtraceSyntaxError,
  field,
  fieldUpTo,
  hexField,
  parseLine,
} from '../../bindings/trace/ftrace.ts';

function parse(text: string) {
  const line = emptyLine();
  parseLine(text, 0, text.length, line);
  return line;
}

describe('parseLine', () => {
  it('takes a plain line apart', () => {
    expect(
      parse('            init-1       (      1) [001] d..2.   405.339831: mm_page_alloc: page=0 pfn=0x2c5bb order=0'),
    ).toEqual({
      comm: 'init',
      pid: 1,
      tgid: 1,
      cpu: 1,
      flags: 'd..2.',
      seconds: 405,
      nanos: 339831000,
      event: 'mm_page_alloc',
      rest: 'page=0 pfn=0x2c5bb order=0',
    });
  });

  it.each([
    ['     kworker/1:2-51      (     51) [001] .....   1.000001: e: x', 'kworker/1:2', 51],
    ['          <idle>-0       (-------) [000] ..s1.   1.000001: e: x', '<idle>', 0],
    ['  Web Content-1-77       (     70) [000] .....   1.000001: e: x', 'Web Content-1', 77],
    ['     a (b) [c]-12        (     12) [000] .....   1.000001: e: x', 'a (b) [c]', 12],
    ['     a [000] b-13        (     13) [000] .....   1.000001: e: x', 'a [000] b', 13],
    ['           -x--14        [000] ....   1.000001: e: x', '-x-', 14],
    ['           <...>-4194303 [000] d..1 1.000001: e: x', '<...>', 4194303],
  ])('reads the task of %j', (text, comm, pid) => {
    expect(parse(text)).toMatchObject({ comm, pid, event: 'e', rest: 'x' });
  });

  it('keeps nanoseconds exact', () => {
    expect(parse('a-1 [000] .... 9999999999.123456789: e: x')).toMatchObject({ seconds: 9999999999, nanos: 123456789 });
    expect(parse('a-1 [000] .... 1.000001: e: x').nanos).toBe(1000);
  });

  it('keeps colons and brackets of the rest', () => {
    expect(parse('a-1 [000] .... 1.000001: tracing_mark_write: KNOB a: [001] .... 2.0: b')).toMatchObject({
      event: 'tracing_mark_write',
      rest: 'KNOB a: [001] .... 2.0: b',
    });
    expect(parse('a-1 [000] .... 1.000001: e:').rest).toBe('');
  });

  it.each([
    ['hello world', 'no [cpu] column'],
    ['a [000] .... 1.000001: e: x', 'no comm-pid column'],
    ['a-1 [000] .... x: e: x', 'no time stamp'],
    ['a-1 [000] .... 1.0000001234: e: x', 'no time stamp'],
    ['a-1 [000] .... 1.000001', 'no time stamp'],
    ['a-1 [000] .... 1.000001: mm_page', 'no event name'],
    ['a-1 [000] 1.000001: e: x', 'no flags column'],
    ['a-1 [99999] .... 1.000001: e: x', 'out of range'],
  ])('refuses %j', (text, reason) => {
    expect(() => parse(text)).toThrow(FtraceSyntaxError);
    expect(() => parse(text)).toThrow(reason);
  });
});

describe('fields', () => {
  it('does not take one key for the end of another', () => {
    expect(decimalField('filename=/bin/x old_pid=3 pid=4', 'pid=')).toBe(4);
    expect(decimalField('old_pid=3', 'pid=')).toBeNaN();
  });

  it('reads numbers', () => {
    expect(decimalField('nr=-5 a=1', 'nr=')).toBe(-5);
    expect(decimalField('cgid=(fault)', 'cgid=')).toBeNaN();
    expect(decimalField('cgid=12x', 'cgid=')).toBeNaN();
    expect(hexField('page=0xffffea000081d5c0 x=1', 'page=')).toBe(0xea000081d5c0);
    expect(hexField('ino fe00010 pfn=0x1', 'ino ')).toBe(0xfe00010);
    expect(hexField('page=0xg', 'page=')).toBeNaN();
    expect(hexField('page=', 'page=')).toBeNaN();
  });

  it('reads names with spaces up to the next key', () => {
    expect(fieldUpTo('comm=a b child_comm=c d child_pid=7', 'child_comm=', 'child_pid=')).toBe('c d');
    expect(field('a=b c=d', 'a=')).toBe('b');
  });
});
