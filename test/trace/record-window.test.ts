import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordWindow } from '../../bindings/trace/record-window.ts';

/** Pushes records whose bytes are their number, flushing at the limits given in between; answers what came out. */
function through(
  times: readonly (number | { flush: number })[],
  maxBytes: number,
): { out: number[][]; window: RecordWindow } {
  const out: number[][] = [];
  const window = new RecordWindow(maxBytes, (bytes, at, size, ts) => {
    expect(size).toBe(8);
    out.push([ts, bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]);
  });
  times.forEach((time, n) => {
    if (typeof time !== 'number') {
      window.flush(time.flush);
      return;
    }
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(n, 4);
    bytes.writeUInt32LE(~n >>> 0, 8);
    window.push(time, bytes, 4, 8);
  });
  window.flush(Number.POSITIVE_INFINITY);
  return { out, window };
}

describe('the window that puts records in order', () => {
  it('sorts by time, and keeps the order of arrival at equal times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 300 }), (times) => {
        const { out } = through(times, 1 << 20);
        const want = times.map((ts, n) => [ts, n, ~n >>> 0]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
        expect(out).toEqual(want);
      }),
    );
  });

  it('hands out at a flush what is not later, and the rest later', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 5, arbitrary: fc.nat(50) }, fc.record({ flush: fc.nat(50) })), { maxLength: 200 }),
        (steps) => {
          const waiting: [number, number][] = [];
          const want: number[][] = [];
          const flush = (limit: number) => {
            waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
            while (waiting.length > 0 && waiting[0]![0] <= limit) {
              const [ts, n] = waiting.shift()!;
              want.push([ts, n, ~n >>> 0]);
            }
          };
          steps.forEach((step, n) => {
            if (typeof step === 'number') waiting.push([step, n]);
            else flush(step.flush);
          });
          flush(Number.POSITIVE_INFINITY);
          expect(through(steps, 1 << 20).out).toEqual(want);
        },
      ),
    );
  });

  it('stays within its bytes: then the older half goes out early, and it counts that', () => {
    const times = Array.from({ length: 5000 }, (_, n) => n ^ 1);
    const { out, window } = through(times, 800);
    expect(out).toHaveLength(5000);
    expect(window.overflows).toBeGreaterThan(50);
    expect(out.map(([ts]) => ts)).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  });
});
