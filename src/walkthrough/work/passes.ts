/** Several passes of the network from one picture: plain, perturbed, without a condition; and what happens inside. */
import { conditional, perturbed, unconditional, type Pass } from '../../guidance/guidance.ts';
import { referenceBackend } from '../../kernels/plain/index.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { present } from '../checked.ts';
import type { PassesRequest, PassesResult } from '../protocol.ts';
import { hushedAttention } from './hush.ts';
import type { Model } from './model.ts';

/** All passes of the request, in one result. */
export function* passes(model: Model, request: PassesRequest): Generator<PassesResult, void, void> {
  const spoilt: readonly Pass[] = request.perturbations.map((layers) => perturbed(layers, identity));
  const asked: readonly Pass[] = [
    { ...conditional, taps: request.taps },
    ...spoilt,
    ...(request.unconditional ? [unconditional] : []),
    ...(request.hushed ? [perturbed(model.unet.attentionLayers, hushedAttention(request.hushed))] : []),
  ];
  const started = performance.now();
  const timestep = present(model.scheduler.timesteps[request.index], `step ${request.index}`);
  const samples = new Array<number>(request.sample.shape[0] ?? 1);
  const [plain, ...others] = model
    .denoiser(samples.fill(request.label), request.plainLoops ? referenceBackend() : undefined)
    .predict(request.sample, timestep, asked);
  const { output, taps } = present(plain, 'prediction');
  const empty = request.unconditional ? others[spoilt.length] : undefined;
  const hushed = request.hushed ? others.at(-1) : undefined;
  yield {
    plain: output,
    perturbed: others.slice(0, spoilt.length).map((prediction) => prediction.output),
    ...(hushed && { hushed: hushed.output }),
    ...(empty && { unconditional: empty.output }),
    taps,
    milliseconds: performance.now() - started,
  };
}
