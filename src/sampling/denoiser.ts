/**
 * A denoiser answers the passes that a guidance asks for. Here: a UNet that does so with as little work as the passes
 * need.
 */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Backend, Tensors } from '../kernels/kernels.ts';
import type { Pass } from '../guidance/guidance.ts';
import { runUNet, type UNet } from '../models/unet2d/unet.ts';

export interface Denoiser {
  /**
   * @param sample what the model is given, [B,C,H,W], scaled as the scheduler wants it
   * @returns for each pass its prediction, [B,C′,H,W], and the inner values that it asks to see
   */
  predict(sample: Tensor, timestep: number, passes: readonly Pass[]): readonly Prediction[];
}

export interface Prediction {
  readonly output: Tensor;
  /** By module path. */
  readonly taps: Tensors;
}

export interface DenoiserOptions {
  /** One class label per sample; undefined for an unconditional model. */
  readonly labels?: readonly number[];
  /** The label that means "no class", for passes without a condition. */
  readonly nullLabel?: number;
  /** A second, worse model, for AutoGuidance. */
  readonly weak?: UNet;
}

/**
 * A denoiser for a UNet. Passes that differ only in their perturbation are one call of the network, which they share up
 * to the first perturbed layer.
 * @throws InputError for a model whose output is no prediction of its input
 */
export function unetDenoiser(
  unet: UNet,
  backend: Backend,
  { labels, nullLabel, weak }: DenoiserOptions = {},
): Denoiser {
  const labelsOf = (pass: Pass, batch: number): readonly number[] | undefined => {
    if (pass.condition === 'given') return labels;
    return nullLabel === undefined ? undefined : Array.from({ length: batch }, () => nullLabel);
  };
  const modelOf = (pass: Pass): UNet => {
    if (pass.model !== 'weak') return unet;
    if (!weak) throw new InputError('the guidance needs a second, weaker model, but none is given');
    return weak;
  };
  for (const {
    config: { inChannels, outChannels },
  } of weak ? [unet, weak] : [unet]) {
    if (outChannels !== inChannels && outChannels !== 2 * inChannels) {
      throw new InputError(
        `the model makes ${outChannels} channels of ${inChannels}; to draw with it they must be as many, or twice as many with the variance`,
      );
    }
  }
  return {
    predict(sample, timestep, passes) {
      const predictions = new Map<Pass, Prediction>();
      for (const group of groupBy(
        passes,
        modelOf,
        (pass) => pass.condition,
        (pass) => pass.sample ?? sample,
      )) {
        const [first] = group;
        const picture = first.sample ?? sample;
        const classLabels = labelsOf(first, picture.shape[0]);
        const input = { sample: picture, timesteps: [timestep], ...(classLabels && { classLabels }) };
        // The plain pass goes first: the others branch off from it.
        const ordered = [...group].sort((a, b) => a.perturbation.size - b.perturbation.size);
        const prefixes = ordered.map((_, i) => (i === 0 ? '' : `${i}:`));
        const found = runUNet(modelOf(first), backend, input, {
          passes: ordered.map((pass) => pass.perturbation),
          taps: ordered.flatMap((pass, i) => (pass.taps ?? []).map((path) => prefixes[i] + path)),
        });
        ordered.forEach((pass, i) => {
          const taps = Object.fromEntries((pass.taps ?? []).map((path) => [path, found.taps[prefixes[i] + path]]));
          predictions.set(pass, { output: found.predictions[i], taps });
        });
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
