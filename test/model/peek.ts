/** Reads what the engine has no export for straight from its memory, by the layout. Tests only. */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { memoryMap, REGION_NAMES } from '../../bindings/engine/capacities.ts';
import type { Machine } from '../../bindings/machine.ts';

/** Byte address of the first record of a region. */
export function regionAt(machine: Machine, region: number): number {
  return memoryMap(machine.capacities).find(({ name }) => name === REGION_NAMES[region])!.offset;
}

export class Peek {
  readonly #view: DataView;
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#view = new DataView(machine.memory.buffer);
  }

  u32(region: number, stride: number, id: number, field: number): number {
    return this.#view.getUint32(regionAt(this.#machine, region) + stride * id + field, true);
  }

  i64(region: number, stride: number, id: number, field: number): bigint {
    return this.#view.getBigInt64(regionAt(this.#machine, region) + stride * id + field, true);
  }

  cpu(id: number) {
    const word = (field: number) => this.u32(L.R_CPU, L.CPU_STRIDE, id, field);
    const time = (field: number) => {
      const at = BigInt.asUintN(64, this.i64(L.R_CPU, L.CPU_STRIDE, id, field));
      return at === 0xffff_ffff_ffff_ffffn ? null : at;
    };
    const slots = Array.from({ length: 7 }, (_, i) => [word(L.STOCK_MEMCG + 4 * i), word(L.STOCK_PAGES + 4 * i)]);
    return {
      slots,
      objcg: word(L.OBJ_STOCK_OBJCG),
      bytes: word(L.OBJ_STOCK_BYTES),
      pagesAt: time(L.CPU_FLUSH_AT),
      bytesAt: time(L.CPU_OBJ_FLUSH_AT),
    };
  }

  objcg(id: number) {
    return {
      memcg: this.u32(L.R_OBJCG, L.OBJCG_STRIDE, id, L.OBJCG_MEMCG),
      chargedBytes: this.u32(L.R_OBJCG, L.OBJCG_STRIDE, id, L.OBJCG_CHARGED_BYTES),
      bytes: Number(this.i64(L.R_OBJCG, L.OBJCG_STRIDE, id, L.OBJCG_BYTES)),
      pages: Number(this.i64(L.R_OBJCG, L.OBJCG_STRIDE, id, L.OBJCG_PAGES)),
    };
  }

  unseen(memcg: number): number[] {
    return Array.from({ length: O.KIND_STOCK + 1 }, (_, kind) =>
      this.u32(L.R_MEMCG, L.MEMCG_STRIDE, memcg, L.MEMCG_UNSEEN + 4 * kind),
    );
  }

  tasksOf(memcg: number): number {
    return this.u32(L.R_MEMCG, L.MEMCG_STRIDE, memcg, L.MEMCG_NR_TASKS);
  }
}
