/**
 * Files and shared memory by device, inode and generation: dense ids, names, and what they are. A device number with major 0 is that
 * of a file system without a block device, which may be tmpfs (whose pages are shmem) or overlayfs, btrfs, nfs … (whose pages are
 * file): what the recording shows of one of its objects decides for all of them, and until then its objects' rows wait.
 */
import * as ops from '../../assembly/replay/ops.ts';
import type { HeldEvent } from './hold.ts';

interface Device {
  name: string;
  /** ops.OBJECT_FILE or ops.OBJECT_SHMEM; 0: nothing tells yet */
  type: number;
  inodes: Map<number | bigint, MappedObject>;
  /** it has a mapped file that is not below /run */
  elsewhere: boolean;
  /** `object_new` rows that wait for the type */
  waiting: Set<HeldEvent>;
}

export interface MappedObject {
  /** dense id, 0 until a row needs it */
  id: number;
  /** as latin1 */
  name: string;
  generation: number;
  device: Device;
  /** it is the page cache of a block device, whatever its own device is */
  block: boolean;
}

/** 2^20: MINORBITS (include/linux/kdev_t.h) */
const MINORS = 2 ** 20;

/** Paths of the kernel's internal tmpfs mount, and the place that is a tmpfs by convention, with its old name. */
const SHMEM_PATHS = ['/memfd:', '/SYSV', '/dev/zero', '/dev/shm/', '/run/shm/', '/drm mm object', '/i915'];

export class ObjectTable {
  readonly #devices = new Map<number, Device>();
  readonly #byPath: Device = { name: '', type: 0, inodes: new Map(), elsewhere: true, waiting: new Set() };
  readonly #paths = new Map<string, MappedObject>();
  /** majors of block devices */
  readonly #majors = new Set<number>();
  #ids = 0;

  /** highest dense id + 1 */
  get highWater(): number {
    return this.#ids + 1;
  }

  /**
   * The object that a mapping names. `reused` is called for the one that had the inode number before, where the generation shows that
   * it is gone.
   */
  mapped(
    major: number,
    minor: number,
    inode: number | bigint,
    generation: number,
    path: string,
    reused: (old: MappedObject) => void,
  ): MappedObject {
    if (major < 0) return this.#ofPath(path);
    const device = this.#device(major, minor);
    let object = device.inodes.get(inode);
    if (object !== undefined && generation !== 0 && object.generation !== 0 && object.generation !== generation) {
      reused(object);
      object = undefined;
    }
    if (object === undefined) {
      object = { id: 0, name: path, generation, device, block: false };
      device.inodes.set(inode, object);
    } else {
      if (object.generation === 0) object.generation = generation;
      if (object.id === 0) object.name = path;
    }
    if (!path.startsWith('/run/')) device.elsewhere = true;
    if (device.type === 0 && SHMEM_PATHS.some((start) => path.startsWith(start))) this.decide(object, ops.OBJECT_SHMEM);
    return object;
  }

  /** The object that a page-cache event names; a new one if no mapping did. */
  cached(major: number, minor: number, inode: number | bigint): MappedObject {
    const device = this.#device(major, minor);
    let object = device.inodes.get(inode);
    if (object === undefined) {
      // In bdevfs the number of an inode is that of the device (bdev_alloc).
      const block = major === 0 && typeof inode === 'number' && this.#majors.has(Math.floor(inode / MINORS));
      const name = block ? `block device ${Math.floor(inode / MINORS)}:${inode % MINORS}` : `${device.name}:${inode}`;
      object = { id: 0, name, generation: 0, device, block };
      device.inodes.set(inode, object);
    }
    return object;
  }

  find(major: number, minor: number, inode: number | bigint): MappedObject | undefined {
    return this.#devices.get(major * MINORS + minor)?.inodes.get(inode);
  }

  /** Gives the object its dense id. */
  number(object: MappedObject): number {
    object.id = ++this.#ids;
    return object.id;
  }

  /** Evidence of what the object is, and with it every object of its device. True: rows that waited may go. */
  decide(object: MappedObject, type: number): boolean {
    const { device } = object;
    if (device.type !== 0 || device === this.#byPath || object.block) return false;
    device.type = type;
    const { waiting } = device;
    for (const event of waiting) {
      event.count = type;
      event.waits = false;
    }
    device.waiting = new Set();
    return waiting.size > 0;
  }

  /** Type of the object, 0 where nothing has told yet. */
  type(object: MappedObject): number {
    if (object.block) return ops.OBJECT_BLOCK;
    if (object.device !== this.#byPath) return object.device.type;
    return SHMEM_PATHS.some((start) => object.name.startsWith(start)) ? ops.OBJECT_SHMEM : ops.OBJECT_FILE;
  }

  /** What the object probably is, where nothing tells: /run is a tmpfs unless its device has other files too. */
  guess(object: MappedObject): number {
    return object.name.startsWith('/run/') && !object.device.elsewhere ? ops.OBJECT_SHMEM : ops.OBJECT_FILE;
  }

  #device(major: number, minor: number): Device {
    const number = major * MINORS + minor;
    let device = this.#devices.get(number);
    if (device === undefined) {
      device = {
        name: `${major}:${minor}`,
        type: major === 0 ? 0 : ops.OBJECT_FILE,
        inodes: new Map(),
        elsewhere: false,
        waiting: new Set(),
      };
      this.#devices.set(number, device);
      if (major !== 0) this.#majors.add(major);
    }
    return device;
  }

  #ofPath(path: string): MappedObject {
    let object = this.#paths.get(path);
    if (object === undefined) {
      object = { id: 0, name: path, generation: 0, device: this.#byPath, block: false };
      this.#paths.set(path, object);
    }
    return object;
  }
}
