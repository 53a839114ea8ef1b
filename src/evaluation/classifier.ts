/**
 * The letter classifier whose features the metrics use: four convolutions, a layer of 64 features, 26 letters
 * (`scripts/train/train_classifier.py`). What Inception is to photographs, it is to letters.
 */
import { InputError } from '../tensor/errors.ts';
import { reshape, shapeText, type Tensor } from '../tensor/tensor.ts';
import type { Backend, Program } from '../kernels/kernels.ts';
import { evenPadding } from '../nn/layers.ts';

export interface Classifier {
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly program: Program;
}

export interface Classification {
  /** [B,64]. */
  readonly features: Tensor;
  /** [B,26]. */
  readonly logits: Tensor;
  /** [B,26], softmax of the logits: each row sums to 1. */
  readonly probabilities: Tensor;
}

/** Weight shapes by name: convolutions a–d, features f, output o. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  a: [16, 1, 3, 3],
  b: [32, 16, 3, 3],
  c: [64, 32, 3, 3],
  d: [64, 64, 3, 3],
  f: [64, 1024],
  o: [26, 64],
};

/** @throws InputError when a weight is missing or of another shape */
export function createClassifier(weights: ReadonlyMap<string, Tensor>, source = 'the classifier'): Classifier {
  for (const [name, shape] of Object.entries(shapes)) {
    for (const [part, wanted] of [
      ['weight', shape],
      ['bias', shape.slice(0, 1)],
    ] as const) {
      const found = weights.get(`${name}.${part}`)?.shape;
      if (!found || shapeText(found) !== shapeText(wanted)) {
        throw new InputError(
          `${source}: "${name}.${part}" must have shape ${shapeText(wanted)}, but ${found ? `has ${shapeText(found)}` : 'is missing'}`,
        );
      }
    }
  }
  const w = (name: string): Tensor => weights.get(name)!;
  // A linear layer over all that a picture of 4 × 4 holds is a convolution whose window is the picture.
  const overall = reshape(w('f.weight'), [64, 64, 4, 4]);
  const program: Program = (kernels, inputs) => {
    let x = inputs['pictures'];
    for (const [name, stride] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 2],
    ] as const) {
      x = kernels.activation(kernels.conv2d(x, w(`${name}.weight`), w(`${name}.bias`), stride, evenPadding(1)), 'silu');
    }
    const features = kernels.toTokens(
      kernels.activation(kernels.conv2d(x, overall, w('f.bias'), 1, evenPadding(0)), 'silu'),
    );
    const logits = kernels.linear(features, w('o.weight'), w('o.bias'));
    return { features, logits, probabilities: kernels.softmax(logits) };
  };
  return { weights, program };
}

/**
 * @param pictures [B,1,32,32], from −1 (black) to 1 (white)
 * @throws InputError for pictures of another shape
 */
export function classify(classifier: Classifier, backend: Backend, pictures: Tensor): Classification {
  if (shapeText(pictures.shape.slice(1)) !== '[1, 32, 32]') {
    throw new InputError(
      `the classifier reads pictures of shape [B, 1, 32, 32], but these have ${shapeText(pictures.shape)}`,
    );
  }
  const { features, logits, probabilities } = backend.run(classifier.program, { pictures });
  const [batch] = pictures.shape;
  return {
    features: reshape(features, [batch, 64]),
    logits: reshape(logits, [batch, 26]),
    probabilities: reshape(probabilities, [batch, 26]),
  };
}
