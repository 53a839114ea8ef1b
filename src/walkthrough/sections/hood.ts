/** 6. Under the hood: the functions that run, and the proof that fast and readable are the same bits. */
import { codeView } from '../code/view.ts';
import { excerpts } from '../code/excerpts.ts';
import { button } from '../drawing/controls.ts';
import { digestOf } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { secondsText } from '../drawing/figure.ts';
import type { Section } from '../page.ts';
import type { PassesResult } from '../protocol.ts';
import { letterTrace, middleOf } from '../requests.ts';
import { noiseOf } from '../work/noise.ts';

export const hoodSection: Section = (root, page) => {
  const views = excerpts.map((excerpt) => {
    const tab = element(
      'button',
      { type: 'button', role: 'tab', id: `tab-${excerpt.id}`, 'aria-controls': 'code-panel' },
      excerpt.title,
    );
    tab.addEventListener('click', () => open(excerpt.id));
    return { id: excerpt.id, tab, view: codeView(excerpt) };
  });
  const panel = element('div', { role: 'tabpanel', id: 'code-panel' });
  const open = (id: string): void => {
    for (const { id: other, tab, view } of views) {
      setAttributes(tab, { 'aria-selected': String(other === id), tabindex: other === id ? 0 : -1 });
      if (other === id) panel.replaceChildren(view);
    }
    setAttributes(panel, { 'aria-labelledby': `tab-${id}` });
  };
  const tabs = element(
    'div',
    { role: 'tablist', class: 'tabs', 'aria-label': 'the functions that run' },
    ...views.map(({ tab }) => tab),
  );
  tabs.addEventListener('keydown', (event) => {
    const move = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const at = views.findIndex(({ tab }) => tab === document.activeElement);
    if (move === 0 || at < 0) return;
    event.preventDefault();
    const next = views[(at + move + views.length) % views.length];
    open(next.id);
    next.tab.focus();
  });
  open(excerpts[0].id);

  let asked = false;
  const prove = button('run both', 'prove', () => {
    asked = true;
    page.change({});
  });
  const [fast, plain] = ['the fast kernels', 'the plain loops'].map((title) => {
    const time = element('span', { class: 'number' });
    const digest = element('code', { class: 'digest' });
    return {
      time,
      digest,
      row: element('div', { class: 'proof-row', hidden: true }, element('span', {}, title), time, digest),
    };
  });
  const verdict = element('p', { class: 'verdict', 'aria-live': 'polite' });
  root.append(
    tabs,
    panel,
    element('h3', {}, 'The same bits'),
    element(
      'p',
      {},
      'Every operation is written once as a plain loop, which a reader can check. What computes on this page is a faster version that must give the same bits. Two passes of the network, both ways, on this machine, and the SHA-256 of what comes out:',
    ),
    prove,
    fast.row,
    plain.row,
    verdict,
  );

  return () => {
    if (!asked) return;
    const request = letterTrace(page.state(), { kind: 'none' });
    const common = {
      sample: noiseOf(request),
      index: 0,
      label: request.labels[0],
      perturbations: [middleOf(page.model.layers)],
      unconditional: false,
      taps: [],
    };
    const answers = [
      page.lab.passes(common, JSON.stringify(request)),
      page.lab.passes({ ...common, plainLoops: true }, JSON.stringify(request)),
    ];
    const results = answers.map(({ results: [first] }) => first as PassesResult | undefined);
    [fast, plain].forEach(({ time, digest, row }, i) => {
      const result = results[i];
      row.hidden = false;
      setText(time, result ? secondsText(result.milliseconds / 1000) : (answers[i].problem ?? 'computing'));
      if (result) void digestOf(result.perturbed[0]).then((text) => setText(digest, text));
      else setText(digest, '');
    });
    const [a, b] = results;
    if (!a || !b) {
      setText(verdict, 'The plain loops take their time.');
      setAttributes(verdict, { 'data-same': undefined });
      return;
    }
    const same =
      [...a.plain.data].every((value, i) => Object.is(value, b.plain.data[i])) &&
      [...a.perturbed[0].data].every((value, i) => Object.is(value, b.perturbed[0].data[i]));
    setText(
      verdict,
      same
        ? `All ${2 * a.plain.data.length} numbers are the same, to the last bit.`
        : 'They differ: this is a bug of the library, please report it.',
    );
    setAttributes(verdict, { 'data-same': String(same) });
  };
};
