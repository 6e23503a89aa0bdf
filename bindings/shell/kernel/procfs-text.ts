/** The texts of proc that are formats, not state. */

/** Lines of a mount for /proc/mounts and /proc/PID/mounts: what must not be read as a separator is octal. */
export function mangle(text: string): string {
  return text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** `MemTotal:        1016372 kB` */
export function meminfoLine(name: string, kib: number): string {
  return `${`${name}:`.padEnd(16)}${String(Math.max(0, Math.floor(kib))).padStart(8)} kB\n`;
}

/** A mask of signals, 16 hex digits. */
export function signalMask(signals: readonly number[]): string {
  let mask = 0n;
  for (const signal of signals) mask |= 1n << BigInt(signal - 1);
  return mask.toString(16).padStart(16, '0');
}

/** Integers as sysctl and kstrtoint read them. SyscallError EINVAL is the caller's to throw: null. */
export function parseInt10(text: string): number | null {
  const match = /^[ \t\n]*([+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))[ \t\n\0]*$/.exec(text);
  if (match === null) return null;
  const word = match[1]!;
  const negative = word.startsWith('-');
  const digits = word.replace(/^[+-]/, '');
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return negative ? -value : value;
}

/** ns as seconds with two digits, cut. */
export function seconds(ns: bigint): string {
  const hundredths = ns / 10_000_000n;
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`;
}
