/** 5. Which layers? The reader guesses, then sees, then perturbs what they like. */
import { button, slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned, secondsText, status } from '../drawing/figure.ts';
import { asPicture, paint, pictureCanvas } from '../drawing/picture.ts';
import { unetView } from '../drawing/unet-view.ts';
import type { Section } from '../page.ts';
import { letterTrace, pictureAt } from '../requests.ts';
import { largestScale } from '../state.ts';
import { side, stepCount } from '../study.ts';
import { stepCost } from '../work/cost.ts';
import { influences } from '../work/influence.ts';
import { gridOf } from '../work/layers.ts';

export const layersSection: Section = (root, page) => {
  const { layers } = page.model;
  // A guess is between the reader and the page; it is no part of the state.
  let guess: number | undefined;
  let revealed = false;

  const choose = (place: number): void => {
    if (!revealed) {
      guess = place;
      reveal();
      return;
    }
    const { layers: chosen } = page.state();
    page.change({ layers: chosen.includes(place) ? chosen.filter((other) => other !== place) : [...chosen, place] });
  };
  const reveal = (): void => {
    revealed = true;
    page.change({});
  };
  const view = unetView(page.model, (path) => choose(layers.indexOf(path)));
  const question = element('p', { class: 'question', 'aria-live': 'polite' });
  const skip = button('just show me', 'reveal', reveal);
  const rows = layers.map((path, place) => {
    const box = element('input', { type: 'checkbox', name: `layer-${place}` });
    box.addEventListener('click', (event) => {
      if (!revealed) event.preventDefault();
    });
    box.addEventListener('change', () => choose(place));
    const bar = element('span', { class: 'bar' });
    const amount = element('span', { class: 'number' });
    const guessed = element('button', { type: 'button', class: 'guess', name: `guess-${place}` }, 'this one');
    guessed.addEventListener('click', () => choose(place));
    const row = element(
      'div',
      { class: 'layer-row', 'data-layer': path },
      element(
        'label',
        {},
        box,
        element('code', {}, ...breakable(path)),
        element('span', { class: 'grid' }, `${gridOf(page.model, path)} × ${gridOf(page.model, path)}`),
      ),
      element('span', { class: 'gauge' }, bar),
      amount,
      guessed,
    );
    return { place, box, bar, amount, guessed, row };
  });
  const list = element('div', { class: 'layer-list' }, ...rows.map(({ row }) => row));
  const alone = pictureCanvas('the letter, drawn by the model alone');
  const guided = pictureCanvas('the letter, guided away from what the chosen layers do without attention');
  const spoilt = pictureCanvas('the letter, drawn with the identity in the chosen layers throughout');
  const parts = ['shared', 'plain', 'perturbed'].map((name) => element('span', { class: `part ${name}` }));
  const cost = element('div', { class: 'cost', role: 'img' }, ...parts);
  const costText = element('p', { class: 'cost-text' });
  const knob = slider(
    { label: 's', name: 'layers-scale', least: 0, most: largestScale, step: 0.25, text: (scale) => scale.toFixed(2) },
    (scale) => page.change({ scale }),
  );
  const steps = slider(
    {
      label: 'step',
      name: 'layers-step',
      least: 0,
      most: stepCount - 1,
      step: 1,
      text: (value) => `${value} of ${stepCount}`,
    },
    (step) => page.change({ step }),
  );
  const progress = status();
  const outcome = element(
    'div',
    { class: 'triple' },
    captioned(alone, 'the model alone'),
    captioned(guided, element('b', { class: 'pag' }, 'PAG'), ' away from the right'),
    captioned(spoilt, 'drawn with the chosen maps flipped'),
  );
  root.append(
    view.root,
    question,
    skip,
    element('div', { class: 'controls' }, steps.root, knob.root),
    list,
    cost,
    costText,
    outcome,
    progress.root,
  );

  return () => {
    const state = page.state();
    const index = Math.min(state.step, stepCount - 1);
    const chosen = state.layers.map((place) => layers[place]);
    const run = letterTrace(state, { kind: 'none' });
    const answer = page.lab.trace(run);
    const picture = pictureAt(run, answer, index);
    const looked =
      picture &&
      page.lab.passes(
        {
          sample: picture,
          index,
          label: run.labels[0],
          perturbations: layers.map((path) => [path]),
          unconditional: false,
          taps: [],
        },
        JSON.stringify(run),
      );
    const result = looked?.results[0];
    const shares = result && influences(result);

    steps.show(index);
    knob.show(state.scale);
    view.show(revealed ? chosen : []);
    setAttributes(skip, { hidden: revealed });
    setAttributes(outcome, { hidden: !revealed });
    setAttributes(list, { 'data-revealed': revealed });
    const most = shares ? Math.max(...shares) : 1;
    for (const { place, box, bar, amount, guessed, row } of rows) {
      box.checked = state.layers.includes(place);
      setAttributes(box, { hidden: !revealed });
      setAttributes(guessed, { hidden: revealed });
      setAttributes(row, {
        'data-guess': guess === place,
        'data-most': shares !== undefined && shares[place] === most,
      });
      bar.style.width = revealed && shares ? `${(shares[place] / most) * 100}%` : '0';
      setText(amount, revealed && shares ? `${(shares[place] * 100).toFixed(1)} %` : '');
    }
    setText(question, verdict(revealed, guess, shares, layers));

    const { shared, plain, perturbed } = stepCost(page.model, chosen);
    const total = shared + plain;
    const active = chosen.length === 0 ? 0 : perturbed;
    [shared, plain, active].forEach((share, i) => (parts[i].style.flexGrow = String(share / total)));
    const text =
      chosen.length === 0
        ? 'No layer is chosen: PAG is off, and a step costs one pass.'
        : `A step costs ${Math.round(((shared + plain + active) / total) * 100)} % of one pass, not 200 %: what both passes have in common (${Math.round((shared / total) * 100)} %) is computed once.`;
    setText(costText, text);
    setAttributes(cost, { 'aria-label': text });

    const guidedRun = letterTrace(state, { kind: 'pag', scale: state.scale, layers: chosen });
    const spoiltRun = letterTrace(state, { kind: 'spoilt', layers: chosen });
    const [guidedAnswer, spoiltAnswer] = revealed ? [page.lab.trace(guidedRun), page.lab.trace(spoiltRun)] : [];
    for (const [canvas, request, drawn] of [
      [alone, run, answer],
      [guided, guidedRun, guidedAnswer],
      [spoilt, spoiltRun, spoiltAnswer],
    ] as const) {
      const latest = drawn && pictureAt(request, drawn, drawn.results.length);
      paint(canvas, latest && { width: side, height: side, values: latest.data }, asPicture);
    }
    showDigest(root, guidedAnswer?.done ? guidedAnswer.results.at(-1)?.sample : undefined);
    const answers = [
      answer,
      ...(looked ? [looked] : []),
      ...(guidedAnswer && spoiltAnswer ? [guidedAnswer, spoiltAnswer] : []),
    ];
    progress.show(
      answers,
      (revealed ? 3 : 1) * stepCount + 1,
      result
        ? `${layers.length + 1} passes in ${secondsText(result.milliseconds / 1000)}, and the letters`
        : 'the letters',
    );
  };
};

/** A module path that may be broken before its dots. */
function breakable(path: string): readonly (Node | string)[] {
  return path.split('.').flatMap((part, i) => (i === 0 ? [part] : [element('wbr'), `.${part}`]));
}

function verdict(
  revealed: boolean,
  guess: number | undefined,
  shares: readonly number[] | undefined,
  layers: readonly string[],
): string {
  if (!revealed)
    return `First guess: which of the ${layers.length} layers, spoilt alone, changes the prediction ε most at this step? Click it.`;
  if (!shares) return 'Looking …';
  const most = shares.indexOf(Math.max(...shares));
  const said = guess === undefined ? '' : guess === most ? 'You guessed it. ' : `You said ${layers[guess]}. `;
  return `${said}It is ${layers[most]}: spoilt alone, it moves ε by ${(shares[most] * 100).toFixed(1)} % of its length. The bars show all. Now click layers to perturb them, and move the step.`;
}
