/**
 * What a decoder has written, as far as a match may reach back. It grows with the output, not with what a header claims, and slides
 * once it holds twice the window.
 */
const FIRST_BYTES = 1 << 18;

export class Window {
  /** bytes up to {@link end} are output */
  bytes = new Uint8Array(FIRST_BYTES);
  end = 0;
  /** how far back a match may reach, in bytes */
  size = 0;

  /** Forgets everything; matches reach `size` bytes back from now on. */
  reset(size: number): void {
    this.size = size;
    this.end = 0;
    if (this.bytes.length > 4 * size + FIRST_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
  }

  /** Bytes that a match may reach back at most. */
  get reach(): number {
    return Math.min(this.end, this.size);
  }

  /** Makes room for `count` bytes after {@link end}; `bytes` and `end` may be others afterwards. */
  reserve(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const keep = this.reach;
    const most = 2 * this.size + count;
    if (this.bytes.length < most && this.bytes.length < keep + count + this.size) {
      const bytes = new Uint8Array(Math.min(most, Math.max(this.bytes.length * 2, keep + count)));
      bytes.set(this.bytes.subarray(this.end - keep, this.end));
      this.bytes = bytes;
    } else {
      this.bytes.copyWithin(0, this.end - keep, this.end);
    }
    this.end = keep;
  }
}
