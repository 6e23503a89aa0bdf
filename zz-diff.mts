import { INVOCATIONS } from '/tmp/wt/programs/test/shell/programs/invocations.ts';
import { bootPrograms, runOurs, runReal, stepsOf } from '/tmp/wt/programs/test/shell/programs/both.ts';
const w = await bootPrograms();
let bad = 0;
const pick = process.argv[2] ? new RegExp(process.argv[2]) : /./;
let lines = INVOCATIONS.filter((l) => pick.test(l));
if (process.argv[3]) lines = process.argv.slice(3);
for (const line0 of lines) {
  const line = line0.replace(/^[~!]/, '');
  const sorted = (t: string) => line0[0] === '~' ? t.split('\n').sort().join('\n') : t;
  const steps = stepsOf(line);
  let ours: any; let real: any;
  try { real = runReal(steps); } catch (e) { real = { error: String(e) }; }
  try { ours = await runOurs(w, steps); } catch (e) { ours = { error: (e as Error).stack?.split('\n').slice(0,4).join('|') }; }
  for (const x of [ours, real]) if (x.stdout !== undefined) { x.stdout = sorted(x.stdout); x.stderr = line0[0]==='!' ? '' : x.stderr; x.files = x.files.join('\n'); x.status = x.status.join(); }
  const d: string[] = [];
  for (const k of new Set([...Object.keys(ours), ...Object.keys(real)])) if (ours[k] !== real[k]) {
    let a = String(ours[k]), b = String(real[k]);
    if (k === 'files') { const A = a.split('\n'), B = b.split('\n'); a = A.filter((x) => !B.includes(x)).join('\n'); b = B.filter((x) => !A.includes(x)).join('\n'); }
    d.push(`   ${k}: ours ${JSON.stringify(a.slice(0, 300))}\n   ${' '.repeat(k.length)}  real ${JSON.stringify(b.slice(0, 300))}`);
  }
  if (d.length) { bad++; console.log(`## ${line0}\n${d.join('\n')}`); }
}
console.log(`${bad} of ${lines.length} differ`);
