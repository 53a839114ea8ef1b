/** 1. Noise becomes a letter: scrub through the steps of a run. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { button, choice, stepSlider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText, symbol } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { letterKey } from '../drawing/letter-key.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import type { Page, Section } from '../page.ts';
import type { RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { letterRun, middlePag, pictureAt } from '../requests.ts';
import { letterOf } from '../state.ts';
import { stepCount } from '../study.ts';

/** Milliseconds a step is shown for when the run is played. */
const pace = 160;

/** A run that can be scrubbed through and played: x_t, x̂₀, and how much of x_t is noise. */
export const noiseSection: Section = (root, page) => {
  const pictures = pictureWithBelief(page);
  const player = createPlayer(page);
  const steps = stepSlider('step', stepCount, (step) => {
    player.stop();
    page.change({ step });
  });
  const guided = choice(
    'guided',
    'drawn',
    [
      ['no', 'by the model alone'],
      ['yes', 'with PAG'],
    ],
    (value) => page.change({ guided: value === 'yes' }),
  );
  const mixture = mixtureLine(page);
  const film = filmOf(page);
  const progress = status();
  root.append(
    pictures.root,
    element('div', { class: 'controls' }, player.root, steps.root, guided.root),
    mixture.root,
    film.root,
    progress.root,
  );

  return () => {
    const [state, step] = [page.state(), page.step()];
    const request = letterRun(state, state.guided ? middlePag(page.model.layers) : { kind: 'none' });
    const answer = page.client.run(request);
    pictures.show(request, answer, step);
    mixture.show(step);
    film.show(request, answer, step);
    steps.show(step);
    guided.show(state.guided ? 'yes' : 'no');
    showDigest(root, answer.done ? answer.results.at(-1)?.sample : undefined);
    progress.show([answer], stepCount, `the ${letterOf(state)} from seed ${state.seed}`);
  };
};

/** Shows a run at a step. */
interface RunView {
  readonly root: HTMLElement;
  show(request: RunRequest, answer: Answer<SamplingStep>, step: number): void;
}

/** x_t beside x̂₀. */
function pictureWithBelief(page: Page): RunView {
  const noisy = pictureCanvas('the noisy picture');
  const clean = pictureCanvas('what the model takes the picture to be');
  const time = element('span', { class: 'number' });
  return {
    root: element(
      'div',
      { class: 'pair' },
      captioned(noisy, symbol('x', 't'), ' the picture so far, at t = ', time),
      captioned(clean, symbol('x̂', '0'), ' what the model believes is behind it'),
    ),
    show(request, answer, step) {
      // After the last step there is no noise left, and both are the finished letter.
      const belief = answer.results[Math.min(step, stepCount - 1)]?.denoised;
      paintLetter(noisy, pictureAt(request, answer, step)?.data);
      paintLetter(clean, belief?.data);
      setText(time, String(page.model.scheduler.timesteps[step] ?? 'the end'));
    },
  };
}

/** Plays the run, step by step. */
function createPlayer(page: Page): { readonly root: HTMLElement; stop(): void } {
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    setText(play, 'play');
  };
  const start = (): void => {
    if (page.step() >= stepCount) page.change({ step: 0 });
    timer = setInterval(() => {
      const step = page.step();
      if (step >= stepCount) stop();
      else page.change({ step: step + 1 });
    }, pace);
    setText(play, 'pause');
  };
  const play = button('play', 'play', () => (timer === undefined ? start() : stop()));
  return { root: play, stop };
}

/** How much of x_t is letter, and how much is noise. */
function mixtureLine(page: Page): { readonly root: HTMLElement; show(step: number): void } {
  const share = element('span', { class: 'number' });
  const mixture = element(
    'div',
    { class: 'mixture', role: 'img', 'aria-label': 'how much of it is noise' },
    element('span', { class: 'signal' }),
    element('span', { class: 'noise' }),
  );
  return {
    root: element('p', { class: 'mixture-line' }, mixture, element('span', {}, share)),
    show(step) {
      const { signal, noise } = step < stepCount ? page.model.scheduler.levelAt(step) : { signal: 1, noise: 0 };
      const text = `${signal.toFixed(2)} × letter + ${noise.toFixed(2)} × noise`;
      mixture.style.setProperty('--signal', String(signal ** 2));
      setText(share, text);
      setAttributes(mixture, { 'aria-label': text });
    },
  };
}

/** All steps side by side, to be chosen from. */
function filmOf(page: Page): RunView {
  const strip = Array.from({ length: stepCount + 1 }, (_, step) =>
    letterKey(`step ${step}`, () => page.change({ step })),
  );
  return {
    root: element('div', { class: 'film' }, ...strip.map((key) => key.root)),
    show(request, answer, chosen) {
      for (const [step, { root, canvas }] of strip.entries()) {
        paintLetter(canvas, pictureAt(request, answer, step)?.data);
        setAttributes(root, { 'aria-pressed': String(step === chosen), tabindex: -1 });
      }
    },
  };
}
