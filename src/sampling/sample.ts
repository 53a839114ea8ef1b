/** The loop that joins model, guidance and scheduler. */
import { InputError } from '../tensor/errors.ts';
import { scale } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { concatChannels, sliceChannels } from '../kernels/plain/rearrange.ts';
import { conditional, samePass, type Guidance, type Pass } from '../guidance/guidance.ts';
import type { NoiseSource, Scheduler } from '../schedulers/scheduler.ts';
import type { Denoiser, Prediction } from './denoiser.ts';

export interface SamplingRun {
  readonly denoiser: Denoiser;
  readonly guidance: Guidance;
  readonly scheduler: Scheduler;
  /** Standard normal noise, [B,C,H,W], in the precision of the run. */
  readonly noise: Tensor;
  /** Where schedulers that add noise draw it. */
  readonly noiseSource: NoiseSource;
}

/** What happened in one step. */
export interface SamplingStep {
  readonly index: number;
  readonly count: number;
  readonly timestep: number;
  /** The guided prediction ε̃, [B,C,H,W]. */
  readonly guided: Tensor;
  /** x after the step, [B,C,H,W]. */
  readonly sample: Tensor;
  /** x̂₀, the picture that the step aims at, where the scheduler has one. */
  readonly denoised?: Tensor;
}

/**
 * Draws pictures: yields every step, so that the caller may show it, keep it, or stop; returns the last sample.
 */
export function* sampleSteps(run: SamplingRun): Generator<SamplingStep, Tensor, void> {
  const { scheduler, guidance } = run;
  const count = scheduler.timesteps.length;
  const memory = new Map<object, Tensor>();
  let state = scheduler.start;
  let sample = scale(run.noise, scheduler.initNoiseSigma);

  for (let index = 0; index < count; index++) {
    const timestep = scheduler.timesteps[index];
    const current = sample;
    const model = modelAtStep(run.denoiser, scheduler, current, index);

    const guided = guidance.guide({
      index,
      count,
      timestep,
      sample: current,
      memory,
      ...scheduler.levelAt(index),
      predict: model.predict,
      tap: model.tap,
      toOriginal: (prediction) => scheduler.predictOriginal(current, prediction, index),
    });
    const modelOutput = scheduler.readsVariance ? model.withVariance(guided) : guided;

    const result = scheduler.step(state, { index, modelOutput, sample: current, noise: run.noiseSource });
    ({ state, sample } = result);
    yield { index, count, timestep, guided, sample, ...(result.denoised && { denoised: result.denoised }) };
  }
  return sample;
}

/** Runs all steps and returns the last sample, [B,C,H,W]. */
export function sampleToEnd(run: SamplingRun): Tensor {
  const steps = sampleSteps(run);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The model at one step: it remembers the passes that it has run. Guidance sees the predictions of the picture only;
 * the variance that some models predict beside it, in as many further channels, is that of the unperturbed conditional
 * pass.
 */
function modelAtStep(denoiser: Denoiser, scheduler: Scheduler, sample: Tensor, index: number) {
  const known: { readonly pass: Pass; readonly prediction: Prediction }[] = [];
  const channels = sample.shape[1];
  const input = scheduler.scaleModelInput(sample, index);

  const find = (pass: Pass): Prediction | undefined =>
    known.find((one) => samePass(one.pass, pass) && (pass.taps ?? []).every((path) => one.pass.taps?.includes(path)))
      ?.prediction;

  const run = (passes: readonly Pass[]): readonly Prediction[] => {
    const missing = passes.filter(
      (pass, i) => !find(pass) && !passes.slice(0, i).some((earlier) => samePass(earlier, pass)),
    );
    if (missing.length > 0) {
      const scaled = missing.map((pass) =>
        pass.sample ? { ...pass, sample: scheduler.scaleModelInput(pass.sample, index) } : pass,
      );
      const found = denoiser.predict(input, scheduler.timesteps[index], scaled);
      missing.forEach((pass, i) => known.push({ pass, prediction: found[i] }));
    }
    return passes.map((pass) => find(pass) ?? run([pass])[0]);
  };

  return {
    predict: (passes: readonly Pass[]): readonly Tensor[] =>
      run(passes).map(({ output }) => (output.shape[1] > channels ? sliceChannels(output, 0, channels) : output)),
    tap(pass: Pass, path: string): Tensor {
      const value = run([pass])[0].taps[path];
      if (!value) throw new InputError(`the guidance looks at "${path}", which the model does not have`);
      return value;
    },
    withVariance(guided: Tensor): Tensor {
      const predictsVariance = known.some(({ prediction }) => prediction.output.shape[1] > channels);
      if (!predictsVariance) return guided;
      return concatChannels(guided, sliceChannels(run([conditional])[0].output, channels, 2 * channels));
    },
  };
}
