/**
 * Ports that multiply by the reciprocal of a number where the reference divides by it: what PyTorch does on a GPU, and
 * compilers that may. The reciprocal has been rounded, so all numbers of a tensor are off to the same side.
 */
import { add, scale } from '../../tensor/arithmetic.ts';
import { cos, exp, sin } from '../../tensor/math/index.ts';
import { cast } from '../../tensor/rounding.ts';
import { sameShape, tensor } from '../../tensor/tensor.ts';
import type { sinusoid } from '../../nn/embeddings.ts';
import { createScheduler } from '../../schedulers/registry.ts';

const f32 = Math.fround;

/** The embedding of time: exponents by the reciprocal of half − shift. */
export const reciprocalSinusoid: typeof sinusoid = (timesteps, size, cosineFirst, shift, dtype) => {
  const half = Math.floor(size / 2);
  const reciprocal = f32(1 / f32(half - shift));
  const out = new Float64Array(timesteps.length * size);
  for (let i = 0; i < half; i++) {
    const frequency = f32(exp(f32(f32(f32(-9.210340371976184) * i) * reciprocal)));
    timesteps.forEach((t, b) => {
      const angle = f32(f32(t) * frequency);
      out[b * size + i] = f32(cosineFirst ? cos(angle) : sin(angle));
      out[b * size + half + i] = f32(cosineFirst ? sin(angle) : cos(angle));
    });
  }
  return cast(tensor('f64', [timesteps.length, size], out), dtype);
};

/** The largest relative error of a root that was rounded and of its reciprocal, to either side. */
const roundings = 2 * 2 ** -24;

/** The reciprocal of a scheduler's signal √ᾱ is too large. */
export const largeReciprocals = reciprocalScheduler(roundings);
/** It is too small. */
export const smallReciprocals = reciprocalScheduler(-roundings);

/**
 * Schedulers whose x₀ = (x − √(1−ᾱ) ε)/√ᾱ is off by the error of a reciprocal. It is that of an x which is off by √ᾱ x₀
 * times it, and so such an x is given to the step, in double precision; the result is rounded.
 */
function reciprocalScheduler(error: number): typeof createScheduler {
  return (config, steps, choices) => {
    const plain = createScheduler(config, steps, choices);
    return {
      ...plain,
      step(state, given) {
        const { dtype } = given.sample;
        const [sample, modelOutput] = [given.sample, given.modelOutput].map((x) => cast(x, 'f64'));
        const noise: typeof given.noise = (shape) => cast(given.noise(shape), 'f64');
        // With a variance beside it the output has more channels.
        const isPrediction = sameShape(sample.shape, modelOutput.shape);
        const x0 = isPrediction ? plain.predictOriginal(sample, modelOutput, given.index) : sample;
        const moved = add(sample, scale(x0, error * plain.levelAt(given.index).signal));
        const result = plain.step(state, { ...given, sample: moved, modelOutput, noise });
        return {
          ...result,
          sample: cast(result.sample, dtype),
          ...(result.denoised && { denoised: cast(result.denoised, dtype) }),
        };
      },
    };
  };
}
