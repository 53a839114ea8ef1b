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
  const timesteps = roundedTimesteps(spacing, trainTimesteps, steps, offset);
  if (timesteps.length > steps) {
    throw new InputError(
      `timestep_spacing "trailing" with ${steps} steps: ${trainTimesteps}/${steps}, rounded, ` +
        'leaves a timestep of -1; take another number of steps',
    );
  }
  return timesteps;
}

/**
 * As spacedTimesteps, but evenly spaced timesteps are not rounded to whole ones: float32. Where trailing ones are one
 * too many, by the rounding of a quotient, the last is −1, as in diffusers.
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
      return trailing(trainTimesteps, trainTimesteps / steps);
  }
}

/**
 * The grid of the solvers of the DPM family: `steps` intervals rather than `steps` points, so the end point, which is
 * no call of the model, is one of the grid (but for `trailing`).
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
      return trailing(last, trainTimesteps / steps);
  }
}

/** numpy.arange(last, 0, −ratio), rounded, less 1. */
function trailing(last: number, ratio: number): readonly number[] {
  return Array.from({ length: Math.ceil(last / ratio) }, (_, i) => roundHalfEven(last - i * ratio) - 1);
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
