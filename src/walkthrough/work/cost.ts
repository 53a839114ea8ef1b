/** What the letters model costs a step, and how its stages hang together. */
import { identity } from '../../nn/attention-perturbations/index.ts';
import { guidedCost, type GuidedCost } from '../../models/cost.ts';
import type { UNetArchitecture } from '../../models/unet2d/unet.ts';
import { zeros } from '../../tensor/tensor.ts';

/** Multiply-adds of one step with the identity in these layers; without layers, of the plain pass. */
export function stepCost(unet: UNetArchitecture, layers: readonly string[]): GuidedCost {
  const { inChannels, sampleSize } = unet.config;
  if (!sampleSize) throw new Error('the model of the page says its size');
  const input = { sample: zeros('f32', [1, inChannels, ...sampleSize]), timesteps: [0], classLabels: [0] };
  return guidedCost(unet, input, new Map(layers.map((layer) => [layer, identity])));
}

/** Which stages hand their result over to which on the way up, as [from, to], by their places. */
export function skipConnections({ stages }: Pick<UNetArchitecture, 'stages'>): readonly (readonly [number, number])[] {
  const kept: number[] = [];
  return stages.flatMap(({ skip }, i) => {
    if (skip === 'keep') kept.push(i);
    const from = skip === 'join' ? kept.pop() : undefined;
    return from === undefined ? [] : [[from, i] as const];
  });
}
