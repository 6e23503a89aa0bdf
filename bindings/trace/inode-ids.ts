/** Files by device and inode, as dense ids in order of first use. */
export class InodeIds {
  /** device → inode → dense object id */
  readonly #objects = new Map<number, Map<number, number>>();
  /** objects so far: the highest id */
  count = 0;

  /** The object's id; its first use gives it one, and {@link count} grows. */
  id(dev: number, ino: number): number {
    let inodes = this.#objects.get(dev);
    if (inodes === undefined) {
      inodes = new Map();
      this.#objects.set(dev, inodes);
    }
    let id = inodes.get(ino);
    if (id === undefined) {
      id = ++this.count;
      inodes.set(ino, id);
    }
    return id;
  }
}
