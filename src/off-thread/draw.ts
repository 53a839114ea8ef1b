/** A request, drawn. */
import { createGuidance } from '../guidance/registry/index.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { unetDenoiser } from '../sampling/denoiser.ts';
import { noiseFrom } from '../sampling/noise.ts';
import { sampleSteps, type SamplingStep } from '../sampling/sample.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SampleRequest } from './request.ts';

/**
 * Draws what is asked for, step by step, as `sampleSteps`.
 * @throws InputError (the generator, when it is asked for a step) for what the model, the guidance or the scheduler
 *   cannot do, and as `sampleSteps`
 */
export function* drawRequest(
  model: UNet,
  ownScheduler: Config | undefined,
  backend: Backend,
  request: SampleRequest,
): Generator<SamplingStep, Tensor, void> {
  const { labels, nullLabel, guidance: { name, ...parameters } = { name: 'none' }, steps = 20, seed = 0 } = request;
  const { sampleSize, inChannels } = model.config;
  if (!sampleSize && !request.noise) throw new InputError('the model has no sample_size; give the noise');
  const noiseSource = noiseFrom(manualSeed(seed), model.dtype);
  const shape = [request.count ?? labels?.length ?? 1, inChannels, ...(sampleSize ?? [])];
  return yield* sampleSteps({
    denoiser: unetDenoiser(model, backend, {
      ...(labels && { labels }),
      ...(nullLabel !== undefined && { nullLabel }),
    }),
    guidance: createGuidance(name, parameters, {
      attentionLayers: model.attentionLayers,
      hasNullCondition: nullLabel !== undefined,
      hasWeakModel: false,
    }),
    scheduler: createScheduler(request.scheduler ?? ownScheduler ?? { _class_name: 'DDIMScheduler' }, steps),
    noise: request.noise ?? noiseSource(shape),
    noiseSource,
  });
}
