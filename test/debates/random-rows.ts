/** Random traces in which every mechanism of the debates occurs: cgroups come and go, mounts, maps, loop devices, locks, limits. */
import fc from 'fast-check';
import * as O from '../../assembly/replay/ops.ts';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';

/** One step: what to do, and numbers that choose among what there is. */
export interface Step {
  what: (typeof WHATS)[number];
  a: number;
  b: number;
  n: number;
  flag: boolean;
}

const WHATS = [
  ...(['mkdir', 'rmdir', 'limit', 'spawn', 'exit', 'attach'] as const),
  ...([
    'touch',
    'free',
    'access',
    'access',
    'access',
    'fault',
    'fault',
    'truncate',
    'object',
    'object_free',
    'drop',
    'sync',
  ] as const),
  ...(['kmem', 'kmem_free', 'mount', 'umount', 'domain', 'mark', 'grant', 'cred', 'reclaim', 'high', 'wait'] as const),
  ...([
    'map',
    'map_update',
    'map_delete',
    'reopen',
    'recharge',
    'prog',
    'loop',
    'loop_io',
    'lock',
    'unlock',
    'atomic',
  ] as const),
  ...(['fork', 'exec', 'mlock', 'munlock', 'dirty', 'unmap', 'knob', 'score', 'chown', 'setns', 'return'] as const),
  ...([
    'pages',
    'pages_free',
    'sock',
    'sock_free',
    'slab',
    'slab_free',
    'remount',
    'detach',
    'remake',
    'fill',
  ] as const),
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...WHATS),
  a: fc.nat(1000),
  b: fc.nat(1000),
  n: fc.integer({ min: 1, max: 300 }),
  flag: fc.boolean(),
});

/** Short traces, and some of so many steps. */
export function stepsUpTo(most: number): fc.Arbitrary<Step[]> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.array(step, { minLength: 10, maxLength: 120, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(step, { minLength: Math.min(most, 200), maxLength: most, size: 'max' }) },
  );
}

/** The rows of the steps: those that make no sense where they come are left out. */
export function rowsOfSteps(list: readonly Step[]): TraceBuilder {
  const trace = new TraceBuilder({ step: 1_000_000 });
  const cgroups: string[] = [];
  const tasks: { name: string; cgroup: string }[] = [];
  const objects: { name: string; type: string; keys: Set<number>; loop: boolean; mount?: string | undefined }[] = [];
  const bytes = { pages: [] as (readonly number[])[], sock: new Map<string, number>() };
  const attached = new Map<string, string>();
  const mounts: string[] = [];
  const held = new Map<number, string>();
  const kmem: { cgroup: string; bytes: number }[] = [];
  let names = 0;
  const pick = <T>(from: readonly T[], i: number): T | undefined => from[i % Math.max(1, from.length)];
  const ofType = (...types: string[]) => objects.filter((o) => types.includes(o.type) && !o.loop);

  for (const { what, a, b, n, flag } of list) {
    const task = pick(tasks, a);
    const cgroup = pick(cgroups, b);
    const flags = flag ? O.FLAG_IN_CALL : 0;
    trace.cpu = a & 1;
    switch (what) {
      case 'mkdir': {
        const parent = flag ? undefined : cgroup;
        // A name that was used before is an instance made again.
        const path = `${parent ?? ''}/g${n % 4}`;
        if (cgroups.includes(path) || path.split('/').length > 5) break;
        trace.mkdir(path);
        cgroups.push(path);
        break;
      }
      case 'rmdir': {
        if (cgroup === undefined || cgroups.some((c) => c.startsWith(`${cgroup}/`))) break;
        if (tasks.some((t) => t.cgroup === cgroup)) break;
        trace.rmdir(cgroup);
        cgroups.splice(cgroups.indexOf(cgroup), 1);
        for (const k of kmem.filter((each) => each.cgroup === cgroup)) kmem.splice(kmem.indexOf(k), 1);
        bytes.sock.delete(cgroup);
        break;
      }
      case 'limit':
        if (cgroup) trace.writeKnob(cgroup, 'memory.max', flag ? null : 64 + n);
        break;
      case 'high':
        if (cgroup) trace.writeKnob(cgroup, 'memory.high', flag ? null : 64 + n);
        break;
      case 'reclaim':
        if (cgroup)
          trace.row('write_knob', { cgroup: trace.cgroup(cgroup), count: O.KNOB_RECLAIM, index: n, name: 'reclaim' });
        break;
      case 'spawn': {
        const name = `t${++names}`;
        trace.spawn(name, cgroup ?? '/');
        tasks.push({ name, cgroup: cgroup ?? '/' });
        break;
      }
      case 'exit':
        if (!task || [...held.values()].includes(task.name)) break;
        trace.exit(task.name);
        tasks.splice(tasks.indexOf(task), 1);
        break;
      case 'attach':
        if (!task || !cgroup) break;
        trace.attach(task.name, cgroup);
        task.cgroup = cgroup;
        break;
      case 'touch':
        if (task) trace.touch(task.name, { index: 16 + b, pages: n, write: !flag });
        break;
      case 'free':
        if (task) trace.row('anon_free', { task: trace.task(task.name), index: 16 + b, count: n });
        break;
      case 'object': {
        const name = `o${++names}`;
        const type = n & 1 ? 'shmem' : 'file';
        const mount = flag && type === 'shmem' ? pick(mounts, b) : undefined;
        const by = task?.name;
        trace.object(name, type, {
          pages: 512,
          ...(mount && { mount }),
          ...(by && { by }),
          ...(!flag && cgroup && { payer: cgroup }),
        });
        objects.push({ name, type, keys: new Set(), loop: false, mount });
        break;
      }
      case 'access':
      case 'fault': {
        const object = pick(ofType('file', 'shmem'), b);
        if (task && object)
          trace.access(task.name, object.name, {
            index: n,
            pages: 1 + (a % 64),
            write: flag,
            fault: what === 'fault',
            inCall: what === 'access' && n % 7 === 0,
          });
        break;
      }
      case 'truncate': {
        const object = pick(ofType('file', 'shmem'), b);
        if (object) trace.row('truncate', { object: trace.objectId(object.name), index: n, count: flag ? 0 : a });
        break;
      }
      case 'object_free': {
        const object = pick(
          objects.filter((o) => !o.loop && !o.name.startsWith('back')),
          b,
        );
        if (!object) break;
        trace.objectFree(object.name, task?.name);
        objects.splice(objects.indexOf(object), 1);
        break;
      }
      case 'drop':
        trace.row('drop_caches', { count: 1 + (n % 3) });
        break;
      case 'sync':
        trace.row('sync');
        break;
      case 'kmem':
        if (!task || !cgroup) break;
        trace.row('kmem_charge', {
          task: trace.task(task.name),
          cgroup: trace.cgroup(cgroup),
          count: 64 * n,
          flags: (O.KIND_SLAB << O.FLAG_KIND_SHIFT) | flags,
          gfp: O.GFP_KERNEL,
        });
        kmem.push({ cgroup, bytes: 64 * n });
        break;
      case 'atomic':
        if (!cgroup) break;
        trace.row('kmem_charge', {
          cgroup: trace.cgroup(cgroup),
          count: 4096 * (1 + (n % 40)),
          flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
          gfp: flag ? O.GFP_HIGH : 0,
        });
        break;
      case 'kmem_free': {
        const charge = pick(kmem, b);
        if (!charge) break;
        kmem.splice(kmem.indexOf(charge), 1);
        trace.row('kmem_free', {
          cgroup: trace.cgroup(charge.cgroup),
          count: charge.bytes,
          flags: O.KIND_SLAB << O.FLAG_KIND_SHIFT,
        });
        break;
      }
      case 'mount': {
        const name = `m${++names}`;
        trace.mount(name, { ...(task && { by: task.name }), ...(cgroup && { memcg: cgroup }), pages: flag ? 100 : 0 });
        mounts.push(name);
        break;
      }
      case 'umount': {
        const mount = pick(mounts, b);
        if (!mount) break;
        for (const object of objects.filter((o) => o.mount === mount)) {
          trace.objectFree(object.name);
          objects.splice(objects.indexOf(object), 1);
        }
        trace.umount(mount);
        mounts.splice(mounts.indexOf(mount), 1);
        break;
      }
      case 'remount': {
        const mount = pick(mounts, b);
        if (!mount) break;
        const columns = { object: trace.objectId(mount), count: flag ? 0 : n, name: 'remount' };
        trace.row('mount', {
          ...columns,
          ...(task && { task: trace.task(task.name) }),
          ...(cgroup && { cgroup: trace.cgroup(cgroup) }),
        });
        break;
      }
      case 'fork': {
        if (!task) break;
        const name = `t${++names}`;
        trace.fork(task.name, name);
        if (flag) trace.rows.at(-1)!.flags = O.FLAG_THREAD;
        tasks.push({ name, cgroup: task.cgroup });
        break;
      }
      case 'exec':
        if (task && ![...held.values()].includes(task.name))
          trace.row('exec', { task: trace.task(task.name), name: 'x' });
        break;
      case 'mlock':
      case 'munlock': {
        const object = n & 1 ? pick(ofType('file', 'shmem'), b) : undefined;
        if (!task) break;
        trace.row(what, {
          task: trace.task(task.name),
          object: object ? trace.objectId(object.name) : 0,
          index: object ? n : 16 + b,
          count: 1 + (a % 64),
          flags: flag && what === 'mlock' ? O.FLAG_ONFAULT : 0,
        });
        break;
      }
      case 'dirty': {
        const object = pick(ofType('file'), b);
        if (object) trace.row('file_dirty', { object: trace.objectId(object.name), index: n, count: 1 + (a % 64) });
        break;
      }
      case 'unmap': {
        const object = pick(ofType('file', 'shmem'), b);
        if (task && object)
          trace.row('unmap', {
            task: trace.task(task.name),
            object: trace.objectId(object.name),
            index: n,
            count: flag ? 0 : a % 64,
          });
        break;
      }
      case 'knob': {
        if (!cgroup) break;
        const knobs = ['memory.low', 'memory.min', 'memory.swap.max', 'memory.swap.high', 'memory.oom.group'] as const;
        const knob = knobs[n % knobs.length]!;
        trace.writeKnob(cgroup, knob, knob === 'memory.oom.group' ? (flag ? 1 : 0) : flag ? null : a);
        break;
      }
      case 'score':
        if (task) trace.oomScoreAdj(task.name, [-1000, -500, 0, 500, 1000][n % 5]!);
        break;
      case 'chown':
        if (cgroup) trace.chown(cgroup, flag ? 0 : 1000);
        break;
      case 'setns':
        if (task) trace.setns(task.name, flag ? null : (cgroup ?? null));
        break;
      case 'return':
        if (task) trace.returnToUser(task.name);
        break;
      case 'pages': {
        const order = n % 4;
        if (!task && !cgroup) break;
        const gfp = [O.GFP_KERNEL, 0, O.GFP_HIGH, O.GFP_KERNEL | O.GFP_NOFAIL][a % 4]!;
        bytes.pages.push(trace.kmem(task?.name ?? null, { pages: (1 + (b % 8)) << order, order, gfp, open: flag }));
        break;
      }
      case 'pages_free': {
        const frames = pick(bytes.pages, b);
        if (!frames) break;
        bytes.pages.splice(bytes.pages.indexOf(frames), 1);
        trace.kmemFree(task?.name ?? null, frames, { open: flag });
        break;
      }
      case 'sock':
      case 'sock_free': {
        if (!cgroup) break;
        const count = 1 + (n % 32);
        const has = bytes.sock.get(cgroup) ?? 0;
        if (what === 'sock_free' && has < count) break;
        bytes.sock.set(cgroup, has + (what === 'sock' ? count : -count));
        trace.row(what === 'sock' ? 'kmem_charge' : 'kmem_free', {
          task: task ? trace.task(task.name) : 0,
          cgroup: trace.cgroup(cgroup),
          count,
          flags: O.KIND_SOCK << O.FLAG_KIND_SHIFT,
          gfp: what === 'sock' ? (flag ? O.GFP_KERNEL : O.GFP_HIGH) : 0,
        });
        break;
      }
      case 'slab':
      case 'slab_free':
        if (!task || !cgroup) break;
        trace.row(what === 'slab' ? 'kmem_charge' : 'kmem_free', {
          task: trace.task(task.name),
          cgroup: trace.cgroup(cgroup),
          count: 192 * (1 + (n % 3)),
          flags: (O.KIND_SLAB << O.FLAG_KIND_SHIFT) | O.FLAG_RECLAIMABLE,
          gfp: what === 'slab' ? O.GFP_KERNEL : 0,
        });
        break;
      case 'detach': {
        const device = pick(
          objects.filter((o) => o.loop),
          b,
        );
        if (!device) break;
        trace.row('sync', { object: trace.objectId(device.name) });
        const back = attached.get(device.name);
        trace.loopConfigure(device.name, back ? null : `back${device.name.slice(4)}`);
        if (back) attached.delete(device.name);
        else attached.set(device.name, 'again');
        break;
      }
      case 'remake': {
        // An instance ends and the next one begins: its tasks go, the cgroup is removed and made again.
        if (!cgroup || cgroups.some((c) => c.startsWith(`${cgroup}/`))) break;
        const inside = tasks.filter((t) => t.cgroup === cgroup);
        if (inside.some((t) => [...held.values()].includes(t.name))) break;
        for (const each of inside) {
          trace.exit(each.name);
          tasks.splice(tasks.indexOf(each), 1);
        }
        trace.rmdir(cgroup);
        for (const k of kmem.filter((each) => each.cgroup === cgroup)) kmem.splice(kmem.indexOf(k), 1);
        bytes.sock.delete(cgroup);
        trace.mkdir(cgroup, flag ? { 'memory.max': 64 + n } : {});
        const name = `t${++names}`;
        trace.spawn(name, cgroup);
        tasks.push({ name, cgroup });
        break;
      }
      case 'fill': {
        // As much as a small machine has not got: global reclaim, kswapd, the OOM killer.
        if (task) trace.touch(task.name, { index: 4096 + b, pages: 2 * n, write: true, inCall: flag });
        break;
      }
      case 'domain':
        if (cgroup)
          trace.row('domain', {
            cgroup: trace.cgroup(cgroup),
            index: flag ? 0 : [O.DOMAIN_UNNAMED, O.MARK_NAMED, O.MARK_NAMED + 1][n % 3]!,
          });
        break;
      case 'mark': {
        const object = pick(ofType('file', 'shmem'), b);
        if (object) trace.row('domain', { object: trace.objectId(object.name), index: [0, 1, 2, 16][n % 4]! });
        break;
      }
      case 'grant':
        if (cgroup) trace.row('grant', { cgroup: trace.cgroup(cgroup), index: flag ? 1 : 0 });
        break;
      case 'cred':
        if (task) trace.row('cred', { task: trace.task(task.name), index: flag ? 0 : 1000 });
        break;
      case 'wait':
        trace.wait(n * 1_000_000_000);
        break;
      case 'map': {
        if (!task) break;
        const name = `map${++names}`;
        trace.row('object_new', {
          task: trace.task(task.name),
          cgroup: flag && cgroup ? trace.cgroup(cgroup) : 0,
          object: trace.newObjectId(name),
          count: O.OBJECT_BPF_MAP,
          index: n,
          flags: [O.KIND_VMALLOC, O.KIND_SLAB, O.KIND_PERCPU][n % 3]! << O.FLAG_KIND_SHIFT,
          name,
        });
        objects.push({ name, type: 'bpf_map', keys: new Set(), loop: false });
        break;
      }
      case 'map_update': {
        const map = pick(ofType('bpf_map'), b);
        if (!map || map.keys.has(n)) break;
        map.keys.add(n);
        trace.row('map_update', {
          task: flag && task ? trace.task(task.name) : 0,
          object: trace.objectId(map.name),
          index: n,
          count: 64 * (1 + (a % 100)),
          // The elements of a map are of one kind.
          flags: (trace.objectId(map.name) & 1 ? O.KIND_SLAB : O.KIND_PERCPU) << O.FLAG_KIND_SHIFT,
          gfp: flag ? O.GFP_KERNEL : a & 1 ? O.GFP_HIGH : 0,
        });
        break;
      }
      case 'map_delete': {
        const map = pick(ofType('bpf_map'), b);
        const key = map && pick([...map.keys], n);
        if (!map || key === undefined) break;
        map.keys.delete(key);
        trace.row('map_delete', { object: trace.objectId(map.name), index: key });
        break;
      }
      case 'prog': {
        if (!task) break;
        const name = `prog${++names}`;
        const object = trace.newObjectId(name);
        trace.row('object_new', { task: trace.task(task.name), object, count: O.OBJECT_BPF_PROG, name });
        trace.row('prog_load', { task: trace.task(task.name), object, count: 1 + (n % 8), gfp: O.GFP_KERNEL });
        objects.push({ name, type: 'bpf_prog', keys: new Set(), loop: false });
        break;
      }
      case 'reopen': {
        const object = pick(ofType('file', 'bpf_map'), b);
        if (task && object)
          trace.row('reopen', { task: trace.task(task.name), object: trace.objectId(object.name), flags });
        break;
      }
      case 'recharge': {
        const object = pick(ofType('file', 'bpf_map', 'bpf_prog'), b);
        if (task && object)
          trace.row('recharge', { task: trace.task(task.name), object: trace.objectId(object.name), flags });
        break;
      }
      case 'loop': {
        const backing = `back${++names}`;
        const device = `loop${names}`;
        trace.object(backing, flag ? 'shmem' : 'file', { pages: 512 });
        trace.object(device, 'block', { pages: 512, ...(cgroup && { payer: cgroup }) });
        trace.row('loop_configure', {
          object: trace.objectId(device),
          count: trace.objectId(backing),
          cgroup: cgroup ? trace.cgroup(cgroup) : 0,
        });
        objects.push({ name: backing, type: 'backing', keys: new Set(), loop: false });
        objects.push({ name: device, type: 'block', keys: new Set(), loop: true });
        attached.set(device, backing);
        break;
      }
      case 'loop_io': {
        const device = pick(
          objects.filter((o) => o.loop),
          b,
        );
        if (task && device && attached.has(device.name))
          trace.row('loop_io', {
            task: trace.task(task.name),
            object: trace.objectId(device.name),
            index: n,
            count: 1 + (a % 64),
            flags: flag ? O.FLAG_WRITE : 0,
          });
        break;
      }
      case 'lock': {
        const lock = 1 + (n % 3);
        if (!task || held.has(lock) || [...held.values()].includes(task.name)) break;
        held.set(lock, task.name);
        trace.row('lock', { task: trace.task(task.name), index: lock, flags: O.FLAG_IN_CALL });
        break;
      }
      case 'unlock': {
        const lock = 1 + (n % 3);
        const holder = held.get(lock);
        if (holder === undefined) break;
        held.delete(lock);
        trace.row('unlock', { task: trace.task(holder), index: lock });
        break;
      }
    }
  }
  return trace;
}
