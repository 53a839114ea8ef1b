/** A report as one page that needs nothing else: no script, no font, no address. */
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { escaped } from './junit.ts';
import { budgetSentence, count, divergence, explanation, fixed, part, percent, short, verdict } from './sentences.ts';

export function htmlReport(report: Report, diagnosis: Diagnosis | undefined, residual: readonly string[]): string {
  const { case: one, format, taps, missing, problems, unknown, passes, first } = report;
  const findings = [divergence(report), ...residual].filter((line) => line !== undefined);
  const notes = [
    ...[...problems].map(([name, problem]) => `${name} ${problem}`),
    ...missing.map((name) => `missing: ${name}`),
    ...taps.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : [])),
    ...(unknown.length > 0 ? [`no taps of this case: ${unknown.join(', ')}`] : []),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(one.name)}: ${passes ? 'within budget' : 'off'}</title>
<style>${style}</style>
<main>
<header>
<h1>${escaped(one.name)}</h1>
<p class="lead">${escaped(one.title)}. Compared in ${escaped(format.name)} (${escaped(format.summary)}), ${count(taps.length, 'tap')}. Truth: ${escaped(one.truth)}.</p>
</header>
<section class="verdict ${passes ? 'good' : 'bad'}">
<strong>${passes ? '✓' : '✗'} ${escaped(verdict(report))}</strong>
${findings.map((line) => `<p>${escaped(line)}</p>`).join('\n')}
${
  diagnosis
    ? explanation(diagnosis)
        .map((line) => `<p class="mistake">→ ${code(escaped(line))}</p>`)
        .join('\n')
    : ''
}
</section>
${notes.length > 0 ? `<details${problems.size + missing.length > 0 ? ' open' : ''}><summary>${count(notes.length, 'note')}</summary><ul>${notes.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul></details>` : ''}
<h2>Along the data flow</h2>
<p class="key">One bar for each tap, in the order in which they are computed; its height is the share of the budget (the line) that is used, on a logarithmic scale.
<span class="ok">■</span> within budget <span class="inherited">■</span> follows from earlier taps that are off <span class="wrong">■</span> wrong by itself</p>
${flow(taps)}
${first ? `<h2>Where: <code>${escaped(first.name)}</code></h2><p class="key">Deviation at each place, over samples and channels, in units of honest rounding errors.</p>${heatMap(first)}<p>${escaped(budgetSentence(first))}</p>` : ''}
<h2>Taps</h2>
<div class="scroll"><table>
<thead><tr><th>tap<th>shape<th>status<th title="share of the budget against the truth">budget<th title="share of the budget against what follows from your own earlier taps">own input<th title="root mean square deviation in units of honest rounding errors">rms<th>honest ports<th>max abs<th>mean abs<th>ulps<th>rel. L2<th>1 − cos<th>bad</tr></thead>
<tbody>
${taps.map(row).join('\n')}
</tbody></table></div>
<h2>How the budgets come about</h2>
<p>The unit is the error that honest rounding brings into each number: every operation is computed in double precision and moved at random by unit roundoff · Σ|aᵢbᵢ|, so that the unit knows
conditioning and what earlier layers add. Honest ports — other orders of summation, fused multiply-add, other formulas for norms and softmax — lie as far from the truth as the column says.
The budget is three times the worst of them. Two numbers are held against it: the root mean square over the tap, and the largest deviation.</p>
</main>
</html>
`;
}

function row(tap: TapReport): string {
  const { name, shape, status, chained, local, measures } = tap;
  const cells = [
    percent(chained.share),
    percent(local.share),
    fixed(chained.deviation.rms),
    chained.honest.map(fixed).join(' – '),
    short(measures.maxAbs),
    short(measures.meanAbs),
    short(measures.ulps),
    short(measures.relativeL2),
    short(Math.max(0, 1 - measures.cosine)),
    part(measures.badShare),
  ];
  return `<tr class="${status.replace(' ', '-')}" title="${escaped(budgetSentence(tap))}"><th>${escaped(name)}<td>${shape.join('×')}<td class="status">${status}${cells.map((cell) => `<td>${cell}`).join('')}</tr>`;
}

/** From a hundredth of the budget to a million times it. */
function flow(taps: readonly TapReport[]): string {
  const [width, height, low, high] = [Math.max(320, taps.length * 10), 120, -2, 6];
  const level = (share: number): number =>
    (height * (Math.min(high, Math.max(low, Math.log10(share || 1e-9))) - low)) / (high - low);
  const step = width / taps.length;
  const bars = taps.map(({ name, status, chained, local }, i) => {
    const share = Math.max(chained.share, status === 'wrong' ? local.share : 0);
    const tall = Math.max(1.5, Number.isFinite(share) ? level(share) : height);
    return `<rect class="${status.replace(' ', '-')}" x="${(i * step + 1).toFixed(1)}" y="${(height - tall).toFixed(1)}" width="${Math.max(1, step - 2).toFixed(1)}" height="${tall.toFixed(1)}"><title>${escaped(name)}: ${status}, ${percent(share)} of the budget</title></rect>`;
  });
  const line = (height - level(1)).toFixed(1);
  return `<div class="scroll"><svg class="flow" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" style="min-width:${Math.min(width, 900)}px" role="img" aria-label="share of the budget of each tap">${bars.join('')}<line x1="0" x2="${width}" y1="${line}" y2="${line}"/></svg></div>`;
}

/** Few enough cells that a page stays small. */
const mostCells = 64;

function heatMap({ heat: { height, width, heat }, chained }: TapReport): string {
  const [rows, columns] = [Math.min(height, mostCells), Math.min(width, mostCells)];
  const cells: number[] = Array.from({ length: rows * columns }, () => 0);
  heat.forEach((value, at) => {
    const place =
      Math.floor((Math.floor(at / width) * rows) / height) * columns + Math.floor(((at % width) * columns) / width);
    cells[place] = Math.max(cells[place], Number.isFinite(value) ? value : Infinity);
  });
  const most = Math.max(chained.budget.max, ...cells.filter(Number.isFinite));
  const size = Math.max(4, Math.min(24, Math.floor(480 / Math.max(rows, columns))));
  const squares = cells.map((value, at) => {
    const strength = Number.isFinite(value) ? Math.log1p(value) / Math.log1p(most) : 1;
    return `<rect x="${(at % columns) * size}" y="${Math.floor(at / columns) * size}" width="${size}" height="${size}" style="--heat:${Math.round(strength * 100)}%"><title>row ${Math.floor(at / columns)}, column ${at % columns}: ${short(value)}</title></rect>`;
  });
  return `<svg class="heat" width="${columns * size}" height="${rows * size}" role="img" aria-label="deviation at each place">${squares.join('')}</svg>`;
}

/** \`name\` as code. */
function code(text: string): string {
  return text.replace(/`([^`]+)`/g, '<code>$1</code>');
}

const style = `
:root { color-scheme: light dark; --ink: #1c1f23; --paper: #fff; --soft: #5c6570; --line: #dfe3e8; --good: #1a7f4b; --bad: #c0362c; --warm: #b7791f; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --paper: #14171b; --soft: #9aa4af; --line: #2c323a; --good: #4cc38a; --bad: #ff7b6e; --warm: #e2b04a; --panel: #1c2026; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.lead, .key { color: var(--soft); margin: .3rem 0 .8rem; } code { font-family: ui-monospace, monospace; font-size: .92em; }
.verdict { border-left: 4px solid var(--good); background: var(--panel); padding: .8rem 1rem; margin: 1.2rem 0; border-radius: 0 6px 6px 0; }
.verdict.bad { border-color: var(--bad); } .verdict p { margin: .5rem 0 0; } .mistake { font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
tbody th, thead th:first-child, .status { text-align: left; } tbody th { font: 12.5px ui-monospace, monospace; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
tr.wrong .status, tr.not-finite .status, .wrong { color: var(--bad); } tr.inherited .status, .inherited { color: var(--warm); } .ok { color: var(--good); }
tr.wrong, tr.not-finite { background: color-mix(in srgb, var(--bad) 9%, transparent); }
.flow { width: 100%; height: 150px; } .flow rect.ok { fill: var(--good); } .flow rect.inherited { fill: var(--warm); } .flow rect.wrong, .flow rect.not-finite { fill: var(--bad); }
.flow line { stroke: var(--ink); stroke-dasharray: 4 3; opacity: .6; } .heat { max-width: 100%; border: 1px solid var(--line); }
.heat rect { fill: color-mix(in srgb, var(--bad) var(--heat), var(--panel)); } details { color: var(--soft); }
`;
