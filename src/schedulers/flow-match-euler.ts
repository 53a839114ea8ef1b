/**
 * Euler's method for flow matching (Lipman et al. 2022, arXiv 2210.02747; Esser et al. 2024, arXiv 2403.03206;
 * `diffusers.FlowMatchEulerDiscreteScheduler`).
 */
import { add, addScaled, scale, subtract } from '../tensor/arithmetic.ts';
import { exp } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaSpacing, shiftFlow, spaceSigmas, stretchToTerminal } from './sigmas.ts';
import { range } from './spacing.ts';

const f32 = Math.fround;

/**
 * x_σ = (1 − σ) x₀ + σ ε, a straight line; the model predicts its direction v = ε − x₀; x' = x + (σ' − σ) v. Sampled
 * stochastically, x' = (1 − σ') x̂₀ + σ' z instead.
 * @param mu the logarithm of the shift (or the shift, if time_shift_type is linear), where the config says
 *   use_dynamic_shifting
 */
export function flowMatchEuler(config: Config, steps: number, mu?: number): Scheduler<undefined> {
  const name = 'FlowMatchEulerDiscreteScheduler';
  const options = readOptions(config, name);
  const trainTimesteps = options.count('num_train_timesteps', 1000);
  const shift = options.number('shift', 1);
  const isDynamic = options.flag('use_dynamic_shifting', false);
  const shiftType = options.choice('time_shift_type', ['exponential', 'linear'], 'exponential');
  // From these, and the size of the picture, pipelines compute mu.
  options.number('base_shift', 0.5);
  options.number('max_shift', 1.15);
  options.count('base_image_seq_len', 256);
  options.count('max_image_seq_len', 4096);
  const isInverted = options.flag('invert_sigmas', false);
  const terminal = options.optionalNumber('shift_terminal');
  const spacing = readSigmaSpacing(options, name);
  const isStochastic = options.flag('stochastic_sampling', false);
  const read = options.finish();
  if (trainTimesteps < 1)
    throw new InputError(`${name}: num_train_timesteps is ${trainTimesteps}; expected at least 1`);
  if (isDynamic && mu === undefined)
    throw new InputError(`${name}: use_dynamic_shifting needs a mu, the logarithm of the shift`);
  if (!Number.isInteger(steps) || steps < 1)
    throw new InputError(`${name}: ${steps} steps are asked for; expected a whole number from 1`);

  // As in diffusers, a fixed shift moves the smallest σ twice: in the table of the training, and again in that of the
  // run.
  const smallest = isDynamic ? f32(1 / trainTimesteps) : shiftInSingle(f32(1 / trainTimesteps), shift);
  const factor = isDynamic ? (shiftType === 'exponential' ? exp(mu!) : mu!) : shift;
  const even = range(trainTimesteps, smallest * trainTimesteps, steps).map((t) =>
    shiftFlow(t / trainTimesteps, factor),
  );
  const shifted = terminal ? stretchToTerminal(even, terminal) : even;
  const spaced = (spacing ? spaceSigmas(spacing, shifted[0], shifted[steps - 1], steps) : shifted).map(f32);
  const sigmas = isInverted ? [...spaced.map((sigma) => f32(1 - sigma)), 1] : [...spaced, 0];

  return {
    name,
    config: read,
    timesteps: sigmas.slice(0, -1).map((sigma) => f32(sigma * trainTimesteps)),
    initNoiseSigma: 1,
    start: undefined,
    scaleModelInput: (sample) => sample,
    addNoise: (original, noise, index) => add(scale(noise, sigmas[index]), scale(original, 1 - sigmas[index])),
    predictOriginal: (sample, output, index) => subtract(sample, scale(output, sigmas[index])),
    step(state, { index, modelOutput, sample, noise }) {
      const [sigma, next] = [sigmas[index], sigmas[index + 1]];
      const denoised = subtract(sample, scale(modelOutput, sigma));
      if (isStochastic)
        return { state, denoised, sample: add(scale(denoised, 1 - next), scale(noise(sample.shape), next)) };
      return { state, denoised, sample: addScaled(sample, next - sigma, modelOutput) };
    },
  };
}

/** shiftFlow, every operation rounded to float32. */
function shiftInSingle(sigma: number, shift: number): number {
  return f32(f32(f32(shift) * sigma) / f32(1 + f32(f32(shift - 1) * sigma)));
}
