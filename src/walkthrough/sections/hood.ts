/** 7. Under the hood: the functions that run, and the proof that fast and readable are the same bits. */
import { excerpts } from '../code/excerpts.ts';
import { codeTabs } from '../code/tabs.ts';
import { present } from '../checked.ts';
import { button } from '../drawing/controls.ts';
import { digestOf } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { secondsText } from '../drawing/figure.ts';
import type { Page, Section } from '../page.ts';
import type { PassesResult } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { letterRun, middleOf } from '../requests.ts';
import { noiseOf } from '../work/noise.ts';

/** The functions in tabs, and two passes both ways, their bits compared. */
export const hoodSection: Section = (root, page) => {
  const { tabs, panel } = codeTabs(excerpts);
  let asked = false;
  const prove = button('run both', 'prove', () => {
    asked = true;
    page.change({});
  });
  const [fast, plain] = [proofRow('the fast kernels'), proofRow('the plain loops')];
  const verdict = element('p', { class: 'verdict', 'aria-live': 'polite' });
  root.append(
    tabs,
    panel,
    element('h3', {}, 'The same bits'),
    element(
      'p',
      {},
      'Every operation is written once as a plain loop, which a reader can check. What computes on this page is a ' +
        'faster version that must give the same bits. Two passes of the network, both ways, on this machine, and the ' +
        'SHA-256 of what comes out:',
    ),
    prove,
    fast.root,
    plain.root,
    verdict,
  );

  return () => {
    if (!asked) return;
    const [byKernels, byLoops] = [askPasses(page, false), askPasses(page, true)];
    fast.show(byKernels);
    plain.show(byLoops);
    const { text, same } = compared(byKernels.results[0], byLoops.results[0]);
    setText(verdict, text);
    setAttributes(verdict, { 'data-same': same === undefined ? undefined : String(same) });
  };
};

/** The two passes of PAG at the first step, from the noise of the letter. */
function askPasses({ client, model, state }: Page, plainLoops: boolean): Answer<PassesResult> {
  const run = letterRun(state(), { kind: 'none' });
  const request = {
    sample: noiseOf(run),
    index: 0,
    label: run.labels[0],
    perturbations: [middleOf(model.layers)],
    unconditional: false,
    taps: [],
  };
  return client.passes(plainLoops ? { ...request, plainLoops } : request, JSON.stringify(run));
}

/** ε̂ of the two passes. */
function spoiltOf({ perturbed }: PassesResult): PassesResult['plain'] {
  return present(perturbed[0], 'perturbed prediction');
}

/** What they took, and the fingerprint of ε̂. */
function proofRow(title: string): { readonly root: HTMLElement; show(answer: Answer<PassesResult>): void } {
  const time = element('span', { class: 'number' });
  const digest = element('code', { class: 'digest' });
  const root = element('div', { class: 'proof-row', hidden: true }, element('span', {}, title), time, digest);
  return {
    root,
    show({ results: [result], problem }) {
      root.hidden = false;
      setText(time, result ? secondsText(result.milliseconds / 1000) : (problem ?? 'computing'));
      if (result) void digestOf(spoiltOf(result)).then((text) => setText(digest, text));
      else setText(digest, '');
    },
  };
}

function compared(
  fast: PassesResult | undefined,
  plain: PassesResult | undefined,
): { readonly text: string; readonly same: boolean | undefined } {
  if (!fast || !plain) return { text: 'The plain loops take their time.', same: undefined };
  const numbers = (result: PassesResult): readonly number[] => [...result.plain.data, ...spoiltOf(result).data];
  const [ours, theirs] = [numbers(fast), numbers(plain)];
  const same = ours.length === theirs.length && ours.every((value, i) => Object.is(value, theirs[i]));
  const text = same
    ? `All ${ours.length} numbers are the same, to the last bit.`
    : 'They differ: this is a bug of the library, please report it.';
  return { text, same };
}
