/** What a caller got wrong, told before it is computed with. */
import { InputError } from '../tensor/errors.ts';
import { sameShape, shapeText, type Tensor } from '../tensor/tensor.ts';
import type { Scheduler, StepInput } from './scheduler.ts';

/**
 * The scheduler, but its methods throw InputError for an index outside the run, and where a sample and what meets it
 * differ in shape or precision.
 */
export function checked<State>(scheduler: Scheduler<State>): Scheduler<State> {
  const { name, timesteps, readsVariance = false } = scheduler;
  const checkIndex = (index: number): void => {
    if (Number.isInteger(index) && index >= 0 && index < timesteps.length) return;
    throw new InputError(`${name}: there is no call ${index} of the model; the run has 0 to ${timesteps.length - 1}`);
  };
  const checkAlike = (sample: Tensor, other: Tensor, what: string): void => {
    if (sameShape(sample.shape, other.shape) && sample.dtype === other.dtype) return;
    throw new InputError(
      `${name}: ${what} is ${kindOf(other)}, but the sample is ${kindOf(sample)}; expected the same`,
    );
  };
  const checkOutput = ({ sample, modelOutput }: StepInput): void => {
    const hasVariance = readsVariance && sameShape(modelOutput.shape, withVariance(sample.shape));
    checkAlike(sample, hasVariance ? { ...modelOutput, shape: sample.shape } : modelOutput, "the model's output");
  };

  return {
    ...scheduler,
    scaleModelInput(sample, index) {
      checkIndex(index);
      return scheduler.scaleModelInput(sample, index);
    },
    step(state, input) {
      checkIndex(input.index);
      checkOutput(input);
      const noise: typeof input.noise = (shape) => {
        const z = input.noise(shape);
        checkAlike(input.sample, z, 'the noise');
        return z;
      };
      return scheduler.step(state, { ...input, noise });
    },
    levelAt(index) {
      checkIndex(index);
      return scheduler.levelAt(index);
    },
    addNoise(original, noise, index) {
      checkIndex(index);
      checkAlike(original, noise, 'the noise');
      return scheduler.addNoise(original, noise, index);
    },
    predictOriginal(sample, modelOutput, index) {
      checkIndex(index);
      checkAlike(sample, modelOutput, "the model's output");
      return scheduler.predictOriginal(sample, modelOutput, index);
    },
  };
}

/** [B,2C,H,W] for [B,C,H,W]. */
function withVariance([batch = 1, channels = 1, ...extents]: readonly number[]): readonly number[] {
  return [batch, 2 * channels, ...extents];
}

function kindOf({ shape, dtype }: Tensor): string {
  return `${shapeText(shape)} in ${dtype}`;
}
