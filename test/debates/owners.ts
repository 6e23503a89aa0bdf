/** Who is charged for each page of an object, as the engine's own records have it. */
import * as L from '../../assembly/layout.ts';
import { regionAt } from '../../bindings/engine/capacities.ts';
import type { Machine } from '../../bindings/machine.ts';

/** Cgroups by page offset; 0: not resident. Modelled residency. */
export function ownersOf(machine: Machine, object: number, pages: number): number[] {
  const words = new DataView(machine.memory.buffer);
  const folios = regionAt(L.R_FOLIO, machine.capacities);
  const places = regionAt(L.R_PLACE, machine.capacities);
  const owners = new Array<number>(pages).fill(0);
  for (let frame = 1; frame < words.getUint32(L.HEADER + L.H_FRAME_END, true); frame++) {
    const at = folios + frame * L.FOLIO_STRIDE;
    const charge = words.getUint32(at + L.FOLIO_CHARGE, true);
    const kind = words.getUint32(at + L.FOLIO_STATE, true) & L.STATE_KIND_MASK;
    const place = words.getBigUint64(places + frame * L.PLACE_STRIDE, true);
    if (charge === 0 || kind === 0 || Number(place >> 32n) !== object) continue;
    owners[Number(place & 0xffffffffn)] = charge >>> L.CHARGE_OWNER_SHIFT;
  }
  return owners;
}
