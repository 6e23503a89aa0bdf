/**
 * A capture made up for the import suite: ftrace text as `memcg-probes` records it, public events in one gzip file and probes in
 * another. Three lines in four are ones that the importer uses, as in real recordings; the rest are check-only probes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Random } from './random.ts';

const TASKS = 64;
const CGROUPS = 16;
const FRAMES = 1 << 17;
const FIRST_FRAME = 0x10000;
const FIRST_CGID = 20;
const STRUCT_PAGES = 0xffffea0000000000n;

export interface Capture {
  files: string[];
  lines: number;
}

class Writer {
  readonly public: string[] = [];
  readonly probes: string[] = [];
  task = 0;
  #micros = 15_000_000;

  line(to: string[], flags: string, text: string): void {
    this.#micros += 3;
    const pid = 200 + this.task;
    const who = `worker-${pid}`.padStart(20);
    const time = `${Math.floor(this.#micros / 1e6)}.${String(this.#micros % 1e6).padStart(6, '0')}`.padStart(12);
    to.push(`${who} (${String(pid).padStart(7)}) [00${this.task & 1}] ${flags} ${time}: ${text}`);
  }

  event(text: string): void {
    this.line(this.public, '.....', text);
  }

  probe(text: string): void {
    this.line(this.probes, '..Zff', text);
  }
}

const pageOf = (frame: number) => `0x${(STRUCT_PAGES + BigInt(frame) * 64n).toString(16)}`;
const cgidOf = (task: number) => FIRST_CGID + (task % CGROUPS);

function allocate(out: Writer, frame: number): void {
  const cgid = cgidOf(out.task);
  const pfn = `0x${frame.toString(16)}`;
  out.event(`page_fault_user: address=0x7ffe${pfn.slice(2)}000 ip=0x460c48 error_code=0x7`);
  out.event(
    `mm_page_alloc: page=000000005af0389b pfn=${pfn} order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP`,
  );
  out.probe(`charge: (charge_memcg+0x5/0xf0) page=${pageOf(frame)} cgid=${cgid} gfp=0xcc0 flags=0xfffffc0080003`);
  out.probe(`try_charge: (try_charge_memcg+0x5/0x780) cgid=${cgid} gfp=0xcc0 nr=1`);
}

function release(out: Writer, frame: number, owner: number): void {
  const page = pageOf(frame);
  out.probe(`uncharge: (uncharge_folio+0x5/0x1f0) page=${page} md=0x0 cgid=${cgidOf(owner)} kcgid=0 mapping=0x0`);
  out.probe('pc_uncharge: (page_counter_uncharge+0x5/0xb0) counter=0xffff88800563c100 n=1 usage=64');
  out.event(`mm_page_free: page=000000001d839b0e pfn=0x${frame.toString(16)} order=0`);
}

/** Writes a capture of about `lines` lines into `directory`, compressed or not. */
export function writeCapture(directory: string, lines: number, compressed = true): Capture {
  const random = new Random(4);
  const out = new Writer();
  for (let c = 0; c < CGROUPS; c++) {
    out.probe(`css_online: (mem_cgroup_css_online+0x5/0x170) memcg=0xffff88800563c000 cgid=${FIRST_CGID + c}`);
    out.event(`cgroup_mkdir: root=0 id=${FIRST_CGID + c} level=1 path=/c${c}`);
  }
  for (let t = 0; t < TASKS; t++) {
    const at = `dst_root=0 dst_id=${cgidOf(t)} dst_level=1 dst_path=/c${t % CGROUPS}`;
    out.event(`cgroup_attach_task: ${at} pid=${200 + t} comm=worker`);
  }
  const owners = new Int16Array(FRAMES).fill(-1);
  while (out.public.length + out.probes.length < lines) {
    out.task = random.below(TASKS);
    for (let left = random.runLength(16); left > 0; left--) {
      const frame = random.below(FRAMES);
      const owner = owners[frame]!;
      if (owner < 0) allocate(out, FIRST_FRAME + frame);
      else release(out, FIRST_FRAME + frame, owner);
      owners[frame] = owner < 0 ? out.task : -1;
    }
  }
  const files = Object.entries({ 'trace.txt': out.public, 'probes.txt': out.probes }).map(([name, lines]) => {
    const path = join(directory, compressed ? `${name}.gz` : name);
    const text = `${lines.join('\n')}\n`;
    writeFileSync(path, compressed ? gzipSync(text) : text);
    return path;
  });
  return { files, lines: out.public.length + out.probes.length };
}
