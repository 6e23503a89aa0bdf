/** Character classes of the C locale: `[:alpha:]` and its like. */

const range = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join('');

const DIGIT = range(48, 57);
const UPPER = range(65, 90);
const LOWER = range(97, 122);
const PUNCT = range(33, 47) + range(58, 64) + range(91, 96) + range(123, 126);

const CLASSES: Readonly<Record<string, string>> = {
  alnum: DIGIT + UPPER + LOWER,
  alpha: UPPER + LOWER,
  blank: '\t ',
  cntrl: `${range(0, 31)}\x7f`,
  digit: DIGIT,
  graph: range(33, 126),
  lower: LOWER,
  print: range(32, 126),
  punct: PUNCT,
  space: '\t\n\v\f\r ',
  upper: UPPER,
  xdigit: `${DIGIT}ABCDEFabcdef`,
};

/** The members of a class, undefined when there is no such class. */
export function classOf(name: string): string | undefined {
  return CLASSES[name];
}
