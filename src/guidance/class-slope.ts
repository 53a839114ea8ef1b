/** The slope of a noise-aware classifier, as classifier guidance follows it. */
import { aBackend, type Backend } from '../kernels/kernels.ts';
import { checkClassifier, checkedLabels, classGradient } from '../models/class-gradient.ts';
import type { UNetClassifier } from '../models/unet2d-classifier/unet-classifier.ts';
import { scale } from '../tensor/arithmetic.ts';
import { checkFinite } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { extentOf, sameShape, shapeText } from '../tensor/tensor.ts';
import type { SlopeAt } from './classifier.ts';

/**
 * ∇ log p(y|x_t) through a classifier. It was trained on x_t = √ᾱ x₀ + √(1−ᾱ) ε; a sample of another form,
 * α x₀ + σ ε, is brought to it by 1/√(α² + σ²), and its slope back.
 * @param labels y: one for each sample, or one for all
 * @throws InputError for what is no classifier, weights that are not finite, labels that it does not know; (the
 *   function) when the pictures are not those that it reads, or the labels not as many
 */
export function classSlope(model: UNetClassifier, backend: Backend, labels: readonly number[]): SlopeAt {
  checkClassifier('classSlope', model);
  aBackend('the backend', backend);
  for (const [name, weight] of model.weights) checkFinite(`the weight "${name}" of the classifier`, weight);
  checkedLabels(labels, labels.length, model.outChannels);
  const { inChannels, config } = model;
  return ({ sample, signal, noise, timestep }) => {
    const expected = [inChannels, ...config.sampleSize];
    if (!sameShape(sample.shape.slice(1), expected))
      throw new InputError(
        `the classifier reads pictures of ${shapeText(expected)}, but the samples are ${shapeText(sample.shape)}`,
      );
    const size = Math.sqrt(signal * signal + noise * noise);
    // Levels are float32, whose squares do not quite sum up to 1.
    const isKept = Math.abs(size - 1) < 1e-6;
    const picture = cast(isKept ? sample : scale(sample, 1 / size), model.dtype);
    const asked = checkedLabels(labels, extentOf(sample, 0), model.outChannels);
    const input = { sample: picture, timesteps: [timestep] };
    const change = classGradient(model, backend, input, asked, { for: 'sample', reduction: 'sum' }).sample;
    return cast(scale(change, isKept ? -1 : -1 / size), sample.dtype);
  };
}
