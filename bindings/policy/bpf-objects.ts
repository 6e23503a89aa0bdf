/** Who pays for a BPF map or a program, and what has become of that cgroup: the records of assembly/folio/bpf.ts as an administrator sees them. */
import * as L from '../../assembly/layout.ts';
import * as O from '../../assembly/replay/ops.ts';
import { type Capacities, regionAt } from '../engine/capacities.ts';

export interface BpfObject {
  /** its id */
  object: number;
  type: 'map' | 'program';
  /** path of the cgroup that pays for what it allocates from now on; null: nobody pays */
  payer: string | null;
  /**
   * `online`; `dying`: the payer was removed and lives on for its sake; `reparented`: who was to pay was removed, and its parent, or one
   * further up, pays; `nobody`
   */
  state: 'online' | 'dying' | 'reparented' | 'nobody';
  /** path of the cgroup in which it was made */
  creator: string;
  /** of its table, or of the program */
  bytes: number;
  /** in the map now, and their bytes beside the table's */
  elements: number;
  elementBytes: number;
  /** a recharge is under way */
  busy: boolean;
}

/** All there are, by id. `objects` is one past the highest id in use. */
export function bpfObjects(
  u32: Uint32Array,
  u64: BigUint64Array,
  capacities: Capacities,
  objects: number,
  path: (cgroup: number) => string,
): BpfObject[] {
  const at = (region: number, stride: number) => {
    const base = regionAt(region, capacities);
    return (id: number, field: number) => base + id * stride + field;
  };
  const object = at(L.R_OBJECT, L.OBJECT_STRIDE);
  const bond = at(L.R_BOND, L.BOND_STRIDE);
  const objcg = at(L.R_OBJCG, L.OBJCG_STRIDE);
  const memcg = at(L.R_MEMCG, L.MEMCG_STRIDE);
  const word = (address: number) => u32[address / 4]!;
  const long = (address: number) => Number(u64[address / 8]!);
  const found: BpfObject[] = [];
  for (let id = 1; id < objects; id++) {
    const type = word(object(id, L.OBJECT_TYPE));
    if (type !== O.OBJECT_BPF_MAP && type !== O.OBJECT_BPF_PROG) continue;
    if (word(bond(id, L.BOND_FLAGS)) & L.BOND_NOT_MADE) continue;
    const holds = word(bond(id, L.BOND_OBJCG));
    const pays = holds && word(objcg(holds, L.OBJCG_MEMCG));
    const online = word(memcg(pays, L.MEMCG_STATE)) === L.MEMCG_ONLINE;
    found.push({
      object: id,
      type: type === O.OBJECT_BPF_MAP ? 'map' : 'program',
      payer: holds ? path(pays) : null,
      state: !holds ? 'nobody' : pays !== holds ? 'reparented' : online ? 'online' : 'dying',
      creator: path(word(bond(id, L.BOND_CREATOR)) || 1),
      bytes: long(bond(id, L.BOND_BUCKET_BYTES)),
      elements: long(bond(id, L.BOND_ELEMENTS)),
      elementBytes: long(bond(id, L.BOND_ELEMENT_BYTES)),
      busy: word(bond(id, L.BOND_BUSY)) !== 0,
    });
  }
  return found;
}
