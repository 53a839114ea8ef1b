/** Euler's method with EDM's σ and preconditioning (arXiv 2206.00364; `diffusers.EDMEulerScheduler`). */
import { addScaled } from '../tensor/arithmetic.ts';
import { readEdmTable } from './edm.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { slope } from './variance-exploding.ts';

/** x' = x + (σ' − σ)(x − x̂₀)/σ. First order. */
export function edmEuler(config: Config, steps: number): Scheduler<undefined> {
  const name = 'EDMEulerScheduler';
  const options = readOptions(config, name);
  const { timesteps, sigmas, original, shared } = readEdmTable(options, steps, name, false);
  const read = options.finish();

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...shared,
    step(state, { index, modelOutput, sample }) {
      const [sigma, next] = [sigmas[index], sigmas[index + 1]];
      const denoised = original(sample, modelOutput, sigma);
      return { state, denoised, sample: addScaled(sample, next - sigma, slope(sample, denoised, sigma)) };
    },
  };
}
