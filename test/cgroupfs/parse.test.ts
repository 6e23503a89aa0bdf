/** What the kernel accepts in its control files. The cases are those of its parsers, and what 6.1 and 6.18 answered to a shell. */
import { describe, expect, it } from 'vitest';
import { memparse, pageCounterMemparse, parseReclaim, parseSwitch, printPages } from '../../bindings/index.ts';

const MAX = 2251799813685247n;
const EIB = 2n ** 60n;

const errnoOf = (action: () => unknown) => {
  try {
    return action();
  } catch (error) {
    return (error as { errno?: string }).errno;
  }
};

describe('a limit', () => {
  it.each([
    ['max', MAX],
    [' max\n', MAX],
    ['64M', 16384n],
    ['65537', 16n],
    ['1G', 262144n],
    ['10T', 10n * 2n ** 28n],
    ['0', 0n],
    ['0x1000', 1n],
    ['0x100000', 256n],
    ['0X2000', 2n],
    ['010000', 1n],
    ['5m', 1280n],
    ['4095', 0n],
    ['4096\n', 1n],
    ['', 0n],
    ['\n', 0n],
    [' \t ', 0n],
    ['K', 0n],
    ['8E', MAX],
    ['7E', (7n * EIB) / 4096n],
    // 2^64 bytes wrap to 0, and one page more to one page
    ['16E', 0n],
    ['18446744073709551616', 0n],
    ['18446744073709555712', 1n],
  ])('takes %j', (text, pages) => expect(pageCounterMemparse(text)).toBe(pages));

  it.each([
    '-1',
    'abc',
    '1.5G',
    '10KB',
    '5 M',
    'MAX',
    '1Q',
    '0x',
    '08',
    '+5',
    'max max',
    '4096 4096',
  ])('refuses %j', (text) => expect(errnoOf(() => pageCounterMemparse(text))).toBe('EINVAL'));

  it('reads back as bytes, or "max"', () => {
    expect([printPages(MAX), printPages(16384n), printPages(0n)]).toEqual(['max', '67108864', '0']);
  });

  it('leaves what memparse() does not know', () => {
    expect(memparse('12kx')).toEqual({ bytes: 12288n, rest: 'x' });
    expect(memparse('0x')).toEqual({ bytes: 0n, rest: 'x' });
    expect(memparse('-1')).toEqual({ bytes: 0n, rest: '-1' });
  });
});

describe('a switch', () => {
  it.each([
    ['0', false],
    ['1', true],
    [' 1\n', true],
    ['+1', true],
    ['-0', false],
    ['0x1', true],
    ['01', true],
    ['2', 'EINVAL'],
    ['-1', 'EINVAL'],
    ['on', 'EINVAL'],
    ['', 'EINVAL'],
    ['1 1', 'EINVAL'],
    ['+-1', 'EINVAL'],
    ['2147483648', 'ERANGE'],
    ['-2147483648', 'EINVAL'],
    ['99999999999999999999', 'ERANGE'],
  ])('reads %j', (text, value) => expect(errnoOf(() => parseSwitch(text))).toBe(value));
});

describe('memory.reclaim', () => {
  const M30 = 7680n;
  it.each([
    ['30M', { pages: M30, swappiness: null }],
    ['30M swappiness=60', { pages: M30, swappiness: 60 }],
    ['  30M   swappiness=0  \n', { pages: M30, swappiness: 0 }],
    ['30M\tswappiness=200', { pages: M30, swappiness: 200 }],
    ['30Mswappiness=1', { pages: M30, swappiness: 1 }],
    ['30M swappiness=max', { pages: M30, swappiness: 'max' }],
    ['30M swappiness=10 swappiness=20', { pages: M30, swappiness: 20 }],
    ['30M swappiness=max swappiness=0x14', { pages: M30, swappiness: 20 }],
    ['4095', { pages: 0n, swappiness: null }],
    ['K', { pages: 0n, swappiness: null }],
    ['', 'EINVAL'],
    ['max', 'EINVAL'],
    ['swappiness=60', 'EINVAL'],
    ['30M swappiness=201', 'EINVAL'],
    ['30M swappiness=-1', 'EINVAL'],
    ['30M swappiness=', 'EINVAL'],
    ['30M swappiness=6x', 'EINVAL'],
    ['30M 30M', 'EINVAL'],
    ['30M priority=3', 'EINVAL'],
  ])('of 6.18 reads %j', (text, request) => expect(errnoOf(() => parseReclaim(text))).toEqual(request));

  it.each([
    ['30M', { pages: M30, swappiness: null }],
    ['\n', { pages: MAX, swappiness: null }],
    ['', { pages: MAX, swappiness: null }],
    ['max', 'EINVAL'],
    ['30M swappiness=60', 'EINVAL'],
  ])('of 6.1 reads %j', (text, request) => expect(errnoOf(() => parseReclaim(text, '6.1'))).toEqual(request));
});
