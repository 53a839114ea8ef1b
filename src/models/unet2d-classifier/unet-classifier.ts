/**
 * A noise-aware classifier: of a picture x_t with noise of the timestep t it says what is in it, p(y|x_t). Its gradient
 * guides a diffusion model (Dhariwal & Nichol 2021, arXiv 2105.05233).
 */
import { InputError } from '../../tensor/errors.ts';
import type { Generator } from '../../tensor/random.ts';
import { sameShape, shapeText, type DType, type Tensor } from '../../tensor/tensor.ts';
import { numberEmbeddings, type NumberEmbeddings } from '../../nn/embeddings.ts';
import { createModel, type Architecture, type Model, type ModelInput, type Weights } from '../model.ts';
import { initialValues } from '../unet2d/initialise.ts';
import type { UNetState } from '../unet2d/state.ts';
import { unetArchitecture } from '../unet2d/unet.ts';
import { checkConfig, classifierFamily, type UNetClassifierConfig } from './config.ts';
import { unetClassifierStages } from './stages.ts';

/** A classifier without its weights. */
export type UNetClassifierArchitecture = Architecture<UNetClassifierConfig, ModelInput, UNetState>;

/** A classifier. What it predicts are its logits, [B,K]: their softmax is p(y|x_t). */
export type UNetClassifier = Model<UNetClassifierConfig, ModelInput, UNetState>;

/**
 * The architecture that `config` describes. It is given pictures and timesteps, no condition.
 * @param embeddings what makes vectors of numbers; diffusers' own, unless somebody wants to know what others do
 * @throws InputError when the config is none that `parseUNetClassifierConfig` has read
 */
export function unetClassifierArchitecture(
  config: UNetClassifierConfig,
  embeddings: NumberEmbeddings = numberEmbeddings,
): UNetClassifierArchitecture {
  checkConfig(config);
  const { check, tensors, begin, end, learning } = unetArchitecture(config.encoder, embeddings);
  return {
    family: classifierFamily,
    config,
    inChannels: config.inChannels,
    outChannels: config.numClasses,
    predicts: 'classes',
    stages: unetClassifierStages(config),
    check(input) {
      check(input);
      const size = input.sample.shape.slice(2);
      if (sameShape(size, config.sampleSize)) return;
      throw new InputError(
        `the sample has ${shapeText(size)} pixels, but the classifier reads ${shapeText(config.sampleSize)}`,
      );
    },
    tensors,
    begin,
    end,
    finish: (logits) => logits,
    ...(learning && { learning: (input) => ({ ...learning(input), scale: undefined }) }),
  };
}

/**
 * A classifier from its config and weights.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError when the weights are not those of the config
 */
export function createUNetClassifier(
  config: UNetClassifierConfig,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): UNetClassifier {
  return createModel(unetClassifierArchitecture(config), weights, dtype, source);
}

/**
 * The weights that a classifier's training begins with, in float32: those of PyTorch's modules.
 * @param generator `manualSeed(seed)`; it is moved on
 */
export function initialClassifierWeights(
  config: UNetClassifierConfig,
  generator: Generator,
): ReadonlyMap<string, Tensor> {
  checkConfig(config);
  return initialValues(unetClassifierStages(config), generator);
}
