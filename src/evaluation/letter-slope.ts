/** Where the classifier of letters pulls a picture. */
import { gradient, gradientName } from '../kernels/gradients/gradient.ts';
import { sumOverAll } from '../kernels/gradients/sums.ts';
import { aBackend, tensorOf, type Backend, type Program } from '../kernels/kernels.ts';
import { checkedLabels, oneHot } from '../models/class-gradient.ts';
import { programFor } from '../models/model.ts';
import { cast } from '../tensor/rounding.ts';
import { reshape, type Tensor } from '../tensor/tensor.ts';
import { aClassifier, checkedPictures, letterCount, type Classifier } from './classifier.ts';

/**
 * ∇ log p(y|x) of the classifier's letters: what universal guidance goes along.
 * @param labels y: one for each picture, or one for all; letters from 0 (A) to 25
 * @returns from pictures [B,1,32,32] to a slope of their shape and precision
 * @throws InputError for what is no classifier, and labels that are no letters; (the function) for pictures of another
 *   shape, and labels that are not as many
 */
export function letterSlope(
  classifier: Classifier,
  backend: Backend,
  labels: readonly number[],
): (pictures: Tensor) => Tensor {
  aClassifier('the classifier', classifier);
  aBackend('the backend', backend);
  checkedLabels(labels, labels.length, letterCount);
  const program = programFor(classifier, 'the slope', () => slopeProgram(classifier));
  return (pictures) => {
    const batch = checkedPictures(pictures);
    const asked = oneHot(checkedLabels(labels, batch, letterCount), letterCount, classifier.dtype);
    const given = { pictures: cast(pictures, classifier.dtype), asked: reshape(asked, [batch, 1, letterCount]) };
    return cast(tensorOf(backend.run(program, given), gradientName('pictures')), pictures.dtype);
  };
}

/**
 * From `pictures` and `asked` [B,1,26] to the slope. ∂ log p(y|x)/∂l = [y] − softmax(l), l the logits, is known before
 * the way back begins, so what is derived is Σ l ⊙ ([y] − softmax(l)) with the second factor taken as it is.
 */
function slopeProgram({ program }: Classifier): Program {
  const along: Program = (kernels, given) => {
    const logits = tensorOf(program(kernels, given), 'logits');
    return { sum: sumOverAll(kernels, kernels.multiply(logits, tensorOf(given, 'change'))) };
  };
  const derived = gradient(along, 'sum', ['pictures']);
  return (kernels, given) => {
    const probabilities = tensorOf(program(kernels, given), 'probabilities');
    const change = kernels.subtract(tensorOf(given, 'asked'), probabilities);
    const name = gradientName('pictures');
    return { [name]: tensorOf(derived(kernels, { ...given, change }), name) };
  };
}
