/** Character devices: memory (null, zero, full, random) and the console. drivers/char/mem.c, random.c; drivers/tty. */
import { SyscallError } from './error.ts';
import { type Caller, FileOperations, Inode, type OpenFile } from './vfs.ts';

/** Bytes that are always zero, never written: as many as anybody has asked for at once, up to a limit. */
let shared = new Uint8Array(1 << 20);
const SHARED_MOST = 64 << 20;
const shares = new WeakSet<ArrayBufferLike>([shared.buffer]);

/** `count` zeros, without a copy unless they are very many. Not to be written. */
export function zeros(count: number): Uint8Array {
  if (count > SHARED_MOST) return new Uint8Array(count);
  if (count > shared.length) {
    shared = new Uint8Array(count);
    shares.add(shared.buffer);
  }
  return shared.subarray(0, count);
}

/** The bytes are from zeros(), and so are zeros. */
export function areZeros(bytes: Uint8Array): boolean {
  return shares.has(bytes.buffer);
}

class NullDevice extends FileOperations {
  override async read(_file: OpenFile, _caller: Caller, _offset: number, _count: number): Promise<Uint8Array> {
    return new Uint8Array(0);
  }
  override async write(_file: OpenFile, _caller: Caller, _offset: number, bytes: Uint8Array): Promise<number> {
    return bytes.length;
  }
  override end(): number {
    return 0;
  }
}

class ZeroDevice extends NullDevice {
  override async read(_file: OpenFile, _caller: Caller, _offset: number, count: number): Promise<Uint8Array> {
    return zeros(count);
  }
}

class FullDevice extends ZeroDevice {
  override async write(): Promise<number> {
    throw new SyscallError('ENOSPC');
  }
}

/** The same bytes in every run of the same seed: splitmix64. */
class RandomDevice extends NullDevice {
  #state: bigint;
  constructor(seed: number) {
    super();
    this.#state = BigInt(seed);
  }
  override async read(_file: OpenFile, _caller: Caller, _offset: number, count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.ceil(count / 8) * 8);
    const words = new BigUint64Array(bytes.buffer);
    for (let i = 0; i < words.length; i++) {
      this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
      let z = this.#state;
      z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
      z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
      words[i] = z ^ (z >> 31n);
    }
    return bytes.subarray(0, count);
  }
}

/** What the world shows and is told: the standard files of its first process. */
export interface ConsolePort {
  output(bytes: Uint8Array, stream: 'stdout' | 'stderr'): void;
  /** at most `count` bytes of what is typed; none: it is at its end */
  input(count: number): Uint8Array;
  readonly tty: boolean;
}

/** The console. It knows standard output from standard error by the inode that was opened. */
class ConsoleDevice extends FileOperations {
  readonly #port: ConsolePort;
  constructor(port: ConsolePort) {
    super();
    this.#port = port;
  }
  override get seekable(): boolean {
    return false;
  }
  override get tty(): boolean {
    return this.#port.tty;
  }
  override async read(_file: OpenFile, _caller: Caller, _offset: number, count: number): Promise<Uint8Array> {
    return this.#port.input(count);
  }
  override async write(file: OpenFile, _caller: Caller, _offset: number, bytes: Uint8Array): Promise<number> {
    this.#port.output(bytes, file.inode instanceof ConsoleNode ? file.inode.stream : 'stdout');
    return bytes.length;
  }
}

/** The node that a standard file of the first process was opened by. */
export class ConsoleNode extends Inode {
  stream: 'stdout' | 'stderr' = 'stdout';
}

export const CONSOLE = (5 << 8) | 1;

/** Drivers by device number. */
export function memoryDevices(seed: number, port: ConsolePort): Map<number, FileOperations> {
  const random = new RandomDevice(seed);
  const console = new ConsoleDevice(port);
  return new Map<number, FileOperations>([
    [(1 << 8) | 3, new NullDevice()],
    [(1 << 8) | 5, new ZeroDevice()],
    [(1 << 8) | 7, new FullDevice()],
    [(1 << 8) | 8, random],
    [(1 << 8) | 9, random],
    [(5 << 8) | 0, console],
    [CONSOLE, console],
  ]);
}
