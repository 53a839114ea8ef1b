/**
 * The letter classifier whose features the metrics use: four convolutions, a layer of 64 features, 26 letters
 * (`scripts/train/train_classifier.py`). What Inception is to photographs, it is to letters.
 */
import { checkFinite, checkTensor, mustBe, type Check } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { reshape, sameShape, shapeText, type DType, type Tensor } from '../tensor/tensor.ts';
import { aBackend, type Backend, type Program, type Tensors } from '../kernels/kernels.ts';
import { areWeights } from '../models/model.ts';
import { evenPadding } from '../nn/layers.ts';

/** The network, ready to run: see `classify`. */
export interface Classifier {
  /** By their names in the file: `a.weight`, `a.bias` … */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** That of its weights. */
  readonly dtype: DType;
  /** From `pictures` [B,1,32,32] to `features`, `logits` and `probabilities`, each with a row for each picture. */
  readonly program: Program;
  /** Others that were made of it, by what they do; as those of a model. */
  readonly programs: Map<string, Program>;
}

/** What the network makes of pictures. */
export interface Classification {
  /** [B,64]. */
  readonly features: Tensor;
  /** [B,26]. */
  readonly logits: Tensor;
  /** [B,26], softmax of the logits: each row sums to 1. */
  readonly probabilities: Tensor;
}

/** How many letters it tells apart: A to Z. */
export const letterCount = 26;
/** How many features of a picture it has. */
export const featureCount = 64;

/** Weight shapes by name: convolutions a–d, features f, output o. */
const shapes = {
  a: [16, 1, 3, 3],
  b: [32, 16, 3, 3],
  c: [64, 32, 3, 3],
  d: [64, 64, 3, 3],
  f: [featureCount, 1024],
  o: [letterCount, featureCount],
} as const;
type LayerName = keyof typeof shapes;

interface Layer {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/**
 * The classifier with these weights.
 * @param source the file that they come from, for messages
 * @throws InputError when a weight is missing, of another shape, or not finite
 */
export function createClassifier(weights: ReadonlyMap<string, Tensor>, source = 'the classifier'): Classifier {
  areWeights(source, weights);
  const layers = readLayers(weights, source);
  const convolutions = [
    { layer: layers.a, stride: 1 },
    { layer: layers.b, stride: 2 },
    { layer: layers.c, stride: 2 },
    { layer: layers.d, stride: 2 },
  ];
  // A linear layer over all that a picture of 4 × 4 holds is a convolution whose window is the picture.
  const overall = reshape(layers.f.weight, [featureCount, 64, 4, 4]);
  const program: Program = (kernels, inputs) => {
    let x = named(inputs, 'pictures');
    for (const { layer, stride } of convolutions)
      x = kernels.activation(kernels.conv2d(x, layer.weight, layer.bias, stride, evenPadding(1)), 'silu');
    const features = kernels.toTokens(
      kernels.activation(kernels.conv2d(x, overall, layers.f.bias, 1, evenPadding(0)), 'silu'),
    );
    const logits = kernels.linear(features, layers.o.weight, layers.o.bias);
    return { features, logits, probabilities: kernels.softmax(logits) };
  };
  return { weights, dtype: layers.a.weight.dtype, program, programs: new Map() };
}

function readLayers(weights: ReadonlyMap<string, Tensor>, source: string): Readonly<Record<LayerName, Layer>> {
  const read = (name: LayerName): Layer => ({
    weight: checkedWeight(weights, `${name}.weight`, shapes[name], source),
    bias: checkedWeight(weights, `${name}.bias`, shapes[name].slice(0, 1), source),
  });
  return { a: read('a'), b: read('b'), c: read('c'), d: read('d'), f: read('f'), o: read('o') };
}

function checkedWeight(
  weights: ReadonlyMap<string, Tensor>,
  name: string,
  shape: readonly number[],
  source: string,
): Tensor {
  const found = weights.get(name);
  if (found !== undefined) checkTensor(`${source}: "${name}"`, found);
  if (found && sameShape(found.shape, shape)) {
    checkFinite(`${source}: "${name}"`, found);
    return found;
  }
  const instead = found ? `has ${shapeText(found.shape)}` : 'is missing';
  throw new InputError(`${source}: "${name}" must have shape ${shapeText(shape)}, but ${instead}`);
}

function named(tensors: Tensors, name: string): Tensor {
  const found = tensors[name];
  if (!found) throw new RangeError(`the classifier's program has no tensor "${name}"`);
  return found;
}

/** The classifier, and not its weights. */
export const aClassifier: Check = mustBe(
  'one, as createClassifier(weights)',
  (value) => typeof (Object(value) as Partial<Classifier>).program === 'function',
);

/**
 * What the network makes of pictures.
 * @param pictures [B,1,32,32], from −1 (black) to 1 (white)
 * @throws InputError for pictures of another shape
 */
export function classify(classifier: Classifier, backend: Backend, pictures: Tensor): Classification {
  aClassifier('the classifier', classifier);
  aBackend('the backend', backend);
  const batch = checkedPictures(pictures);
  const found = backend.run(classifier.program, { pictures });
  return {
    features: reshape(named(found, 'features'), [batch, featureCount]),
    logits: reshape(named(found, 'logits'), [batch, letterCount]),
    probabilities: reshape(named(found, 'probabilities'), [batch, letterCount]),
  };
}

/**
 * How many pictures there are.
 * @throws InputError unless they are [B,1,32,32]
 */
export function checkedPictures(pictures: Tensor): number {
  checkTensor('pictures', pictures);
  const [batch, ...picture] = pictures.shape;
  if (batch !== undefined && sameShape(picture, [1, 32, 32])) return batch;
  throw new InputError(
    `the classifier reads pictures of shape [B, 1, 32, 32], but these have ${shapeText(pictures.shape)}`,
  );
}
