/**
 * The kernels of an honest port: the same operations as the reference, with sums in another order, other places of
 * rounding, other formulas for norms and softmax. All of them are legal; how far they lie apart is what a port may
 * deviate.
 */
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { erf, expf } from '../../tensor/math/index.ts';
import type { FloatArray } from '../../tensor/tensor.ts';
import { honestAttention, type AttentionArithmetic } from './attention.ts';
import type { Dot } from './dot.ts';
import { productBy } from '../matrix/products.ts';
import { honestWeightGradient, singleGroupNormGradients } from './gradients.ts';
import { honestProducts, type ConvolutionArithmetic } from './products.ts';
import { polynomialErf } from './functions.ts';
import { singleActivation, singleGroupNorm, singleLayerNorm, singleSoftmaxRows } from './single-steps.ts';
import { stored } from './stored.ts';

/** In what honest ports may differ. */
export interface Arithmetic extends AttentionArithmetic, ConvolutionArithmetic {
  readonly dot: Dot;
  /** Rounds what is multiplied (TF32). */
  readonly multiplicand?: (values: FloatArray) => FloatArray;
  /** Norms and activations in single precision, step by step, not in double. */
  readonly singleSteps?: boolean;
  /** The error function as vector libraries approximate it. */
  readonly polynomialErf?: boolean;
}

/** The kernels of a port with this arithmetic. A kernel that is missing here is a type error. */
export function honestKernels(arithmetic: Arithmetic): Kernels {
  const { dot, multiplicand = (values) => values, singleSteps = false } = arithmetic;
  const product = productBy(dot);
  const productOf = () => (a: FloatArray, b: FloatArray, rows: number, inner: number, columns: number) =>
    product(multiplicand(a), multiplicand(b), rows, inner, columns);
  return {
    ...honestProducts(productOf, arithmetic),
    ...honestAttention(productOf, arithmetic),
    ...(singleSteps ? singleStepped(arithmetic) : asReference('groupNorm', 'layerNorm', 'activation', 'softmax')),
    ...asReference('add', 'subtract', 'multiply', 'affine', 'divide', 'averagePool2x'),
    ...asReference(
      'upsampleNearest2x',
      'resizeNearest',
      'concatChannels',
      'sliceChannels',
      'concatBatch',
      'sliceBatch',
    ),
    ...asReference('reshape', 'toTokens', 'fromTokens', 'transposeWeight', 'transposeMap', 'placePixels'),
    conv2dWeightGradient: honestWeightGradient(productOf),
    ...asReference('activationDerivative'),
    ...(singleSteps ? singleGroupNormGradients : asReference('groupNormGradient', 'groupNormSums')),
    // No case has attention to a text that is perturbed.
    ...asReference('entmax', 'limitNorm'),
  };
}

/** Kernels that every port computes as the reference does. */
function asReference<K extends keyof Kernels>(...names: readonly K[]): Pick<Kernels, K> {
  return Object.fromEntries(names.map((name) => [name, referenceKernels[name]])) as Pick<Kernels, K>;
}

function singleStepped(arithmetic: Arithmetic): Pick<Kernels, 'groupNorm' | 'layerNorm' | 'activation' | 'softmax'> {
  const exp = arithmetic.exp ?? expf;
  const erfOf = arithmetic.polynomialErf ? polynomialErf : (x: number): number => Math.fround(erf(x));
  return {
    groupNorm: singleGroupNorm,
    layerNorm: singleLayerNorm,
    activation: singleActivation({ exp, erf: erfOf }),
    softmax(x) {
      const rows = Float32Array.from(x.data);
      singleSoftmaxRows(rows, x.shape.at(-1) ?? 1, exp);
      return stored(x, x.shape, rows);
    },
  };
}
