/** A test of one row of the debates (docs/debates/rows.md lists them all, with what each asserts). */
import { test } from 'vitest';

/** The rows, in their order. */
export const ROWS = [
  ...['S1', 'S2', 'S2a', 'S2b', 'S2c', 'S2d', 'S2e', 'S2f', 'S2g', 'S3', 'S3a', 'S3b', 'S3c', 'S3d', 'S4', 'S5'],
  ...['P1', 'P1a', 'P2', 'P2a', 'P3', 'P4', 'P5', 'P6', 'P7', 'P7a', 'P7b', 'P8'],
  ...['L1', 'L1a', 'L2', 'L2a', 'L2b', 'L2c', 'L2d', 'L2e', 'L3', 'L3a', 'L4', 'L4a', 'L4b', 'L4c', 'L5', 'L6', 'L7'],
  ...[
    'B1',
    'B2',
    'B2a',
    'B2b',
    'B2c',
    'B2d',
    'B2e',
    'B2f',
    'B2g',
    'B2h',
    'B3',
    'B3a',
    'B4',
    'B5',
    'B6',
    'B7',
    'B8',
    'B9',
  ],
  ...['K1', 'K1a', 'K2', 'K2r', 'K3', 'K3a', 'K3b', 'K3c', 'K3d', 'K3e', 'K3f', 'K4', 'K5', 'K6'],
] as const;

/** `id` is one of ROWS; `sentence` says, with figures, what is asserted, under which policies. A row may have several tests. */
export function row(id: string, sentence: string, run: () => void | Promise<void>): void {
  test(`${id}: ${sentence}`, run);
}
