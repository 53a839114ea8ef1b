/** 1. Noise becomes a letter: scrub through the steps of a run. */
import { button, choice, slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { asPicture, paint, pictureCanvas } from '../drawing/picture.ts';
import type { Section } from '../page.ts';
import { letterTrace, middleOf, noiseLevel, pictureAt, usualScale } from '../requests.ts';
import { side, stepCount } from '../study.ts';

/** Milliseconds a step is shown for when the run is played. */
const pace = 160;

export const noiseSection: Section = (root, page) => {
  const noisy = pictureCanvas('the noisy picture');
  const clean = pictureCanvas('what the model takes the picture to be');
  const time = element('span', { class: 'number' });
  const share = element('span', { class: 'number' });
  const mixture = element(
    'div',
    { class: 'mixture', role: 'img' },
    element('span', { class: 'signal' }),
    element('span', { class: 'noise' }),
  );
  const steps = slider(
    { label: 'step', name: 'step', least: 0, most: stepCount, step: 1, text: (value) => `${value} of ${stepCount}` },
    (step) => {
      stop();
      page.change({ step });
    },
  );
  const guided = choice(
    'guided',
    'drawn',
    [
      ['no', 'by the model alone'],
      ['yes', 'with PAG'],
    ],
    (value) => page.change({ guided: value === 'yes' }),
  );
  const play = button('play', 'play', () => (timer === undefined ? start() : stop()));
  const strip = Array.from({ length: stepCount + 1 }, (_, step) => {
    const canvas = pictureCanvas('');
    const key = element('button', { type: 'button', class: 'letter', 'aria-label': `step ${step}` }, canvas);
    key.addEventListener('click', () => page.change({ step }));
    return { key, canvas };
  });
  const film = element('div', { class: 'film' }, ...strip.map(({ key }) => key));
  const progress = status();

  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    setText(play, 'play');
  };
  const start = (): void => {
    if (page.state().step >= stepCount) page.change({ step: 0 });
    timer = setInterval(() => {
      const { step } = page.state();
      if (step >= stepCount) stop();
      else page.change({ step: step + 1 });
    }, pace);
    setText(play, 'pause');
  };

  root.append(
    element(
      'div',
      { class: 'pair' },
      captioned(noisy, element('b', {}, 'x', element('sub', {}, 't')), ' the picture so far, at t = ', time),
      captioned(clean, element('b', {}, 'x̂', element('sub', {}, '0')), ' what the model believes is behind it'),
    ),
    element('div', { class: 'controls' }, play, steps.root, guided.root),
    element('p', { class: 'mixture-line' }, mixture, element('span', {}, share)),
    film,
    progress.root,
  );

  return () => {
    const state = page.state();
    const request = letterTrace(
      state,
      state.guided ? { kind: 'pag', scale: usualScale, layers: middleOf(page.model.layers) } : { kind: 'none' },
    );
    const answer = page.lab.trace(request);
    const { timesteps } = page.model.scheduler;
    const drawn = (values: ArrayLike<number> | undefined) => values && { width: side, height: side, values };

    // After the last step there is no noise left, and both are the finished letter.
    const current = pictureAt(request, answer, state.step);
    const belief = answer.results[Math.min(state.step, stepCount - 1)]?.denoised;
    paint(noisy, drawn(current?.data), asPicture);
    paint(clean, drawn(belief?.data), asPicture);
    setText(time, state.step < stepCount ? String(timesteps[state.step]) : 'the end');
    const { signal, noise } =
      state.step < stepCount ? noiseLevel(page.model.scheduler, state.step) : { signal: 1, noise: 0 };
    mixture.style.setProperty('--signal', String(signal ** 2));
    setText(share, `${signal.toFixed(2)} × letter + ${noise.toFixed(2)} × noise`);
    setAttributes(mixture, { 'aria-label': share.textContent ?? '' });

    strip.forEach(({ key, canvas }, step) => {
      paint(canvas, drawn(pictureAt(request, answer, step)?.data), asPicture);
      setAttributes(key, { 'aria-pressed': String(step === state.step), tabindex: -1 });
    });
    steps.show(state.step);
    guided.show(state.guided ? 'yes' : 'no');
    showDigest(root, answer.done ? answer.results.at(-1)?.sample : undefined);
    progress.show([answer], stepCount, `the ${state.word[state.letter]} from seed ${state.seed}`);
  };
};
