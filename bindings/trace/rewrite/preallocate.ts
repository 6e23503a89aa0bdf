/**
 * What can be done today (debate row S5): who mounts a shared file system, or else who makes a shared object, touches all of it before
 * anybody else does, and so pays, whoever comes when. An object that only one cgroup uses is left alone.
 */
import * as O from '../../../assembly/replay/ops.ts';
import { endsObject, ObjectLives } from './object-lives.ts';
import type { Emit, RewriteRun, TraceRewrite, TraceRow } from './rewrite.ts';
import { isTouch, Whereabouts } from './whereabouts.ts';

export const preallocate: TraceRewrite = {
  name: 'preallocate',
  summary: 'whoever mounts, or makes, what several cgroups use touches all of it first',
  options: {},
  begin: () => new Preallocate(),
};

interface Life {
  /** who mounts it, or the file system that it is of; 0: nobody known */
  service: number;
  /** pages that it is known to have */
  pages: number;
  users: Set<number>;
}

class Preallocate implements RewriteRun {
  #where = new Whereabouts();
  readonly #lives = new ObjectLives<Life>(() => ({ service: 0, pages: 0, users: new Set() }));

  look(row: Readonly<TraceRow>): void {
    this.#where.see(row);
    if (row.op === O.OP_MOUNT) this.#lives.of(row.object).service = row.task;
    if (row.op === O.OP_OBJECT_NEW) {
      const life = this.#lives.of(row.object);
      const mount = Number(row.index >> 32n);
      const mounter = mount ? this.#lives.of(mount).service : 0;
      life.service = mounter && this.#where.lives(mounter) ? mounter : row.task;
      life.pages = Number(row.index & 0xffffffffn);
      const maker = life.service ? this.#where.toucher(life.service) : null;
      if (maker !== null) life.users.add(maker);
    }
    if (isTouch(row)) {
      const life = this.#lives.of(row.object);
      const toucher = this.#where.toucher(row.task);
      if (toucher !== null) life.users.add(toucher);
      life.pages = Math.max(life.pages, Number(row.index) + row.count);
    }
    if (endsObject(row)) this.#lives.end(row.object);
  }

  looked(): void {
    this.#lives.again();
  }

  row(row: TraceRow, emit: Emit): void {
    emit(row);
    if (row.op === O.OP_OBJECT_NEW) {
      const { service, pages, users } = this.#lives.of(row.object);
      const shmem = row.count === O.OBJECT_SHMEM;
      if (service && pages && users.size > 1 && (shmem || row.count === O.OBJECT_FILE))
        emit({
          ...row,
          op: O.OP_FILE_ACCESS,
          task: service,
          cgroup: 0,
          index: 0n,
          count: pages,
          // A file's pages are read from the disk.
          flags: shmem ? O.FLAG_WRITE : 0,
          name: null,
        });
    }
    if (endsObject(row)) this.#lives.end(row.object);
  }
}
