/** Timesteps as vectors of sines and cosines. */
import { parseUNetConfig } from '../../models/unet2d/config.ts';
import type { EmbeddingSubject } from '../case.ts';
import type { Recipe } from './recipe.ts';

/** Each probe is a tap. */
export function embeddingRecipe({ probes }: EmbeddingSubject): Recipe {
  return ({ implementation, dtype, show, watches }) => {
    for (const { name, timesteps, size, ...options } of probes) {
      if (!watches(name)) continue;
      const { flipSinToCos, freqShift } = implementation.config({ ...parseUNetConfig({}), ...options });
      show(name, implementation.sinusoid(timesteps, size, flipSinToCos, freqShift, dtype));
    }
  };
}
