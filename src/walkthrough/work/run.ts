/** A run from noise to picture, step by step. */
import { cfg } from '../../guidance/cfg.ts';
import { perturbed, predictOne, type Guidance } from '../../guidance/guidance.ts';
import { none } from '../../guidance/none.ts';
import { pag } from '../../guidance/pag.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { noisedPicture } from '../../sampling/from-picture.ts';
import { sampleSteps, type SamplingStep } from '../../sampling/sample.ts';
import { laterPart } from '../../schedulers/later.ts';
import type { Scheduler } from '../../schedulers/scheduler.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GuidanceChoice, RunRequest } from '../protocol.ts';
import { stepCount } from '../study.ts';
import { faultNamed, mistimed } from './faults.ts';
import type { Model } from './model.ts';
import { noiseOf } from './noise.ts';
import { pictureOf } from './own.ts';

/** All letters of the request at once; with its mistake, where it names one. Yields every step. */
export function* sampleRun(model: Model, request: RunRequest): Generator<SamplingStep, void, void> {
  const fault = request.fault && faultNamed(request.fault);
  const denoiser = fault
    ? model.denoiser(request.labels, fault.kernels && model.backendWith(fault.kernels))
    : model.recalling(request.labels);
  const noise = noiseOf(request);
  const { scheduler, start } = beginning(model.scheduler, request, noise);
  const { timesteps } = scheduler;
  const timestepFor = fault?.timestep;
  const further = manualSeed(request.seed); // never drawn from: DDIM with η = 0 adds no noise
  yield* sampleSteps({
    denoiser: timestepFor ? mistimed(denoiser, (timestep) => timestepFor(timestep, timesteps)) : denoiser,
    guidance: guidanceOf(fault?.guidance ? fault.guidance(request.guidance) : request.guidance),
    scheduler,
    noise,
    ...(start && { start }),
    noiseSource: (shape) => further.randn(shape),
  });
}

/** All steps from noise; or those that are left from the noised picture of the reader's own letter. */
function beginning(
  scheduler: Scheduler,
  { from }: RunRequest,
  noise: Tensor,
): { readonly scheduler: Scheduler; readonly start?: Tensor } {
  if (!from) return { scheduler };
  const later = laterPart(scheduler, stepCount - from.steps);
  return { scheduler: later, start: noisedPicture(later, pictureOf(from.own), noise) };
}

/** The guidance of the library that the page chooses. */
export function guidanceOf(choice: GuidanceChoice): Guidance {
  switch (choice.kind) {
    case 'none':
      return none;
    case 'pag':
      return choice.layers.length === 0 ? none : pag({ pagScale: choice.scale, layers: choice.layers });
    case 'cfg':
      return cfg(choice.scale);
    case 'spoilt':
      return { name: 'spoilt', guide: (step) => predictOne(step, perturbed(choice.layers, identity)) };
  }
}
