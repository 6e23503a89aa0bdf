/**
 * LZMA2, the filter of xz files: chunks of at most 64 KiB that become at most 2 MiB. Names and the layout of the probabilities are
 * those of the kernel's decoder (lib/xz/xz_dec_lzma2.c, xz_lzma2.h).
 */
import type { ByteQueue } from './byte-queue.ts';
import { DamagedError } from './damaged.ts';
import { Window } from './window.ts';

const STATES = 12;
const POS_STATES = 16;
const LIT_STATES = 7;
const MATCH_LEN_MIN = 2;
const DIST_MODEL_START = 4;
const DIST_MODEL_END = 14;
const ALIGN_BITS = 4;

const IS_MATCH = 0;
const IS_REP = IS_MATCH + STATES * POS_STATES;
const IS_REP0 = IS_REP + STATES;
const IS_REP1 = IS_REP0 + STATES;
const IS_REP2 = IS_REP1 + STATES;
const IS_REP0_LONG = IS_REP2 + STATES;
const DIST_SLOT = IS_REP0_LONG + STATES * POS_STATES;
const DIST_SPECIAL = DIST_SLOT + 4 * 64;
const DIST_ALIGN = DIST_SPECIAL + 114;
// A length decoder: choice, choice2, low[16][8], mid[16][8], high[256].
const LEN_LOW = 2;
const LEN_MID = LEN_LOW + POS_STATES * 8;
const LEN_HIGH = LEN_MID + POS_STATES * 8;
const LEN_SIZE = LEN_HIGH + 256;
const MATCH_LEN = DIST_ALIGN + (1 << ALIGN_BITS);
const REP_LEN = MATCH_LEN + LEN_SIZE;
const LITERAL = REP_LEN + LEN_SIZE;
const PROBS = LITERAL + (0x300 << 4);
const PROB_INIT = 1024;

export class Lzma2Decoder {
  readonly #window = new Window();
  readonly #probs = new Uint16Array(PROBS);
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  #lc = 0;
  #literalPosMask = 0;
  #posMask = 0;
  /** bytes since the dictionary was reset */
  #position = 0;
  #needDictionary = true;
  #needProperties = true;

  /** The decoded bytes up to the end marker, in copies. */
  async *decode(input: ByteQueue, dictionaryBytes: number): AsyncGenerator<Buffer, undefined> {
    const window = this.#window;
    window.reset(dictionaryBytes);
    this.#needDictionary = true;
    this.#needProperties = true;
    for (;;) {
      const control = await input.byte();
      if (control === 0) return undefined;
      if (control >= 0xe0 || control === 1) {
        window.reset(dictionaryBytes);
        this.#position = 0;
        this.#needDictionary = false;
      } else if (this.#needDictionary) {
        throw new DamagedError('no dictionary reset');
      }
      if (control < 0x80) {
        if (control > 2) throw new DamagedError('unknown chunk');
        const head = await input.take(2);
        const size = ((head[0]! << 8) | head[1]!) + 1;
        const bytes = await input.take(size);
        window.reserve(size);
        window.bytes.set(bytes, window.end);
        window.end += size;
        this.#position += size;
        yield Buffer.from(bytes);
        continue;
      }
      const head = await input.take(4);
      const size = (((control & 0x1f) << 16) | (head[0]! << 8) | head[1]!) + 1;
      const packed = ((head[2]! << 8) | head[3]!) + 1;
      if (control >= 0xc0) this.#properties(await input.byte());
      else if (this.#needProperties) throw new DamagedError('no properties');
      if (control >= 0xa0) this.#resetState();
      const bytes = await input.take(packed);
      window.reserve(size);
      const from = window.end;
      this.#chunk(bytes, size);
      yield Buffer.from(window.bytes.subarray(from, window.end));
    }
  }

  #properties(byte: number): void {
    if (byte > (4 * 5 + 4) * 9 + 8) throw new DamagedError('bad properties');
    const pb = Math.floor(byte / 45);
    const lp = Math.floor((byte % 45) / 9);
    const lc = byte % 9;
    if (lc + lp > 4) throw new DamagedError('bad properties');
    this.#lc = lc;
    this.#literalPosMask = (1 << lp) - 1;
    this.#posMask = (1 << pb) - 1;
    this.#needProperties = false;
  }

  #resetState(): void {
    this.#probs.fill(PROB_INIT);
    this.#state = this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0;
  }

  /**
   * One chunk. The range decoder is written out wherever a bit is decoded: `range`, `code` and the input position stay in registers, which
   * calls would cost. All arithmetic is on 32 bits; reads past the end of `input` give 0, and the end is checked afterwards.
   */
  #chunk(input: Uint8Array, size: number): void {
    const window = this.#window;
    const out = window.bytes;
    const probs = this.#probs;
    const lc = this.#lc;
    const literalPosMask = this.#literalPosMask;
    const posMask = this.#posMask;
    let { end } = window;
    const limit = end + size;
    const start = end;
    const base = this.#position;
    const reach = window.reach;
    let state = this.#state;
    let rep0 = this.#rep0;
    let rep1 = this.#rep1;
    let rep2 = this.#rep2;
    let rep3 = this.#rep3;
    if (input.length < 5 || input[0] !== 0) throw new DamagedError('bad start of a chunk');
    let range = -1;
    let code = (input[1]! << 24) | (input[2]! << 16) | (input[3]! << 8) | input[4]!;
    let at = 5;
    let bound = 0;
    let p = 0;
    let i = 0;
    while (end < limit) {
      const position = base + end - start;
      const posState = position & posMask;
      i = IS_MATCH + (state << 4) + posState;
      p = probs[i]!;
      bound = Math.imul(range >>> 11, p);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probs[i] = p + ((2048 - p) >> 5);
        if (range >>> 0 < 0x1000000) {
          range <<= 8;
          code = (code << 8) | (input[at++] ?? 0);
        }
        // A literal.
        const previous = end > 0 ? out[end - 1]! : 0;
        const lowBits = position === 0 ? 0 : previous >> (8 - lc);
        const literal = LITERAL + 0x300 * (lowBits + ((position & literalPosMask) << lc));
        let symbol = 1;
        if (state >= LIT_STATES) {
          let match = out[end - rep0 - 1]! << 1;
          let offset = 0x100;
          while (symbol < 0x100) {
            const matchBit = match & offset;
            match <<= 1;
            i = literal + offset + matchBit + symbol;
            p = probs[i]!;
            bound = Math.imul(range >>> 11, p);
            if (code >>> 0 < bound >>> 0) {
              range = bound;
              probs[i] = p + ((2048 - p) >> 5);
              symbol <<= 1;
              offset &= ~matchBit;
            } else {
              range = (range - bound) | 0;
              code = (code - bound) | 0;
              probs[i] = p - (p >> 5);
              symbol = (symbol << 1) | 1;
              offset &= matchBit;
            }
            if (range >>> 0 < 0x1000000) {
              range <<= 8;
              code = (code << 8) | (input[at++] ?? 0);
            }
          }
        } else {
          while (symbol < 0x100) {
            i = literal + symbol;
            p = probs[i]!;
            bound = Math.imul(range >>> 11, p);
            if (code >>> 0 < bound >>> 0) {
              range = bound;
              probs[i] = p + ((2048 - p) >> 5);
              symbol <<= 1;
            } else {
              range = (range - bound) | 0;
              code = (code - bound) | 0;
              probs[i] = p - (p >> 5);
              symbol = (symbol << 1) | 1;
            }
            if (range >>> 0 < 0x1000000) {
              range <<= 8;
              code = (code << 8) | (input[at++] ?? 0);
            }
          }
        }
        out[end++] = symbol;
        state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
        continue;
      }
      range = (range - bound) | 0;
      code = (code - bound) | 0;
      probs[i] = p - (p >> 5);
      if (range >>> 0 < 0x1000000) {
        range <<= 8;
        code = (code << 8) | (input[at++] ?? 0);
      }
      let lengths = MATCH_LEN;
      let isNew = false;
      i = IS_REP + state;
      p = probs[i]!;
      bound = Math.imul(range >>> 11, p);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probs[i] = p + ((2048 - p) >> 5);
        isNew = true;
        rep3 = rep2;
        rep2 = rep1;
        rep1 = rep0;
        state = state < LIT_STATES ? 7 : 10;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probs[i] = p - (p >> 5);
        if (range >>> 0 < 0x1000000) {
          range <<= 8;
          code = (code << 8) | (input[at++] ?? 0);
        }
        lengths = REP_LEN;
        i = IS_REP0 + state;
        p = probs[i]!;
        bound = Math.imul(range >>> 11, p);
        if (code >>> 0 < bound >>> 0) {
          range = bound;
          probs[i] = p + ((2048 - p) >> 5);
          if (range >>> 0 < 0x1000000) {
            range <<= 8;
            code = (code << 8) | (input[at++] ?? 0);
          }
          i = IS_REP0_LONG + (state << 4) + posState;
          p = probs[i]!;
          bound = Math.imul(range >>> 11, p);
          if (code >>> 0 < bound >>> 0) {
            range = bound;
            probs[i] = p + ((2048 - p) >> 5);
            // A short rep: one byte.
            if (range >>> 0 < 0x1000000) {
              range <<= 8;
              code = (code << 8) | (input[at++] ?? 0);
            }
            if (rep0 >>> 0 >= reach + end - start) throw new DamagedError('a match reaches too far back');
            state = state < LIT_STATES ? 9 : 11;
            out[end] = out[end - rep0 - 1]!;
            end++;
            continue;
          }
          range = (range - bound) | 0;
          code = (code - bound) | 0;
          probs[i] = p - (p >> 5);
        } else {
          range = (range - bound) | 0;
          code = (code - bound) | 0;
          probs[i] = p - (p >> 5);
          if (range >>> 0 < 0x1000000) {
            range <<= 8;
            code = (code << 8) | (input[at++] ?? 0);
          }
          i = IS_REP1 + state;
          p = probs[i]!;
          bound = Math.imul(range >>> 11, p);
          let distance = 0;
          if (code >>> 0 < bound >>> 0) {
            range = bound;
            probs[i] = p + ((2048 - p) >> 5);
            distance = rep1;
          } else {
            range = (range - bound) | 0;
            code = (code - bound) | 0;
            probs[i] = p - (p >> 5);
            if (range >>> 0 < 0x1000000) {
              range <<= 8;
              code = (code << 8) | (input[at++] ?? 0);
            }
            i = IS_REP2 + state;
            p = probs[i]!;
            bound = Math.imul(range >>> 11, p);
            if (code >>> 0 < bound >>> 0) {
              range = bound;
              probs[i] = p + ((2048 - p) >> 5);
              distance = rep2;
            } else {
              range = (range - bound) | 0;
              code = (code - bound) | 0;
              probs[i] = p - (p >> 5);
              distance = rep3;
              rep3 = rep2;
            }
            rep2 = rep1;
          }
          rep1 = rep0;
          rep0 = distance;
        }
        state = state < LIT_STATES ? 8 : 11;
      }
      if (range >>> 0 < 0x1000000) {
        range <<= 8;
        code = (code << 8) | (input[at++] ?? 0);
      }
      // The length: one of three bit trees.
      let tree = lengths + LEN_LOW + (posState << 3);
      let treeSize = 8;
      let length = MATCH_LEN_MIN;
      i = lengths;
      p = probs[i]!;
      bound = Math.imul(range >>> 11, p);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probs[i] = p + ((2048 - p) >> 5);
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probs[i] = p - (p >> 5);
        if (range >>> 0 < 0x1000000) {
          range <<= 8;
          code = (code << 8) | (input[at++] ?? 0);
        }
        i = lengths + 1;
        p = probs[i]!;
        bound = Math.imul(range >>> 11, p);
        if (code >>> 0 < bound >>> 0) {
          range = bound;
          probs[i] = p + ((2048 - p) >> 5);
          tree = lengths + LEN_MID + (posState << 3);
          length = MATCH_LEN_MIN + 8;
        } else {
          range = (range - bound) | 0;
          code = (code - bound) | 0;
          probs[i] = p - (p >> 5);
          tree = lengths + LEN_HIGH;
          treeSize = 256;
          length = MATCH_LEN_MIN + 16;
        }
      }
      if (range >>> 0 < 0x1000000) {
        range <<= 8;
        code = (code << 8) | (input[at++] ?? 0);
      }
      let symbol = 1;
      while (symbol < treeSize) {
        i = tree + symbol;
        p = probs[i]!;
        bound = Math.imul(range >>> 11, p);
        if (code >>> 0 < bound >>> 0) {
          range = bound;
          probs[i] = p + ((2048 - p) >> 5);
          symbol <<= 1;
        } else {
          range = (range - bound) | 0;
          code = (code - bound) | 0;
          probs[i] = p - (p >> 5);
          symbol = (symbol << 1) | 1;
        }
        if (range >>> 0 < 0x1000000) {
          range <<= 8;
          code = (code << 8) | (input[at++] ?? 0);
        }
      }
      length += symbol - treeSize;
      if (isNew) {
        const slots = DIST_SLOT + (Math.min(length - MATCH_LEN_MIN, 3) << 6);
        let slot = 1;
        while (slot < 64) {
          i = slots + slot;
          p = probs[i]!;
          bound = Math.imul(range >>> 11, p);
          if (code >>> 0 < bound >>> 0) {
            range = bound;
            probs[i] = p + ((2048 - p) >> 5);
            slot <<= 1;
          } else {
            range = (range - bound) | 0;
            code = (code - bound) | 0;
            probs[i] = p - (p >> 5);
            slot = (slot << 1) | 1;
          }
          if (range >>> 0 < 0x1000000) {
            range <<= 8;
            code = (code << 8) | (input[at++] ?? 0);
          }
        }
        slot -= 64;
        rep0 = slot;
        if (slot >= DIST_MODEL_START) {
          let bits = (slot >> 1) - 1;
          rep0 = 2 | (slot & 1);
          let reverse = DIST_ALIGN;
          if (slot < DIST_MODEL_END) {
            rep0 <<= bits;
            reverse = DIST_SPECIAL - 1 + rep0 - slot;
          } else {
            for (bits -= ALIGN_BITS; bits > 0; bits--) {
              range >>>= 1;
              code = (code - range) | 0;
              const mask = code >> 31;
              code = (code + (range & mask)) | 0;
              rep0 = (rep0 << 1) + mask + 1;
              if (range >>> 0 < 0x1000000) {
                range <<= 8;
                code = (code << 8) | (input[at++] ?? 0);
              }
            }
            rep0 <<= ALIGN_BITS;
            bits = ALIGN_BITS;
          }
          let node = 1;
          for (let bit = 0; bit < bits; bit++) {
            i = reverse + node;
            p = probs[i]!;
            bound = Math.imul(range >>> 11, p);
            if (code >>> 0 < bound >>> 0) {
              range = bound;
              probs[i] = p + ((2048 - p) >> 5);
              node <<= 1;
            } else {
              range = (range - bound) | 0;
              code = (code - bound) | 0;
              probs[i] = p - (p >> 5);
              node = (node << 1) | 1;
              rep0 += 1 << bit;
            }
            if (range >>> 0 < 0x1000000) {
              range <<= 8;
              code = (code << 8) | (input[at++] ?? 0);
            }
          }
        }
      }
      if (rep0 >>> 0 >= reach + end - start) throw new DamagedError('a match reaches too far back');
      if (length > limit - end) throw new DamagedError('a match is too long');
      const from = end - rep0 - 1;
      if (length <= 24 || rep0 + 1 < length) for (let k = 0; k < length; k++) out[end + k] = out[from + k]!;
      else out.copyWithin(end, from, from + length);
      end += length;
    }
    if (at !== input.length || code !== 0) throw new DamagedError('bad end of a chunk');
    window.end = end;
    this.#position = base + size;
    this.#state = state;
    this.#rep0 = rep0;
    this.#rep1 = rep1;
    this.#rep2 = rep2;
    this.#rep3 = rep3;
  }
}
