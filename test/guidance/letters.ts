/** The letters model on the golden pictures of 16 × 16 pixels. */
import { readFileSync } from 'node:fs';
import { parseJson } from '../../src/formats/json.ts';
import { readTensor } from '../../src/formats/safetensors.ts';
import type { GuidanceContext } from '../../src/guidance/registry/index.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { unetDenoiser, type Denoiser, type Prediction } from '../../src/sampling/denoiser.ts';
import { sampleSteps, type SamplingStep } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../src/models/unet2d/unet.ts';
import { fixture, loadFixtureModel, metadataOf, openGoldens } from '../goldens.ts';

const { config, weights } = await loadFixtureModel('letters/model');
const schedulerConfig = parseJson(
  new Uint8Array(readFileSync(fixture('letters/model/scheduler/scheduler_config.json'))),
  'scheduler',
) as Readonly<Record<string, unknown>>;

const file = openGoldens('guidance/letters/trajectory.safetensors');
const { labels, nullLabel } = metadataOf<{ readonly labels: readonly number[]; readonly nullLabel: number }>(
  file,
  'labels',
);
export const count = file.entries.size;

export function lettersUNet(dtype: DType): UNet {
  return createUNet(config, weights, dtype);
}

/** Of every tensor, each seventh weight is 0: the weak model of the goldens. */
export function weakUNet(dtype: DType): UNet {
  const weakened = [...weights].map(
    ([name, x]) => [name, { ...x, data: x.data.map((value, i) => (i % 7 === 0 ? 0 : value)) }] as const,
  );
  return createUNet(config, new Map(weakened), dtype);
}

export function lettersContext(unet: UNet, hasWeakModel = false): GuidanceContext {
  return { attentionLayers: unet.attentionLayers, hasNullCondition: true, hasWeakModel };
}

export function lettersDenoiser(unet: UNet, backend: Backend, weak?: UNet): Denoiser {
  return unetDenoiser(unet, backend, { labels, nullLabel, ...(weak && { weak }) });
}

/** The pictures of the unguided run, one for each step. */
export function trajectory(dtype: DType): readonly Tensor[] {
  return Array.from({ length: count }, (_, i) => cast(readTensor(file, `sample.${i}`), dtype));
}

export function lettersScheduler(): Scheduler {
  return createScheduler(schedulerConfig, count);
}

/** A scheduler that leads through the given pictures, whatever the model says. */
export function leadingThrough(pictures: readonly Tensor[], scheduler: Scheduler): Scheduler {
  return { ...scheduler, step: (state, { index, sample }) => ({ state, sample: pictures[index + 1] ?? sample }) };
}

/** The first steps of a run. */
export function stepsOf(
  denoiser: Denoiser,
  guidance: Guidance,
  scheduler: Scheduler,
  noise: Tensor,
  steps = count,
): readonly SamplingStep[] {
  const noiseSource = (): never => {
    throw new Error('DDIM without η draws no noise');
  };
  const run = sampleSteps({ denoiser, guidance, scheduler, noise, noiseSource });
  return Array.from({ length: steps }, () => run.next().value as SamplingStep);
}

/**
 * The same denoiser, which remembers the passes of each timestep that have no picture of their own. For runs that all
 * lead through the same pictures.
 */
export function remembering(denoiser: Denoiser): Denoiser {
  const known = new Map<string, Prediction>();
  return {
    predict(sample, timestep, passes) {
      const keys = passes.map(({ condition, perturbation, model, taps, sample: own }) => {
        const mixers = [...perturbation].map(([layer, mixer]) => `${layer}=${mixer.key}`);
        return own ? undefined : [timestep, condition, model, ...mixers, ...(taps ?? [])].join(' ');
      });
      const missing = passes.filter((_, i) => keys[i] === undefined || !known.has(keys[i]));
      const found = denoiser.predict(sample, timestep, missing);
      return passes.map((pass, i) => {
        const prediction = known.get(keys[i] ?? '') ?? found[missing.indexOf(pass)];
        if (keys[i] !== undefined) known.set(keys[i], prediction);
        return prediction;
      });
    },
  };
}
