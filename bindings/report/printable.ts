/** A name from a recording as text for a terminal: control characters must not reach it. */
export function printable(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
