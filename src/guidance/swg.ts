/** Sliding-window guidance (Kaiser, Adaloglou et al. 2024, arXiv 2411.10257), masked and not. */
import { mapElements, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { checkOptions, finite, flag, optional, whole, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { conditional, unconditional, type Guidance, type Pass } from './guidance.ts';
import { aScale, extrapolate, isAll, push } from './scales.ts';
import { cut, meanOfWindows, windowsOf, type Window } from './windows.ts';

/** How strongly SWG pushes, and what the windows are. */
export interface SwgOptions {
  /** w; 0 switches SWG off. */
  readonly swgScale: PerSample;
  /** Height and width of a window, as a share of the picture's; above 0 and below 1. The authors' 5/8 unless given. */
  readonly windowShare?: number;
  /** How many windows there are down, and as many across, at least 2; 2 unless given. */
  readonly windowSteps?: number;
  /** Whether only pixels that more than one window sees are guided (M-SWG); they alone, unless this is false. */
  readonly masked?: boolean;
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<SwgOptions> = {
  swgScale: aScale,
  windowShare: optional(finite(0, 1)),
  windowSteps: optional(whole(2)),
  masked: optional(flag),
  guidanceScale: optional(aScale),
};

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + w M ⊙ (ε(c) − ε̄(c)), where ε̄(c) is predicted window by window, each window a picture
 * of its own, and the mean where they overlap: away from what the model draws when it sees no further than a window. M
 * is 1 where windows overlap and 0 elsewhere (M-SWG, the authors' default); without a mask it is 1 everywhere.
 *
 * The windows lie evenly, the last at the border. (The authors' stride is rounded down; where that leaves a border
 * without a window, their code divides 0 by 0.)
 * @throws InputError when an option is unknown or out of range; at a step, when a window is as large as the picture, or
 *   the windows leave gaps, or the model does not take pictures of a window's size
 */
export function swg(options: SwgOptions): Guidance {
  checkOptions('swg', options, checks);
  const { swgScale, windowShare = 0.625, windowSteps = 2, masked = true, guidanceScale = 1 } = options;
  return {
    name: 'swg',
    guide(step) {
      const active = !isAll(swgScale, 0);
      const windows = active ? checkedWindows(step.sample, windowShare, windowSteps) : [];
      const classifierFree = isAll(guidanceScale, 1) ? [] : [unconditional];
      const crops = windows.map((window): Pass => ({ ...conditional, sample: cut(step.sample, window) }));
      const predictions = step.predict([conditional, ...classifierFree, ...crops]);
      const given = at(predictions, 0);
      const guided = classifierFree.length === 0 ? given : extrapolate(at(predictions, 1), given, guidanceScale);
      if (!active) return guided;

      const { mean, seen } = meanOfWindows(given, windows, predictions.slice(-windows.length));
      const away = subtract(given, mean);
      const plane = seen.length;
      const kept = masked ? mapElements(away, (value, i) => (at(seen, i % plane) > 1 ? value : 0)) : away;
      return push(guided, swgScale, kept);
    },
  };
}

function checkedWindows({ shape }: Tensor, share: number, steps: number): readonly Window[] {
  const [, , height, width] = shape as [number, number, number, number];
  const size = [Math.round(share * height), Math.round(share * width)] as const;
  const picture = `of a picture of ${height} × ${width} the windows are ${size[0]} × ${size[1]}, ${steps} in a row`;
  if (size[0] < 1 || size[1] < 1 || size[0] >= height || size[1] >= width)
    throw new InputError(`${picture}; a window must be smaller than the picture, and have pixels: change windowShare`);
  if (steps * size[0] < height || steps * size[1] < width)
    throw new InputError(`${picture}, which leaves gaps; raise windowShare or windowSteps`);
  return windowsOf([height, width], size, steps);
}
