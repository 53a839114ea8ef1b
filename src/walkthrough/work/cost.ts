/** What the letters model costs a step, and how its stages hang together. */
import { identity } from '../../nn/attention-perturbations/index.ts';
import { costApart, guidedCost, passCost, type GuidedCost } from '../../models/cost.ts';
import { unperturbed, type Perturbation } from '../../models/stage.ts';
import type { UNetArchitecture } from '../../models/unet2d/unet.ts';
import { zeros } from '../../tensor/tensor.ts';
import { rememberedLater } from '../remembered.ts';

/** Multiply-adds of one step with the identity in these layers; without layers, of the plain pass. */
export function stepCost(unet: UNetArchitecture, layers: readonly string[]): GuidedCost {
  return guidedCost(unet, inputOf(unet), spoiltIn(layers));
}

/**
 * The same as `stepCost`, counted in three tasks, so that none is long; undefined until all of it is known.
 * @param known is told when a part is
 */
export function stepCostLater(
  unet: UNetArchitecture,
  known: () => void,
): (layers: readonly string[]) => GuidedCost | undefined {
  const later = (passesOf: (layers: string) => readonly Perturbation[]) =>
    rememberedLater((layers: string) => passCost(unet, inputOf(unet), passesOf(layers)), known);
  const perturbed = (layers: string): Perturbation => spoiltIn(layers === '' ? [] : layers.split(' '));
  const costs = {
    plain: later(() => [unperturbed]),
    perturbed: later((layers) => [perturbed(layers)]),
    both: later((layers) => [unperturbed, perturbed(layers)]),
  };
  return (layers) => {
    const key = layers.join(' ');
    const [alone, other, both] = [costs.plain(''), costs.perturbed(key), costs.both(key)];
    if (alone === undefined || other === undefined || both === undefined) return undefined;
    return costApart(alone, other, both);
  };
}

function inputOf({ config: { inChannels, sampleSize } }: UNetArchitecture) {
  if (!sampleSize) throw new Error('the model of the page says its size');
  return { sample: zeros('f32', [1, inChannels, ...sampleSize]), timesteps: [0], classLabels: [0] };
}

function spoiltIn(layers: readonly string[]): Perturbation {
  return new Map(layers.map((layer) => [layer, identity]));
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
