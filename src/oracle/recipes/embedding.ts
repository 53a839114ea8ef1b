/** Timesteps as vectors of sines and cosines. */
import type { EmbeddingSubject } from '../case.ts';
import type { Recipe } from './recipe.ts';
import { withTimeOptions } from './unet.ts';

export function embeddingRecipe({ probes }: EmbeddingSubject): Recipe {
  return ({ implementation, dtype, show }) => {
    for (const { name, timesteps, size, flipSinToCos, freqShift } of probes) {
      const options = withTimeOptions(implementation, { flipSinToCos, freqShift });
      show(name, implementation.sinusoid(timesteps, size, options.flipSinToCos, options.freqShift, dtype));
    }
  };
}
