/**
 * Which of the training timesteps a run of `steps` steps visits (table 2 of arXiv 2305.08891). From noise to picture.
 */
import { InputError } from '../tensor/errors.ts';
import { at } from '../tensor/at.ts';

/** The values of timestep_spacing. */
export const spacings = ['leading', 'linspace', 'trailing'] as const;
/** Even steps that begin at timestep 0, that have both ends, or that begin at the last timestep. */
export type Spacing = (typeof spacings)[number];

/**
 * Whole timesteps, falling, from 0 to trainTimesteps − 1.
 * @param steps how many; a whole number from 1
 * @param offset steps_offset: of leading ones
 * @throws InputError when more steps are asked for than there are timesteps, or they lie beyond those of the training
 */
export function spacedTimesteps(
  spacing: Spacing,
  trainTimesteps: number,
  steps: number,
  offset: number,
): readonly number[] {
  return roundedTimesteps(spacing, trainTimesteps, steps, offset);
}

/**
 * As spacedTimesteps, but evenly spaced timesteps are not rounded to whole ones: float32.
 * @throws InputError when more steps are asked for than there are timesteps, or they lie beyond those of the training
 */
export function fractionalTimesteps(
  spacing: Spacing,
  trainTimesteps: number,
  steps: number,
  offset: number,
): readonly number[] {
  if (spacing !== 'linspace') return roundedTimesteps(spacing, trainTimesteps, steps, offset);
  checkSteps(steps, trainTimesteps);
  return range(0, trainTimesteps - 1, steps)
    .map(Math.fround)
    .reverse();
}

function roundedTimesteps(spacing: Spacing, trainTimesteps: number, steps: number, offset: number): readonly number[] {
  checkSteps(steps, trainTimesteps);
  switch (spacing) {
    case 'leading': {
      const ratio = Math.floor(trainTimesteps / steps);
      const timesteps = Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + offset);
      const first = at(timesteps, 0);
      if (first >= trainTimesteps) {
        throw new InputError(
          `steps_offset = ${offset} moves the first of ${steps} steps to timestep ${first}, ` +
            `beyond the last, ${trainTimesteps - 1}`,
        );
      }
      return timesteps;
    }
    case 'linspace': {
      const gap = steps > 1 ? (trainTimesteps - 1) / (steps - 1) : 0;
      return Array.from({ length: steps }, (_, i) => {
        const place = steps - 1 - i;
        return roundHalfEven(place === steps - 1 && steps > 1 ? trainTimesteps - 1 : place * gap);
      });
    }
    case 'trailing':
      return trailing(trainTimesteps, trainTimesteps / steps, steps);
  }
}

/**
 * The grid of the solvers of the DPM family: `steps` intervals rather than `steps` points, so the end point, which is
 * no call of the model, is one of the grid (but for `trailing`). As many steps as timesteps leave no room for the end
 * point: they visit every timestep. (diffusers visits one of them twice, or all of them at timestep 0, which is not a
 * number; see fixtures/goldens/README.md.)
 * @param last how many of the training's timesteps are used
 * @throws InputError when more steps are asked for than there is room for
 */
export function solverTimesteps(
  spacing: Spacing,
  trainTimesteps: number,
  last: number,
  steps: number,
  offset: number,
): readonly number[] {
  checkSteps(steps, last);
  if (steps === last && spacing !== 'trailing') return everyTimestep(last, spacing === 'leading' ? offset : 0);
  switch (spacing) {
    case 'linspace':
      return range(0, last - 1, steps + 1)
        .map(roundHalfEven)
        .reverse()
        .slice(0, -1);
    case 'leading': {
      const ratio = Math.floor(last / (steps + 1));
      return Array.from({ length: steps }, (_, i) => (steps - i) * ratio + offset);
    }
    case 'trailing':
      return trailing(last, trainTimesteps / steps, steps);
  }
}

/** @throws InputError for an offset, which would lead beyond the last */
function everyTimestep(count: number, offset: number): readonly number[] {
  if (offset > 0)
    throw new InputError(
      `steps_offset = ${offset} moves the first of ${count} steps beyond the last timestep, ${count - 1}; ` +
        'take fewer steps',
    );
  return Array.from({ length: count }, (_, i) => count - 1 - i);
}

/**
 * numpy.arange(last, 0, −ratio), rounded, less 1; at most `most`. For some numbers of steps (61, 103, 121, … of 1000)
 * the rounding of the ratio leaves room for one more, which would be timestep −1: diffusers makes it, and reads there
 * the noisiest level; here it is left out.
 */
function trailing(last: number, ratio: number, most: number): readonly number[] {
  const length = Math.min(Math.ceil(last / ratio), most);
  return Array.from({ length }, (_, i) => roundHalfEven(last - i * ratio) - 1);
}

function checkSteps(steps: number, trainTimesteps: number): void {
  if (steps > trainTimesteps) {
    throw new InputError(
      `${steps} steps are asked for; expected a whole number from 1 to the ${trainTimesteps} timesteps of the training`,
    );
  }
}

/** numpy.linspace: `count` numbers from one to the other, the last exact. */
export function range(from: number, to: number, count: number): number[] {
  const step = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? to : from + (i && i * step)));
}

/** numpy.round: to the nearest whole number, of two the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
