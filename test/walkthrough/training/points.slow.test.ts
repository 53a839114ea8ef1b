/** The model of points learns what the page says it learns, with the code, the steps and the seed of the page. */
import { describe, expect, it } from 'vitest';
import { manualSeed } from '../../../src/tensor/random.ts';
import { pointsLesson } from '../../../src/walkthrough/training/points.ts';
import { fitOf, pointsFrom, shapes, type Fit } from '../../../src/walkthrough/training/shapes.ts';
import { initialState as firstSeen } from '../../../src/walkthrough/state.ts';
import { thorough } from '../../thorough.ts';
import { drawnAfter } from './learned.ts';
import { figures } from './points-figures.ts';

/** How what is drawn fits the spiral after some of the steps, by the model alone and with PAG. */
function learned(seed: number, marks: readonly number[]): readonly { alone: Fit; guided: Fit }[] {
  const drawn = drawnAfter(pointsLesson(shapes.spiral, seed), marks, firstSeen.lessonScale);
  return drawn.map((both) => {
    const [alone, guided] = both.map((points) => fitOf(shapes.spiral, points));
    return { alone, guided };
  });
}

const texts = ({ alone, guided }: { alone: Fit; guided: Fit }) => [alone, guided].map(({ off }) => off.toFixed(3));

// Whole trainings; what a lesson does is asked of a few steps in trainer.test.ts and classroom.test.ts.
describe.runIf(thorough)('the model of points', () => {
  it('draws the spiral nearly as thin as it is, and PAG draws strays in, at the price of gaps', () => {
    const [early, late] = learned(firstSeen.seed, [400, 1200]);
    const fresh = fitOf(shapes.spiral, pointsFrom(shapes.spiral, 400, manualSeed(1)));
    expect(fresh.off.toFixed(3)).toBe(figures.fresh);
    expect(texts(early)).toEqual(figures['seed 0, 400 steps']);
    expect(texts(late)).toEqual(figures['seed 0, 1200 steps']);
    for (const { alone, guided } of [early, late]) expect(guided.gaps).toBeGreaterThan(alone.gaps);
    // No hole: what is drawn leaves no larger gaps than fresh points do.
    expect(late.alone.gaps).toBeLessThan(1.1 * fresh.gaps);
  }, 300_000);

  it('gains nothing from PAG with the next seed', () => {
    const [early] = learned(firstSeen.seed + 1, [400]);
    expect(texts(early)).toEqual(figures['seed 1, 400 steps']);
  }, 120_000);
});
