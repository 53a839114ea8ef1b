/** Several passes of the network from one picture: plain, perturbed, without a condition; and what happens inside. */
import { conditional, perturbed, unconditional, type Pass } from '../../guidance/guidance.ts';
import { referenceBackend } from '../../kernels/plain/index.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import type { PassesRequest, PassesResult } from '../protocol.ts';
import type { Model } from './model.ts';

export function* passes(model: Model, request: PassesRequest): Generator<PassesResult, void, void> {
  const spoilt: readonly Pass[] = request.perturbations.map((layers) => perturbed(layers, identity));
  const asked: readonly Pass[] = [
    { ...conditional, taps: request.taps },
    ...spoilt,
    ...(request.unconditional ? [unconditional] : []),
  ];
  const started = performance.now();
  const timestep = model.scheduler.timesteps[request.index];
  const found = model
    .denoiser([request.label], request.plainLoops ? referenceBackend() : undefined)
    .predict(request.sample, timestep, asked);
  yield {
    plain: found[0].output,
    perturbed: spoilt.map((_, i) => found[i + 1].output),
    ...(request.unconditional && { unconditional: found.at(-1)!.output }),
    taps: found[0].taps,
    milliseconds: performance.now() - started,
  };
}
