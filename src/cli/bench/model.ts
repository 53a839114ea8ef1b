/** The speed of a whole model: on one thread, on several, on the plain loops, and step by step. */
import type { ModelInput } from '../../models/model.ts';
import { runModel } from '../../models/passes.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { referenceBackend } from '../../kernels/plain/index.ts';
import { simdBackend, type StepTime } from '../../kernels/simd/index.ts';
import type { UNet } from '../../models/unet2d/unet.ts';
import { InputError } from '../../tensor/errors.ts';
import { manualSeed } from '../../tensor/random.ts';
import { gigaflopsOf, type FastKernels, type OperationTime } from './operations.ts';
import { median, medianTimes } from './times.ts';

/** A model and what it is given: one sample of the size that it draws. */
export interface BenchModel {
  readonly unet: UNet;
  readonly input: ModelInput;
}

/** How long one sample takes; times are in milliseconds. */
export interface ModelTimes {
  /** One thread. */
  readonly milliseconds: number;
  readonly threads: number;
  readonly threadsMilliseconds: number;
  readonly loopsMilliseconds: number;
  /** How many times as long the plain loops take as one thread. */
  readonly overLoops: number;
  /** How many times as fast the threads are as one. */
  readonly threadsOverOne: number;
}

/** @throws InputError when the model's config does not say how large its samples are */
export function benchModel(unet: UNet, source: string): BenchModel {
  const { sampleSize, inChannels, classEmbedding } = unet.config;
  if (!sampleSize) throw new InputError(`${source}: the model has no sample_size`);
  const sample = manualSeed(0).randn([1, inChannels, ...sampleSize]);
  return { unet, input: { sample, timesteps: [500], ...(classEmbedding !== 'none' && { classLabels: [0] }) } };
}

/** @param several a backend with `threads` threads; without one they are not compared */
export function measureModel(
  { unet, input }: BenchModel,
  single: Backend,
  several: Backend | undefined,
  threads: number,
): ModelTimes {
  const forward = (backend: Backend) => (): void => {
    runModel(unet, backend, input);
  };
  const { loops } = medianTimes({ loops: forward(referenceBackend()) }, 1000);
  const { one, many = one } = medianTimes({ one: forward(single), ...(several && { many: forward(several) }) }, 3000);
  return {
    milliseconds: one,
    threads,
    threadsMilliseconds: many,
    loopsMilliseconds: loops,
    overLoops: loops / one,
    threadsOverOne: one / many,
  };
}

/** The model runs so often before its steps are timed, and so often while they are. */
const [warmUps, rounds] = [5, 20];

/**
 * The steps of the model's program, those of one name and shape together, the longest first.
 * @param peak what the loop of registers reaches at this moment, in 10⁹ operations a second
 */
export function measureSteps(
  { unet, input }: BenchModel,
  kernels: FastKernels,
  peak: () => number,
): readonly OperationTime[] {
  const sums = new Map<string, { readonly products: number; readonly milliseconds: number }>();
  const watch = ({ name, products, milliseconds }: StepTime): void => {
    const sum = sums.get(name) ?? { products: 0, milliseconds: 0 };
    sums.set(name, { products: sum.products + products, milliseconds: sum.milliseconds + milliseconds });
  };
  const backend = simdBackend({ ...kernels, watch });
  for (let i = 0; i < warmUps; i++) runModel(unet, backend, input);
  sums.clear();
  const peaks: number[] = [];
  for (let i = 0; i < rounds; i++) {
    runModel(unet, backend, input);
    peaks.push(peak());
  }
  backend.dispose();
  return [...sums]
    .map(([name, { products, milliseconds }]) => {
      const gigaflops = gigaflopsOf(products, milliseconds);
      return { name, milliseconds: milliseconds / rounds, gigaflops, shareOfPeak: gigaflops / median(peaks) };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
