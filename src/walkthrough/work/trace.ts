/** A run from noise to picture, step by step. */
import { cfg } from '../../guidance/cfg.ts';
import { perturbed, predictOne, type Guidance } from '../../guidance/guidance.ts';
import { none } from '../../guidance/none.ts';
import { pag } from '../../guidance/pag.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { sampleSteps, type SamplingStep } from '../../sampling/sample.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { GuidanceChoice, TraceRequest } from '../protocol.ts';
import { faultNamed, mistimed } from './faults.ts';
import type { Model } from './model.ts';
import { noiseOf } from './noise.ts';

export function* trace(model: Model, request: TraceRequest): Generator<SamplingStep, void, void> {
  const fault = request.fault && faultNamed(request.fault);
  const denoiser = model.denoiser(request.labels, fault?.kernels && model.backendWith(fault.kernels));
  const { timesteps } = model.scheduler;
  const further = manualSeed(request.seed); // never drawn from: DDIM with η = 0 adds no noise
  yield* sampleSteps({
    denoiser: fault?.timestep ? mistimed(denoiser, (timestep) => fault.timestep!(timestep, timesteps)) : denoiser,
    guidance: guidanceOf(fault?.guidance ? fault.guidance(request.guidance) : request.guidance),
    scheduler: model.scheduler,
    noise: noiseOf(request),
    noiseSource: (shape) => further.randn(shape),
  });
}

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
