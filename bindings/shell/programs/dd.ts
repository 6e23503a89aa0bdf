/** dd(1) */
import { SyscallError } from '../kernel/error.ts';
import type { Process, Program } from '../kernel/syscalls.ts';
import { attempt, type Command, command, errorOf } from './command.ts';
import { formatG } from './format.ts';
import { humanRate, humanSize } from './human.ts';
import { IoBuffer } from './io-buffer.ts';
import { parseNumber } from './numbers.ts';
import { quote, quoteIfNeeded, quoteName } from './quote.ts';

const CONVERSIONS = [
  'lcase',
  'ucase',
  'swab',
  'sparse',
  'sync',
  'excl',
  'nocreat',
  'notrunc',
  'noerror',
  'fdatasync',
  'fsync',
];
const UNMODELLED_CONVERSIONS = ['ascii', 'ebcdic', 'ibm', 'block', 'unblock'];
const FLAGS = [
  ...['append', 'direct', 'directory', 'dsync', 'sync', 'fullblock', 'nonblock', 'noatime', 'nocache', 'noctty'],
  ...['nofollow', 'nolinks', 'binary', 'text', 'cio', 'count_bytes', 'skip_bytes', 'seek_bytes'],
];
/** A block size of zero bytes is none, and glibc's memory has an end. */
const MAX_BLOCK = 2 ** 40;

/** What the command line asks for. */
interface Job {
  input: string | undefined;
  output: string | undefined;
  ibs: number;
  obs: number;
  /** one buffer for both: bs= was given, or the sizes are equal and nothing is converted */
  single: boolean;
  count: Amount | undefined;
  skip: Amount;
  seek: Amount;
  conv: Set<string>;
  iflag: Set<string>;
  oflag: Set<string>;
  status: 'none' | 'noxfer' | 'progress' | '';
}

/** A number of blocks, or of bytes (`B`, count_bytes and its like). */
interface Amount {
  value: number;
  bytes: boolean;
}

function numberOf(c: Command, text: string, least = 0): number {
  let total = 1;
  for (const factor of text.split('x')) {
    const value = parseNumber(factor, 'bcEGkKMPTwYZ0');
    if (typeof value !== 'number')
      c.fail(`invalid number: ${quote(text)}${value === 'overflow' ? ': Value too large for defined data type' : ''}`);
    total *= value;
  }
  if (total < least) c.fail(`invalid number: ${quote(text)}`);
  if (total > 2 ** 63) c.fail(`invalid number: ${quote(text)}: Value too large for defined data type`);
  return total;
}

function amountOf(c: Command, text: string): Amount {
  // `4096B` and `64KB`: 9.1 counts bytes when the number ends in B.
  const bytes = text.endsWith('B');
  return { value: numberOf(c, bytes && /\dB$/.test(text) ? text.slice(0, -1) : text), bytes };
}

function symbols(c: Command, text: string, allowed: readonly string[], what: string): Set<string> {
  const found = new Set<string>();
  for (const symbol of text.split(',')) {
    if (UNMODELLED_CONVERSIONS.includes(symbol) && what === 'conversion') c.fail(`conv=${symbol} is not supported`);
    if (!allowed.includes(symbol)) c.usage(`invalid ${what}: ${quote(symbol)}`);
    found.add(symbol);
  }
  return found;
}

function jobOf(c: Command): Job {
  const job: Job = {
    ...{ input: undefined, output: undefined, ibs: 512, obs: 512, single: false, count: undefined },
    ...{ skip: { value: 0, bytes: false }, seek: { value: 0, bytes: false } },
    ...{ conv: new Set<string>(), iflag: new Set<string>(), oflag: new Set<string>(), status: '' as const },
  };
  let block = 0;
  for (const arg of c.parse('', {}).operands) {
    const equals = arg.indexOf('=');
    const key = arg.slice(0, Math.max(0, equals));
    const value = arg.slice(equals + 1);
    if (key === 'if') job.input = value;
    else if (key === 'of') job.output = value;
    else if (key === 'bs' || key === 'ibs' || key === 'obs' || key === 'cbs') {
      const size = numberOf(c, value, 1);
      if (size > MAX_BLOCK) c.fail(`memory exhausted by input buffer of size ${size} bytes (${humanSize(size, 1024)})`);
      if (key === 'bs') block = size;
      else if (key === 'ibs') job.ibs = size;
      else if (key === 'obs') job.obs = size;
    } else if (key === 'count') job.count = amountOf(c, value);
    else if (key === 'skip' || key === 'iseek') job.skip = amountOf(c, value);
    else if (key === 'seek' || key === 'oseek') job.seek = amountOf(c, value);
    else if (key === 'conv') for (const s of symbols(c, value, CONVERSIONS, 'conversion')) job.conv.add(s);
    else if (key === 'iflag') for (const s of symbols(c, value, FLAGS, 'input flag')) job.iflag.add(s);
    else if (key === 'oflag') for (const s of symbols(c, value, FLAGS, 'output flag')) job.oflag.add(s);
    else if (key === 'status') {
      if (!['none', 'noxfer', 'progress'].includes(value)) c.usage(`invalid status level: ${quote(value)}`);
      job.status = value as Job['status'];
    } else c.usage(`unrecognized operand ${quote(arg)}`);
  }
  if (block > 0) job.ibs = job.obs = block;
  const converts = ['lcase', 'ucase', 'swab'].some((name) => job.conv.has(name));
  job.single = block > 0 && !converts;
  if (job.iflag.has('count_bytes') && job.count !== undefined) job.count.bytes = true;
  if (job.iflag.has('skip_bytes')) job.skip.bytes = true;
  if (job.oflag.has('seek_bytes')) job.seek.bytes = true;
  if (job.conv.has('lcase') && job.conv.has('ucase')) c.fail('cannot combine lcase and ucase');
  if (job.conv.has('excl') && job.conv.has('nocreat')) c.fail('cannot combine excl and nocreat');
  for (const [name, flags] of [
    ['iflag=directory', job.iflag],
    ['oflag=directory', job.oflag],
  ] as const)
    if (flags.has('directory')) c.fail(`${name} is not supported`);
  return job;
}

/** Copies, and counts what it copied. */
class Copy {
  readonly #c: Command;
  readonly #p: Process;
  readonly #job: Job;
  readonly #from: string;
  readonly #to: string;
  #inFull = 0;
  #inPartial = 0;
  #outFull = 0;
  #outPartial = 0;
  #bytes = 0;
  readonly #start: bigint;
  /** bytes for an output block that is not full yet */
  #held: Uint8Array[] = [];
  #heldLength = 0;
  #odd: number | undefined;
  #sought = false;
  readonly #input: IoBuffer;
  readonly #output: IoBuffer;
  #in = 0;
  #out = 1;

  constructor(c: Command, job: Job) {
    this.#c = c;
    this.#p = c.process;
    this.#job = job;
    this.#from = job.input ?? 'standard input';
    this.#to = job.output ?? 'standard output';
    this.#start = c.process.now;
    this.#input = new IoBuffer(c.process, job.ibs);
    this.#output = new IoBuffer(c.process, job.obs);
  }

  async run(): Promise<number> {
    const c = this.#c;
    const job = this.#job;
    await this.#open();
    if (job.skip.value > 0) await this.#skip();
    if (job.seek.value > 0) await this.#seek();
    let status = 0;
    if (job.count === undefined || job.count.value > 0) status = await this.#copy();
    if (status === 0 || job.conv.has('noerror')) status = (await this.#finish()) || status;
    await this.#report();
    return status || c.status;
  }

  async #open(): Promise<void> {
    const job = this.#job;
    const p = this.#p;
    const iflag = job.iflag;
    if (job.input !== undefined) {
      const opened = await attempt(() =>
        p.open(job.input!, {
          read: true,
          direct: iflag.has('direct'),
          nonblock: iflag.has('nonblock'),
          nofollow: iflag.has('nofollow'),
        }),
      );
      if ('error' in opened) this.#c.fail(`failed to open ${quoteName(job.input)}: ${opened.error.message}`);
      this.#in = opened.value;
    }
    if (job.output === undefined) return;
    const path = job.output;
    const flags = {
      create: !job.conv.has('nocreat'),
      exclusive: job.conv.has('excl'),
      truncate: job.seek.value === 0 && !job.conv.has('notrunc'),
      append: job.oflag.has('append'),
      direct: job.oflag.has('direct'),
      nonblock: job.oflag.has('nonblock'),
      nofollow: job.oflag.has('nofollow'),
    };
    let opened =
      job.seek.value > 0
        ? await attempt(() => p.open(path, { ...flags, read: true, write: true }, 0o666))
        : { error: new SyscallError('EINVAL') };
    if ('error' in opened) opened = await attempt(() => p.open(path, { ...flags, write: true }, 0o666));
    if ('error' in opened) this.#c.fail(`failed to open ${quoteName(path)}: ${opened.error.message}`);
    this.#out = opened.value;
    if (job.seek.value > 0 && !job.conv.has('notrunc')) {
      const size = job.seek.bytes ? job.seek.value : job.seek.value * job.obs;
      const failure = await errorOf(() => p.ftruncate(this.#out, size));
      if (failure !== undefined && p.fstat(this.#out).type === 'file')
        this.#c.fail(`failed to truncate to ${size} bytes in output file ${quoteName(path)}: ${failure.message}`);
    }
  }

  async #skip(): Promise<void> {
    const { skip, ibs } = this.#job;
    const p = this.#p;
    const bytes = skip.bytes ? skip.value : skip.value * ibs;
    const from = await attempt(() => p.lseek(this.#in, 0, 'cur'));
    if ('value' in from) {
      const stat = p.fstat(this.#in);
      p.lseek(this.#in, bytes, 'cur');
      if (stat.type !== 'file' || from.value + bytes <= stat.size || stat.size === 0) return;
      await this.#cannotSkip();
      return;
    }
    for (let left = bytes; left > 0; ) {
      const got = await p.read(this.#in, Math.min(ibs, left));
      if (got.length === 0) {
        await this.#cannotSkip();
        return;
      }
      left -= got.length;
    }
  }

  async #cannotSkip(): Promise<void> {
    if (this.#job.status !== 'none')
      await this.#c.warn(`${quoteIfNeeded(this.#from)}: cannot skip to specified offset`);
  }

  async #seek(): Promise<void> {
    const { seek, obs } = this.#job;
    const failure = await errorOf(() => this.#p.lseek(this.#out, seek.bytes ? seek.value : seek.value * obs, 'cur'));
    if (failure !== undefined) this.#c.fail(`${quoteName(this.#to)}: cannot seek: ${failure.message}`);
  }

  /** The loop: 0, or the status after an error. */
  async #copy(): Promise<number> {
    const job = this.#job;
    const c = this.#c;
    let blocks = 0;
    let total = 0;
    for (;;) {
      let want = job.ibs;
      if (job.count?.bytes) {
        want = Math.min(want, job.count.value - total);
        if (want <= 0) return 0;
      } else if (job.count !== undefined && blocks >= job.count.value) return 0;
      const result = await attempt(() => this.#read(want));
      if ('error' in result) {
        if (!job.conv.has('noerror') || job.status !== 'none')
          await c.error(`error reading ${quoteName(this.#from)}: ${result.error.message}`);
        if (!job.conv.has('noerror')) return 1;
        await this.#report();
        blocks++;
        if ((await errorOf(() => this.#p.lseek(this.#in, job.ibs, 'cur'))) !== undefined) return 1;
        continue;
      }
      let bytes = result.value;
      if (bytes.length === 0) return 0;
      blocks++;
      total += bytes.length;
      await this.#input.filled(bytes.length);
      if (bytes.length < job.ibs) {
        this.#inPartial++;
        if (job.conv.has('sync')) {
          const padded = new Uint8Array(job.ibs);
          padded.set(bytes);
          bytes = padded;
        }
      } else this.#inFull++;
      if (job.single) {
        const status = await this.#write(bytes, 'read');
        if (status !== 0) return status;
      } else {
        const status = await this.#collect(this.#convert(bytes));
        if (status !== 0) return status;
      }
    }
  }

  async #read(want: number): Promise<Uint8Array> {
    const first = await this.#p.read(this.#in, want);
    if (!this.#job.iflag.has('fullblock') || first.length === 0 || first.length === want) return first;
    const parts = [first];
    let length = first.length;
    while (length < want) {
      const more = await this.#p.read(this.#in, want - length);
      if (more.length === 0) break;
      parts.push(more);
      length += more.length;
    }
    return join(parts, length);
  }

  #convert(bytes: Uint8Array): Uint8Array {
    const { conv } = this.#job;
    if (!conv.has('lcase') && !conv.has('ucase') && !conv.has('swab')) return bytes;
    let out: Uint8Array = bytes.slice();
    for (let i = 0; i < out.length; i++) {
      const code = out[i]!;
      if (conv.has('lcase') && code >= 65 && code <= 90) out[i] = code + 32;
      else if (conv.has('ucase') && code >= 97 && code <= 122) out[i] = code - 32;
    }
    if (conv.has('swab')) {
      // An odd byte at a block's end waits for its partner in the next one.
      const all = this.#odd === undefined ? out : join([Uint8Array.of(this.#odd), out], out.length + 1);
      const even = all.length - (all.length % 2);
      this.#odd = even < all.length ? all[even] : undefined;
      out = all.slice(0, even);
      for (let i = 0; i < even; i += 2) {
        const low = out[i]!;
        out[i] = out[i + 1]!;
        out[i + 1] = low;
      }
    }
    return out;
  }

  /** Gathers output blocks of obs bytes. */
  async #collect(bytes: Uint8Array): Promise<number> {
    const { obs } = this.#job;
    let rest = bytes;
    while (this.#heldLength + rest.length >= obs) {
      const part = rest.subarray(0, obs - this.#heldLength);
      rest = rest.subarray(part.length);
      const block = this.#heldLength === 0 ? part : join([...this.#held, part], obs);
      this.#held = [];
      this.#heldLength = 0;
      await this.#output.filled(obs);
      const status = await this.#write(block, 'block');
      if (status !== 0) return status;
    }
    if (rest.length > 0) {
      this.#held.push(rest);
      this.#heldLength += rest.length;
      await this.#output.filled(this.#heldLength);
    }
    return 0;
  }

  /** Writes what was read as it is, a gathered output block, or the rest at the end: dd counts and words their failures differently. */
  async #write(bytes: Uint8Array, what: 'read' | 'block' | 'rest'): Promise<number> {
    const { conv, oflag, obs } = this.#job;
    const p = this.#p;
    let done = 0;
    let failure: SyscallError | undefined;
    if (conv.has('sparse') && bytes.every((byte) => byte === 0)) {
      failure = await errorOf(() => p.lseek(this.#out, bytes.length, 'cur'));
      if (failure === undefined) {
        done = bytes.length;
        this.#sought = true;
      }
    } else {
      this.#sought = false;
      while (done < bytes.length && failure === undefined) {
        const result = await attempt(() => p.write(this.#out, done === 0 ? bytes : bytes.subarray(done)));
        if ('error' in result) failure = result.error;
        else if (result.value === 0) failure = new SyscallError('ENOSPC');
        else done += result.value;
      }
      if (failure === undefined && (oflag.has('dsync') || oflag.has('sync')))
        failure = await errorOf(() => p.fsync(this.#out));
    }
    this.#bytes += done;
    if (failure !== undefined) {
      await this.#c.error(
        `${what === 'block' ? 'writing to' : 'error writing'} ${quoteName(this.#to)}: ${failure.message}`,
      );
      if (done > 0 && what !== 'read') this.#outPartial++;
      return 1;
    }
    if (bytes.length === obs) this.#outFull++;
    else this.#outPartial++;
    return 0;
  }

  /** The last, short block; a size for what was only sought; fsync. */
  async #finish(): Promise<number> {
    const { conv } = this.#job;
    if (this.#odd !== undefined) {
      const status = await this.#collect(Uint8Array.of(this.#odd));
      if (status !== 0) return status;
    }
    if (this.#heldLength > 0) {
      const status = await this.#write(join(this.#held, this.#heldLength), 'rest');
      if (status !== 0) return status;
    }
    const p = this.#p;
    if (this.#sought) {
      const size = p.lseek(this.#out, 0, 'cur');
      if (p.fstat(this.#out).type === 'file' && p.fstat(this.#out).size < size) await p.ftruncate(this.#out, size);
    }
    for (const name of ['fdatasync', 'fsync'])
      if (conv.has(name)) {
        const failure = await errorOf(() => p.fsync(this.#out));
        if (failure === undefined) continue;
        await this.#c.error(`${name} failed for ${quoteName(this.#to)}: ${failure.message}`);
        return 1;
      }
    return 0;
  }

  async #report(): Promise<void> {
    const { status } = this.#job;
    if (status === 'none') return;
    let text = `${this.#inFull}+${this.#inPartial} records in\n${this.#outFull}+${this.#outPartial} records out\n`;
    if (status !== 'noxfer') {
      const ns = Number(this.#p.now - this.#start);
      const si = humanSize(this.#bytes, 1000);
      const iec = humanSize(this.#bytes, 1024);
      const plain = / B$/;
      const sizes = plain.test(si) ? '' : plain.test(iec) ? ` (${si})` : ` (${si}, ${iec})`;
      const rate = ns > 0 ? humanRate(this.#bytes, ns) : 'Infinity B/s';
      text += `${this.#bytes} byte${this.#bytes === 1 ? '' : 's'}${sizes} copied, ${formatG(ns / 1e9)} s, ${rate}\n`;
    }
    await this.#c.print(text);
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const dd: Program = command(async (c: Command) => new Copy(c, jobOf(c)).run());
