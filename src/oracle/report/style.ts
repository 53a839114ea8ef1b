/** How a report looks as a page, in light and in dark. */
export const style = `
:root {
  color-scheme: light dark;
  --ink: #1c1f23;
  --paper: #fff;
  --soft: #5c6570;
  --line: #dfe3e8;
  --good: #1a7f4b;
  --bad: #c0362c;
  --warm: #b7791f;
  --panel: #f6f7f9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e7eaee;
    --paper: #14171b;
    --soft: #9aa4af;
    --line: #2c323a;
    --good: #4cc38a;
    --bad: #ff7b6e;
    --warm: #e2b04a;
    --panel: #1c2026;
  }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
details { color: var(--soft); }
.lead, .key { color: var(--soft); margin: .3rem 0 .8rem; }
.wrong { color: var(--bad); }
.inherited { color: var(--warm); }
.ok { color: var(--good); }

.verdict {
  border-left: 4px solid var(--good);
  background: var(--panel);
  padding: .8rem 1rem;
  margin: 1.2rem 0;
  border-radius: 0 6px 6px 0;
}
.verdict.bad { border-color: var(--bad); }
.verdict p { margin: .5rem 0 0; }
.mistake { font-weight: 600; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
tbody th, thead th:first-child, .status { text-align: left; }
tbody th { font: 12.5px ui-monospace, monospace; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
tr.wrong .status, tr.not-finite .status { color: var(--bad); }
tr.inherited .status { color: var(--warm); }
tr.wrong, tr.not-finite { background: color-mix(in srgb, var(--bad) 9%, transparent); }

.flow { width: 100%; height: 150px; }
.flow rect.ok { fill: var(--good); }
.flow rect.inherited { fill: var(--warm); }
.flow rect.wrong, .flow rect.not-finite { fill: var(--bad); }
.flow line { stroke: var(--ink); stroke-dasharray: 4 3; opacity: .6; }
.heat { max-width: 100%; border: 1px solid var(--line); }
.heat rect { fill: color-mix(in srgb, var(--bad) var(--heat), var(--panel)); }
`;
