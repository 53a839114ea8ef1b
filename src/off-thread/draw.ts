/** A request, drawn. */
import { createGuidanceOf } from '../guidance/registry/create.ts';
import { loadGuidance } from '../guidance/registry/load.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { unetDenoiser } from '../sampling/denoiser.ts';
import { noiseFrom } from '../sampling/noise.ts';
import { sampleSteps, type SamplingStep } from '../sampling/sample.ts';
import { createSchedulerOf } from '../schedulers/create.ts';
import { loadScheduler } from '../schedulers/load.ts';
import type { Config } from '../schedulers/options.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SampleRequest } from './request.ts';

/**
 * Draws what is asked for, step by step, as `sampleSteps`. Scheduler and guidance are loaded when they are asked for.
 * @throws InputError for what the model, the guidance or the scheduler cannot do; the generator, when it is asked for a
 *   step, as `sampleSteps`
 */
export async function drawRequest(
  model: UNet,
  ownScheduler: Config | undefined,
  backend: Backend,
  request: SampleRequest,
): Promise<Generator<SamplingStep, Tensor, void>> {
  const { labels, nullLabel, guidance: { name, ...parameters } = { name: 'none' }, steps = 20, seed = 0 } = request;
  const { sampleSize, inChannels } = model.config;
  if (!sampleSize && !request.noise) throw new InputError('the model has no sample_size; give the noise');
  const noiseSource = noiseFrom(manualSeed(seed), model.dtype);
  const shape = [request.count ?? labels?.length ?? 1, inChannels, ...(sampleSize ?? [])];
  const config = request.scheduler ?? ownScheduler ?? { _class_name: 'DDIMScheduler' };
  const [scheduler, entry] = await Promise.all([loadScheduler(config['_class_name']), loadGuidance(name)]);
  return sampleSteps({
    denoiser: unetDenoiser(model, backend, {
      ...(labels && { labels }),
      ...(nullLabel !== undefined && { nullLabel }),
    }),
    guidance: createGuidanceOf(name, entry, parameters, {
      attentionLayers: model.attentionLayers,
      hasNullCondition: nullLabel !== undefined,
      hasWeakModel: false,
    }),
    scheduler: createSchedulerOf(scheduler, config, steps),
    noise: request.noise ?? noiseSource(shape),
    noiseSource,
  });
}
