/**
 * What the tests of schedulers share: the loop, and the published set-up (FACTS: x, noise and model are simple
 * formulas).
 */
import { manualSeed } from '../../src/tensor/random.ts';
import { mapElements, scale } from '../../src/tensor/arithmetic.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import type { NoiseSource, Scheduler } from '../../src/schedulers/scheduler.ts';

export const noNoise: NoiseSource = () => {
  throw new Error('this scheduler draws no noise');
};

/** What torch.manual_seed gives, call by call. */
export function seededNoise(seed: number): NoiseSource {
  const generator = manualSeed(seed);
  return (shape) => generator.randn(shape);
}

/** The model sees its scaled input, the timestep, the number of the call and, if it must, the sample itself. */
export type Model = (input: Tensor, timestep: number, index: number, sample: Tensor) => Tensor;

export interface Walk {
  readonly model: Model;
  readonly sample: Tensor;
  readonly noise?: NoiseSource;
  /** The first call; the state is that of the start. */
  readonly begin?: number;
  readonly state?: unknown;
  /** Steps go on from the scaled sample: a slip of diffusers' own tests, on which their numbers rest. */
  readonly keepsScaled?: boolean;
}

/** Runs a scheduler and returns the sample after every step. */
export function walk(
  scheduler: Scheduler,
  { model, sample, noise = noNoise, begin = 0, state = scheduler.start, keepsScaled = false }: Walk,
): Tensor[] {
  const samples: Tensor[] = [];
  for (let index = begin; index < scheduler.timesteps.length; index++) {
    const input = scheduler.scaleModelInput(sample, index);
    const modelOutput = model(input, scheduler.timesteps[index], index, sample);
    const result = scheduler.step(state, { index, modelOutput, sample: keepsScaled ? input : sample, noise });
    ({ state, sample } = result);
    samples.push(sample);
  }
  return samples;
}

export function last<T>(list: readonly T[]): T {
  return list[list.length - 1];
}

/** x[b,c,h,w] = (((c·8+h)·8+w)·4+b)/768, float32. */
export const publishedSample: Tensor = fromIndex((i) => i / 768);
/** (767 − the same index)/768. */
export const publishedNoise: Tensor = fromIndex((i) => (767 - i) / 768);

function fromIndex(f: (index: number) => number): Tensor {
  const [batch, channels, height, width] = [4, 3, 8, 8];
  const data = new Float32Array(768);
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < channels * height * width; i++) data[b * channels * height * width + i] = f(i * batch + b);
  return tensor('f32', [batch, channels, height, width], data);
}

/** x · t/(t+1). */
export const publishedModel = (x: Tensor, t: number): Tensor => scale(x, t / (t + 1));

export function sumOfSizes(x: Tensor): number {
  return Array.from(x.data, Math.abs).reduce((sum, size) => sum + size, 0);
}

export function to(dtype: 'f32' | 'f64', x: Tensor): Tensor {
  return cast(x, dtype);
}

export { mapElements };
