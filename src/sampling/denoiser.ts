/** A denoiser answers the passes that a guidance asks for. Here: a UNet that does so with as little work as the passes need. */
import type { Tensor } from '../tensor/tensor.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Pass } from '../guidance/guidance.ts';
import { runUNet, type UNet } from '../unet/unet.ts';

export interface Denoiser {
  /**
   * @param sample what the model is given, [B,C,H,W], scaled as the scheduler wants it
   * @returns one prediction for each pass, [B,C′,H,W]
   */
  predict(sample: Tensor, timestep: number, passes: readonly Pass[]): readonly Tensor[];
}

export interface Conditions {
  /** One class label per sample; undefined for an unconditional model. */
  readonly labels?: readonly number[];
  /** The label that means "no class", for passes without a condition. */
  readonly nullLabel?: number;
}

/**
 * A denoiser for a UNet. Passes that differ only in their perturbation are one call of the network, which they share up
 * to the first perturbed layer.
 */
export function unetDenoiser(unet: UNet, backend: Backend, { labels, nullLabel }: Conditions = {}): Denoiser {
  const labelsOf = (pass: Pass, batch: number): readonly number[] | undefined => {
    if (pass.condition === 'given') return labels;
    return nullLabel === undefined ? undefined : Array.from({ length: batch }, () => nullLabel);
  };
  return {
    predict(sample, timestep, passes) {
      const predictions = new Map<Pass, Tensor>();
      for (const group of groupBy(passes, (pass) => pass.condition, (pass) => pass.sample ?? sample)) {
        const picture = group[0]!.sample ?? sample;
        const classLabels = labelsOf(group[0]!, picture.shape[0]!);
        const input = { sample: picture, timesteps: [timestep], ...(classLabels && { classLabels }) };
        // The plain pass goes first: the others branch off from it.
        const ordered = [...group].sort((a, b) => a.perturbation.size - b.perturbation.size);
        const { predictions: found } = runUNet(unet, backend, input, { passes: ordered.map((pass) => pass.perturbation) });
        ordered.forEach((pass, i) => predictions.set(pass, found[i]!));
      }
      return passes.map((pass) => predictions.get(pass)!);
    },
  };
}

/** `items` in groups that agree in all `keys`, in the order of their first members. */
function groupBy<T>(items: readonly T[], ...keys: readonly ((item: T) => unknown)[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (const item of items) {
    const group = groups.find(([first]) => keys.every((key) => key(first!) === key(item)));
    if (group) group.push(item);
    else groups.push([item]);
  }
  return groups;
}

