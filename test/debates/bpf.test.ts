/** Debate 4: memory that outlives its user. */
import { expect } from 'vitest';
import { TraceBuilder } from '../../bindings/generate/trace-builder.ts';
import { definePolicy } from '../../bindings/policy/policy.ts';
import { row } from './row.ts';
import { pagesOf, replayRows } from './run.ts';

const MIB = 256;
function tree() {
  const t = new TraceBuilder();
  t.mkdir('/A')
    .mkdir('/A/AC', { 'memory.max': 200 * MIB })
    .mkdir('/A/AC/ACA')
    .mkdir('/A/AC/ACA/src')
    .mkdir('/A/AC/ACB')
    .mkdir('/A/AC/ACB/dst');
  t.spawn('one', '/A/AC/ACA/src').object('map', 'bpf_map', { pages: 120 * MIB, by: 'one', kind: 'vmalloc' });
  t.exit('one').spawn('two', '/A/AC/ACB/dst');
  return t;
}
row('B2', 'x', async () => {
  for (const answers of [
    { reuse: 'recharge' },
    { reuse: 'recharge', shortcut: false },
    { reuse: 'recharge', shortcut: false, chunk: 1024 },
    { reuse: 'keep' },
  ] as const) {
    const m = await replayRows(
      tree().reopen('map', 'two'),
      definePolicy({ name: 'x', summary: '', rows: [], answers }),
    );
    m.engine.drainAllStock(1, 0);
    console.log(
      answers,
      pagesOf(m, '/A/AC/ACA/src') / MIB,
      pagesOf(m, '/A/AC/ACB/dst') / MIB,
      pagesOf(m, '/A/AC') / MIB,
      m.policyCounts(),
      Number(m.engine.pageCounterField(3, 0, 8)) / MIB,
    );
    expect(m.audit()).toBeNull();
  }
});
