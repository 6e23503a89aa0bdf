/** What a trace says of its BPF maps, as it goes along: what a program that makes one of them again must know. */
import * as O from '../../../assembly/replay/ops.ts';
import type { TraceRow } from './rewrite.ts';

/** A map that exists. */
export interface BpfMap {
  /** the row that made it */
  made: Readonly<TraceRow>;
  /** its elements by key, as they were inserted last */
  elements: Map<bigint, Readonly<TraceRow>>;
}

export class BpfMaps {
  readonly #maps = new Map<number, BpfMap>();

  /** Notes what a row does to maps; rows come in order. */
  note(row: Readonly<TraceRow>): void {
    const { op, object } = row;
    if (op === O.OP_OBJECT_NEW && row.count === O.OBJECT_BPF_MAP)
      this.#maps.set(object, { made: { ...row }, elements: new Map() });
    else if (op === O.OP_OBJECT_FREE) this.#maps.delete(object);
    else if (op === O.OP_MAP_UPDATE) this.#maps.get(object)?.elements.set(row.index, { ...row });
    else if (op === O.OP_MAP_DELETE) this.#maps.get(object)?.elements.delete(row.index);
  }

  /** The map of an id; undefined: it is none. */
  get(object: number): BpfMap | undefined {
    return this.#maps.get(object);
  }
}
