/**
 * What the page shows first: letters that nobody asked for, from the first noises of the seed. By the model alone, with
 * PAG, and with CFG, which has nothing to push away from there.
 */
import { scaleSlider } from '../drawing/controls.ts';
import { element } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { pictureRow, plainPlaces } from '../drawing/picture-row.ts';
import { noiseButton } from '../drawing/run-controls.ts';
import type { Section } from '../page.ts';
import type { GuidanceChoice } from '../protocol.ts';
import { freeCfg, freeRun, middlePag } from '../requests.ts';
import { largestScale, type State } from '../state.ts';
import { heroPictures, stepCount } from '../study.ts';
import { noiseOf } from '../work/noise.ts';

/** The rows, in the order in which they are computed, and what computes them. */
export const heroSection: Section = (root, page) => {
  const kinds: readonly (readonly [title: string, kind: string, guidance: (state: State) => GuidanceChoice])[] = [
    ['the model alone', 'none', () => ({ kind: 'none' })],
    ['with PAG', 'pag', ({ heroScale }) => middlePag(page.model.layers, heroScale)],
    [`with CFG, g\u00a0=\u00a0${freeCfg.scale}`, 'cfg', () => freeCfg],
  ];
  const rows = kinds.map(([title, kind, guidance]) => ({
    guidance,
    view: pictureRow(title, kind, plainPlaces(title, heroPictures)),
  }));
  const knob = scaleSlider(
    { label: 's, how strongly PAG guides', name: 'hero-scale', most: largestScale },
    (heroScale) => page.change({ heroScale }),
  );
  const seed = element('span', { class: 'seed' });
  const progress = status();
  root.append(
    ...rows.map(({ view }) => view.root),
    element('div', { class: 'controls' }, knob.root, noiseButton(page, 'noise', 'other noise'), seed),
    progress.root,
  );

  // Drawn now, and remembered: the first frame has enough to do.
  noiseOf(freeRun(page.state(), { kind: 'none' }));
  return () => {
    const state = page.state();
    knob.show(state.heroScale);
    seed.textContent = `the first ${heroPictures} noises of seed ${state.seed}`;
    const answers = rows.map(({ guidance, view }) => {
      const request = freeRun(state, guidance(state));
      const answer = page.client.run(request);
      view.show(request, answer);
      return answer;
    });
    progress.show(answers, rows.length * stepCount, `${heroPictures} pictures, three times, ${stepCount} steps each`);
  };
};
