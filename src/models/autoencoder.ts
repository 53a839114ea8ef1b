/**
 * What autoencoders have in common: pictures go in and become latents, in which diffusion happens, and latents become
 * pictures again. Either way is a model of its own, so that one who draws needs no encoder.
 */
import type { Backend } from '../kernels/kernels.ts';
import { at } from '../tensor/at.ts';
import { withParts } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkIsInput, checkSample } from './inputs.ts';
import { areWeights, type Model, type Weights } from './model.ts';
import { runModel } from './passes.ts';
import type { PictureState } from './picture-stages.ts';

/** What either way is given. */
export interface PictureInput {
  /** A picture in [−1, 1], [B,C,H,W], or latents as the decoder takes them, not scaled for diffusion. */
  readonly sample: Tensor;
}

/** One of the two ways. */
export type PictureModel<Config> = Model<Config, PictureInput, PictureState>;

/** Both. */
export interface Autoencoder<Config> {
  readonly config: Config;
  readonly encoder: PictureModel<Config>;
  readonly decoder: PictureModel<Config>;
}

/**
 * Fails unless the sample has the channels, and so many pixels that halving leaves some.
 * @param least the smallest side
 */
export function checkPicture(input: PictureInput, channels: number, least: number): void {
  checkIsInput(input, 'an object { sample }');
  const { sample } = input;
  checkSample(sample, channels, 1);
  const [, , height = 0, width = 0] = sample.shape;
  if (Math.min(height, width) >= least) return;
  throw new InputError(`the sample is ${height} × ${width}, but each side must have ${least} pixels or more`);
}

/**
 * Runs one of the ways: [B,C,H,W] → what comes of it.
 * @throws InputError when the sample does not fit
 */
export function runPictureModel<Config>(
  model: Autoencoder<Config>,
  way: 'encoder' | 'decoder',
  backend: Backend,
  sample: Tensor,
): Tensor {
  anAutoencoder('the model', model);
  return at(runModel(model[way], backend, { sample }).predictions, 0);
}

const anAutoencoder = withParts<Autoencoder<unknown>>(
  'an autoencoder, as createAutoencoderKL gives it',
  'encoder',
  'decoder',
);

/** The weights of the two ways; what belongs to neither is left to the decoder, which refuses it by name. */
export function partedWeights(
  weights: Weights,
  ofEncoder: readonly string[],
): { readonly encoder: Weights; readonly decoder: Weights } {
  const isOfEncoder = (name: string): boolean => ofEncoder.some((prefix) => name.startsWith(`${prefix}.`));
  areWeights('the weights', weights);
  const entries = [...weights];
  return {
    encoder: new Map(entries.filter(([name]) => isOfEncoder(name))),
    decoder: new Map(entries.filter(([name]) => !isOfEncoder(name))),
  };
}
