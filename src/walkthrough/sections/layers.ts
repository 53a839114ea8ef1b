/** 5. Which layers? The reader guesses, then sees, then perturbs what they like. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { button, scaleSlider, stepSlider } from '../drawing/controls.ts';
import { costBar } from '../drawing/cost-bar.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned, secondsText, status } from '../drawing/figure.ts';
import { layerList, type Knowledge } from '../drawing/layer-list.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import { unetView } from '../drawing/unet-view.ts';
import type { Page, Section } from '../page.ts';
import type { PassesResult, RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, letterRun, studyStep } from '../requests.ts';
import { largestScale, type State } from '../state.ts';
import { stepCount } from '../study.ts';
import { stepCostLater } from '../work/cost.ts';
import { influences } from '../work/influence.ts';
import { plainName } from '../work/layers.ts';

/** The UNet and its layers, what a step costs, and the letter with the chosen ones perturbed. */
export const layersSection: Section = (root, page) => {
  const { layers } = page.model;
  const names = layers.map((path) => plainName(layers, path));
  const costOf = stepCostLater(page.model, () => page.change({}));
  // A guess is between the reader and the page; it is no part of the state.
  let knowledge: Knowledge = { guess: undefined, revealed: false };
  const learn = (guess: number | undefined): void => {
    knowledge = { guess, revealed: true };
    page.change({});
    // The button goes: the keyboard stays where it was.
    question.focus({ preventScroll: true });
  };
  const choose = (place: number): void => {
    if (knowledge.revealed) page.change({ layers: toggled(page.state().layers, place) });
    else learn(place);
  };
  const view = unetView(page.model, {
    label:
      `The UNet: ${page.model.stages.length} stages, ${layers.length} of them attention layers. ` +
      'The list below chooses among them.',
    clicked: (path) => choose(layers.indexOf(path)),
  });
  const question = element('p', { class: 'question', 'aria-live': 'polite', tabindex: -1 });
  const skip = button('just show me', 'reveal', () => learn(undefined));
  const sliders = stepAndScale(page);
  const list = layerList(page.model, choose);
  const cost = costBar();
  const outcomes = outcomeViews();
  const progress = status();
  root.append(view.root, question, skip, sliders.root, list.root, cost.bar, cost.text, outcomes.root, progress.root);

  return () => {
    const state = page.state();
    const chosen = layers.filter((_, place) => state.layers.includes(place));
    const study = studyStep(page, {
      perturbations: layers.map((path) => [path]),
      unconditional: false,
      taps: [],
    });
    const result = study.passes?.results[0];
    const shares = result && influences(result);
    sliders.show(state, study.index);
    view.show(knowledge.revealed ? chosen : []);
    setAttributes(skip, { hidden: knowledge.revealed });
    list.show(knowledge, state.layers, shares);
    setText(question, verdict(knowledge, shares, names));
    cost.show(costOf(chosen));

    const guided = knowledge.revealed ? askGuided(page, chosen) : [];
    outcomes.show([{ request: study.run, answer: study.drawn }, ...guided]);
    showDigest(root, endOf(guided[0]?.answer));
    const answers = [study.drawn, ...(study.passes ? [study.passes] : []), ...guided.map(({ answer }) => answer)];
    progress.show(answers, (1 + guided.length) * stepCount + 1, summary(result, layers.length));
  };
};

function toggled(places: readonly number[], place: number): readonly number[] {
  return places.includes(place) ? places.filter((other) => other !== place) : [...places, place];
}

function stepAndScale(page: Page) {
  const knob = scaleSlider({ label: 's', name: 'layers-scale', most: largestScale }, (layersScale) =>
    page.change({ layersScale }),
  );
  const steps = stepSlider('layers-step', stepCount - 1, (step) => page.change({ step }));
  return {
    root: element('div', { class: 'controls' }, steps.root, knob.root),
    show({ layersScale }: State, step: number): void {
      steps.show(step);
      knob.show(layersScale);
    },
  };
}

/** A run and its answer so far. */
interface Asked {
  readonly request: RunRequest;
  readonly answer: Answer<SamplingStep>;
}

/** The letter guided away from what the chosen layers do without attention, and drawn so throughout. */
function askGuided({ client, state }: Page, chosen: readonly string[]): readonly Asked[] {
  const requests = [
    letterRun(state(), { kind: 'pag', scale: state().layersScale, layers: chosen }),
    letterRun(state(), { kind: 'spoilt', layers: chosen }),
  ];
  return requests.map((request) => ({ request, answer: client.run(request) }));
}

/** The finished letter; undefined while there is none. */
function endOf(answer: Answer<SamplingStep> | undefined): SamplingStep['sample'] | undefined {
  return answer?.done ? answer.results.at(-1)?.sample : undefined;
}

/** The letter as it is drawn alone, with PAG, and without attention in the chosen layers. */
function outcomeViews(): { readonly root: HTMLElement; show(runs: readonly Asked[]): void } {
  const alone = pictureCanvas('the letter, drawn by the model alone');
  const guided = pictureCanvas('the letter, guided away from what the chosen layers do without attention');
  const spoilt = pictureCanvas('the letter, drawn with the identity in the chosen layers throughout');
  const root = element(
    'div',
    { class: 'triple' },
    captioned(alone, 'the model alone'),
    captioned(guided, element('b', { class: 'pag' }, 'PAG'), ' away from the right'),
    captioned(spoilt, 'drawn with the chosen maps flipped'),
  );
  return {
    root,
    show(runs) {
      setAttributes(root, { hidden: runs.length === 1 });
      for (const [i, canvas] of [alone, guided, spoilt].entries()) {
        const run = runs[i];
        paintLetter(canvas, run && latestPicture(run.request, run.answer).data);
      }
    },
  };
}

function summary(result: PassesResult | undefined, layerCount: number): string {
  if (!result) return 'the letters';
  return `${layerCount + 1} passes in ${secondsText(result.milliseconds / 1000)}, and the letters`;
}

function verdict(
  { guess, revealed }: Knowledge,
  shares: readonly number[] | undefined,
  names: readonly string[],
): string {
  if (!revealed)
    return (
      `First guess: which of the ${names.length} layers, spoilt alone, changes the prediction ε most at this step? ` +
      'Choose it.'
    );
  if (!shares) return 'Looking …';
  const share = Math.max(...shares);
  const most = shares.indexOf(share);
  return (
    `${saidOf(guess, most, names)}It is “${names[most]}”: spoilt alone, it moves ε by ` +
    `${(share * 100).toFixed(2)} % of its length. ` +
    'The bars show all. Now choose layers to perturb, and move the step.'
  );
}

function saidOf(guess: number | undefined, most: number, names: readonly string[]): string {
  if (guess === undefined) return '';
  return guess === most ? 'You guessed it. ' : `You said “${names[guess]}”. `;
}
