/** The style sheet of the page: light and dark as the reader's system is, and without colours of its own on paper. */
export const STYLE = `
:root { color-scheme: light dark; --fg: #1a1a1a; --dim: #555; --bg: #fff; --line: #bbb; --best: #d9f2e6; --bad: #fbe3d6; }
@media screen and (prefers-color-scheme: dark) {
  :root { --fg: #e8e8e8; --dim: #aaa; --bg: #16181c; --line: #555; --best: #12402d; --bad: #4d2710; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; color: var(--fg); background: var(--bg); }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .3rem 0 .7rem; max-width: 52rem; }
.dim, figcaption, caption { color: var(--dim); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: .6rem 0 1rem; }
dt { color: var(--dim); }
dd { margin: 0; min-width: 0; }
dd ul { margin: .2rem 0 0; padding-left: 1.1rem; }
dd pre { margin: 0; }
.none { color: var(--dim); }
nav a { margin-right: 1rem; color: inherit; }
figure { margin: .6rem 0 1.2rem; break-inside: avoid; }
figcaption { font-size: .9rem; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--fg); }
svg text[fill="#fffffe"] { fill: #fff; }
svg text[fill="#010101"] { fill: #111; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; margin: .4rem 0 1rem; }
caption { text-align: left; padding-bottom: .2rem; }
th, td { padding: .2rem .6rem; border: 1px solid var(--line); text-align: right; vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; }
thead th { overflow-wrap: normal; }
tbody th { min-width: 7rem; }
td[data-value] { white-space: nowrap; overflow-wrap: normal; }
.legend li, figure, section { min-width: 0; }
th:first-child, td.text, th.text { text-align: left; }
.legend { list-style: none; margin: .2rem 0 0; padding: 0; font-size: .85rem; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; }
details ul { margin: .3rem 0; padding-left: 1.1rem; }
td.best { background: var(--best); font-weight: 600; }
td.best::after { content: "\\a0★"; }
td.bad { background: var(--bad); }
code, pre { font: .88rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
details summary { cursor: pointer; }
.key { display: inline-block; width: .9em; height: .9em; margin: 0 .4em 0 0; vertical-align: -.1em; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  thead th { overflow-wrap: anywhere; }
  tbody th { min-width: 4.5rem; }
  td[data-value] { white-space: normal; }
  th, td { padding: .15rem .3rem; }
  tr { break-inside: avoid; }
  .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  h2 { break-after: avoid; } h3 { break-after: avoid; }
  td.best, td.bad, .key, svg { print-color-adjust: exact; }
}
`;
