import { test } from 'vitest';
import { SCENARIOS } from '../../bindings/generate/registry.ts';
import { pagesOf, replayRows, rowsOf } from '../debates/run.ts';
import { KIND_SHMEM, KIND_FILE, KIND_ANON } from '../../assembly/replay/ops.ts';
test('x', async () => {
  for (const s of SCENARIOS) {
    for (const options of s.name==='mount-full'? [{how:'write'},{how:'mmap'},{resident:2048},{how:'mmap',resident:2048},{free:256}]: s.name==='shared-libraries'?[{},{kind:'mlocked'},{kind:'cache'},{together:0}]: s.name==='service'? [{},{eager:0}]:[{}] as any)
    for (const p of ['linux', 'memcg-mount', 'common-ancestor']) {
      const t0=Date.now();
      const m = await replayRows(rowsOf(s, options), p);
      m.engine.drainAllStock(1, 0);
      console.log(s.name, JSON.stringify(options), p, Date.now()-t0,'ms', [...m.cgroups].map(([id,{path}]) => { const f=m.policyFigures(id); const e=m.figures(id)['memory.events.local'];
        return `${path} ${m.usage(id)} own ${m.engine.statLocal(id,0)}/${m.engine.statLocal(id,1)}/${m.engine.statLocal(id,2)} peak ${m.figures(id)['memory.peak']/4096} ${f.enospc?'enospc '+f.enospc:''} ${f.sigbus?'sigbus '+f.sigbus:''} ${e.oom?'oom '+e.oom:''} ${e.oom_kill?'oom_kill '+e.oom_kill:''} else ${f.scans_elsewhere}`}).join('\n    '), JSON.stringify(m.policyCross()), m.policyCounts().moved);
    }
  }
}, 200000);
