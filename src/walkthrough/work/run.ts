/** A run from noise to picture, step by step. */
import { cfg } from '../../guidance/cfg.ts';
import { perturbed, predictOne, type Guidance } from '../../guidance/guidance.ts';
import { none } from '../../guidance/none.ts';
import { pag } from '../../guidance/pag.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { sampleSteps, type SamplingStep } from '../../sampling/sample.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { GuidanceChoice, RunRequest } from '../protocol.ts';
import { faultNamed, mistimed } from './faults.ts';
import type { Model } from './model.ts';
import { noiseOf } from './noise.ts';

/** All letters of the request at once; with its mistake, where it names one. Yields every step. */
export function* sampleRun(model: Model, request: RunRequest): Generator<SamplingStep, void, void> {
  const fault = request.fault && faultNamed(request.fault);
  const denoiser = model.denoiser(request.labels, fault?.kernels && model.backendWith(fault.kernels));
  const { timesteps } = model.scheduler;
  const timestepFor = fault?.timestep;
  const further = manualSeed(request.seed); // never drawn from: DDIM with η = 0 adds no noise
  yield* sampleSteps({
    denoiser: timestepFor ? mistimed(denoiser, (timestep) => timestepFor(timestep, timesteps)) : denoiser,
    guidance: guidanceOf(fault?.guidance ? fault.guidance(request.guidance) : request.guidance),
    scheduler: model.scheduler,
    noise: noiseOf(request),
    noiseSource: (shape) => further.randn(shape),
  });
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
