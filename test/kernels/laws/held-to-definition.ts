/** Every kernel gives the bits of its definition, for harmless numbers and for awkward ones. */
import fc from 'fast-check';
import { it } from 'vitest';
import { definitionKernels } from '../../../src/kernels/definition/index.ts';
import { activations, type EntmaxAlpha, type Kernels, type Tensors } from '../../../src/kernels/kernels.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import {
  attentions,
  convolutions,
  doubledConvolutions,
  extent,
  groupNorms,
  joinedConvolutions,
  layerNorms,
  linears,
  pairs,
  pictures,
  several,
  shapes,
  tensors,
  winogradConvolutions,
  type Values,
} from '../arbitraries.ts';
import { expectSameBits } from '../bits.ts';
import { AROUND, EPS, type Subject } from './law.ts';

/** Declares the tests. */
export function heldToDefinition(subject: Subject): void {
  const all = { ...subject, ...comparedWithDefinition(subject) };
  convolutionsHeld(all);
  winogradHeld(all);
  rowsHeld(all);
  attentionHeld(all);
  weightGradientsHeld(all);
  gradientsHeld(all);
  elementsHeld(all);
  arrangementsHeld(all);
}

/** What is computed, and how it is held to the definition. */
type Held = Subject & ReturnType<typeof comparedWithDefinition>;

function comparedWithDefinition({ compute, computeAll, holds }: Subject) {
  const same = <In extends Tensors>(inputs: In, body: (kernels: Kernels, inputs: In) => Tensor): void =>
    expectSameBits(compute(inputs, body), body(definitionKernels, inputs));
  /** Several results of one program, which no other reads. */
  const sameAll = <In extends Tensors>(inputs: In, body: (kernels: Kernels, inputs: In) => Tensors): void => {
    const found = computeAll(inputs, body);
    for (const [name, value] of Object.entries(body(definitionKernels, inputs))) expectSameBits(found[name], value);
  };
  const both = <T>(inputs: (values: Values) => fc.Arbitrary<T>, law: (input: T) => void): void => {
    holds(inputs('moderate'), law);
    holds(inputs('any'), law);
  };
  return { same, sameAll, both };
}

function convolutionsHeld({ dtype, holdsOfLarge, same, sameAll, both }: Held): void {
  it('conv2d', () =>
    both(
      (values) => convolutions(dtype, values),
      ({ x, weight, bias, stride, padding }) => {
        sameAll({ x, given: weight }, (k, { x, given }) => ({
          constant: k.conv2d(x, weight, bias, stride, padding),
          given: k.conv2d(x, given, bias, stride, padding),
        }));
      },
    ));

  it('conv2d of more channels than a run of the sum takes', () =>
    holdsOfLarge(several(dtype, [2, 70, 2, 3], [3, 70, 2, 1]), ([x, weight]) =>
      same({ x }, (k, { x }) => k.conv2d(x, weight, undefined, 1, { top: 0, bottom: 1, left: 0, right: 0 })),
    ));

  it('conv2d of two pictures, joined', () =>
    both(
      (values) => joinedConvolutions(dtype, values),
      ({ x, weight, bias, stride, padding, seam }) =>
        same({ x }, (k, { x }) => k.joinedConv2d(x, weight, bias, stride, padding, seam)),
    ));

  it('upsampleConv2d', () =>
    both(
      (values) => doubledConvolutions(dtype, values),
      ({ x, weight, bias }) => same({ x }, (k, { x }) => k.upsampleConv2d(x, weight, bias)),
    ));
}

function winogradHeld({ dtype, holds, holdsOfLarge, same, sameAll, both }: Held): void {
  it('winogradConv2d', () =>
    both(
      (values) => winogradConvolutions(dtype, values),
      ({ x, weight, bias, width, padding }) => {
        sameAll({ x, given: weight }, (k, { x, given }) => ({
          constant: k.winogradConv2d(x, weight, bias, width, padding),
          given: k.winogradConv2d(x, given, bias, width, padding),
        }));
      },
    ));

  it('winogradConv2d of more channels than a run of the sum takes, added to what is there', () =>
    holdsOfLarge(several(dtype, [2, 70, 4, 9], [9, 70, 3, 3], [2, 9, 4, 9], [2, 9]), ([x, weight, there, spread]) => {
      for (const width of [2, 4] as const)
        same({ x, there, spread }, (k, { x, there, spread }) =>
          k.divide(k.add(k.add(k.winogradConv2d(x, weight, undefined, width, AROUND), there), spread), 3),
        );
    }));

  // Only the fast kernels take outputs together, and have no other dtype.
  if (dtype === 'f32')
    it('winogradConv2d of more outputs than have their weights together', () =>
      holdsOfLarge(several(dtype, [3, 160, 2, 4], [74, 160, 3, 3]), ([x, weight]) => {
        for (const width of [2, 4] as const)
          same({ x }, (k, { x }) => k.winogradConv2d(x, weight, undefined, width, AROUND));
      }));

  it('winogradConv2d of a part of a weight', () =>
    holds(several(dtype, [1, 3, 5, 6], [4, 7, 3, 3]), ([x, weight]) => {
      same({ x }, (k, { x }) => k.winogradConv2d(x, k.sliceChannels(weight, 2, 5), undefined, 4, AROUND));
    }));
}

/** Products and norms: what goes row by row. */
function rowsHeld({ dtype, same, sameAll, both }: Held): void {
  it('linear', () =>
    both(
      (values) => linears(dtype, values),
      ({ x, weight, bias }) => same({ x }, (k, { x }) => k.linear(x, weight, bias)),
    ));

  it('groupNorm', () =>
    both(
      (values) => groupNorms(dtype, values),
      ({ x, groups, weight, bias }) => same({ x }, (k, { x }) => k.groupNorm(x, groups, weight, bias, EPS)),
    ));

  it('layerNorm', () =>
    both(
      (values) => layerNorms(dtype, values),
      ({ x, weight, bias }) => same({ x }, (k, { x }) => k.layerNorm(x, weight, bias, EPS)),
    ));

  it('entmax and limitNorm', () =>
    both(
      (values) => fc.tuple(pictures(dtype, values), fc.constantFrom<EntmaxAlpha>(1.5, 2), fc.constantFrom(0, 0.3, 2)),
      ([x, alpha, limit]) => {
        sameAll({ x }, (k, { x }) => ({
          entmax: k.entmax(x, alpha),
          limited: k.limitNorm(x, k.affine(x, 0.5, 1), limit),
        }));
      },
    ));

  it('softmax', () =>
    both(
      (values) => shapes(4, 40).chain((shape) => tensors(dtype, shape, values)),
      (x) => same({ x }, (k, { x }) => k.softmax(x)),
    ));
}

function attentionHeld({ dtype, compute, holds, same, sameAll, both }: Held): void {
  it('attention and its two halves', () =>
    both(
      (values) => attentions(dtype, values),
      ({ q, k: key, v, heads, scale }) => {
        const map = definitionKernels.attentionMap(q, key, heads, scale);
        const mixed = definitionKernels.applyAttentionMap(map, v);
        sameAll({ q, key, map, v }, (k, { q, key, map, v }) => ({
          scores: k.attentionScores(q, key, heads, scale),
          applied: k.applyAttentionMap(map, v),
        }));
        expectSameBits(
          compute({ q, key }, (k, { q, key }) => k.attentionMap(q, key, heads, scale)),
          map,
        );
        expectSameBits(
          compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, heads, scale)),
          mixed,
        );
      },
    ));

  it('attention of heads with more channels than a run of the sum takes', () =>
    holds(several(dtype, [1, 3, 70], [1, 5, 70], [1, 5, 70]), ([q, key, v]) =>
      same({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, 1, 0.125)),
    ));

  it('scores of heads with more channels than a run of the sum takes', () =>
    holds(several(dtype, [1, 3, 70], [1, 5, 70]), ([q, key]) =>
      same({ q, key }, (k, { q, key }) => k.attentionScores(q, key, 1, 0.125)),
    ));
}

function weightGradientsHeld({ dtype, holdsOfLarge, same, both }: Held): void {
  it('conv2dWeightGradient', () =>
    both(
      (values) =>
        convolutions(dtype, values).chain((choice) => {
          const { x, weight, stride, padding } = choice;
          const { shape } = definitionKernels.conv2d(x, weight, undefined, stride, padding);
          return tensors(dtype, shape, values).map((gradient) => ({ ...choice, gradient }));
        }),
      ({ x, weight, gradient, stride, padding }) =>
        same({ x, gradient }, (k, { x, gradient }) =>
          k.conv2dWeightGradient(x, gradient, weight.shape[2], weight.shape[3], stride, padding),
        ),
    ));

  it('conv2dWeightGradient in tiles', () =>
    both(
      (values) =>
        winogradConvolutions(dtype, values).chain((choice) => {
          const { x, weight, padding } = choice;
          const { shape } = definitionKernels.conv2d(x, weight, undefined, 1, padding);
          return tensors(dtype, shape, values).map((gradient) => ({ ...choice, gradient }));
        }),
      ({ x, gradient, padding, width }) =>
        same({ x, gradient }, (k, { x, gradient }) => k.conv2dWeightGradient(x, gradient, 3, 3, 1, padding, width)),
    ));

  it('conv2dWeightGradient in tiles of more samples, tiles and outputs than are taken at once', () =>
    holdsOfLarge(several(dtype, [2, 1, 16, 18], [2, 9, 16, 18]), ([x, gradient]) => {
      for (const width of [2, 4] as const)
        same({ x, gradient }, (k, { x, gradient }) => k.conv2dWeightGradient(x, gradient, 3, 3, 1, AROUND, width));
    }));

  it('conv2dWeightGradient of more pixels than a run of the sum takes, across samples', () =>
    holdsOfLarge(several(dtype, [5, 2, 9, 9], [5, 2, 9, 9]), ([x, gradient]) =>
      same({ x, gradient }, (k, { x, gradient }) => k.conv2dWeightGradient(x, gradient, 3, 3, 1, AROUND)),
    ));
}

/** What else the way back needs. */
function gradientsHeld({ dtype, holdsOfLarge, same, sameAll, both }: Held): void {
  it('transposeWeight, transposeMap and placePixels', () =>
    both(
      (values) => fc.tuple(pictures(dtype, values), fc.integer({ min: -2, max: 3 }), extent(3), extent(9)),
      ([x, first, stride, size]) => {
        sameAll({ x }, (k, { x }) => ({
          weight: k.transposeWeight(x),
          map: k.transposeMap(x),
          placed: k.placePixels(x, stride, first, -first, size, size + 1),
        }));
      },
    ));

  it('transposeMap of more rows and columns than are turned over at once', () =>
    holdsOfLarge(several(dtype, [2, 2, 19, 21], [1, 1, 16, 24]), (maps) => {
      for (const x of maps) same({ x }, (k, { x }) => k.transposeMap(x));
    }));

  it('groupNormGradient and groupNormSums', () =>
    both(
      (values) =>
        groupNorms(dtype, values).chain((norm) => tensors(dtype, norm.x.shape, values).map((g) => [norm, g] as const)),
      ([{ x, weight, groups }, gradient]) => {
        same({ x, gradient, weight }, (k, { x, gradient, weight }) =>
          k.groupNormGradient(x, gradient, weight, groups, EPS),
        );
        same({ x, gradient }, (k, { x, gradient }) => k.groupNormSums(x, gradient, groups, EPS));
      },
    ));
}

/** What goes number by number. */
function elementsHeld({ dtype, sameAll, both }: Held): void {
  it.each(activations)('%s', (kind) =>
    both(
      (values) => pictures(dtype, values),
      (x) => {
        sameAll({ x }, (k, { x }) => ({ value: k.activation(x, kind), slope: k.activationDerivative(x, kind) }));
      },
    ),
  );

  it('arithmetic, a number per element or per channel', () =>
    both(
      (values) => pairs(dtype, values),
      ({ a, b, perChannel }) => {
        const factors = [
          [0.1, 0.7],
          [-0, -0],
          [1, Infinity],
          [3, 1e-42],
        ] as const;
        sameAll({ a, b, perChannel }, (k, { a, b, perChannel }) => ({
          sum: k.add(a, b),
          product: k.multiply(a, b),
          shifted: k.add(a, perChannel),
          scaled: k.multiply(a, perChannel),
          difference: k.subtract(a, b),
          ...Object.fromEntries(
            factors.flatMap(([factor, offset], i) => [
              [`affine ${i}`, k.affine(a, factor, offset)],
              [`quotient ${i}`, k.divide(a, factor)],
            ]),
          ),
        }));
      },
    ));
}

function arrangementsHeld({ dtype, sameAll, both }: Held): void {
  it('resampling', () =>
    both(
      (values) => fc.tuple(pictures(dtype, values), extent(9), extent(9)),
      ([x, height, width]) => {
        // A picture without pixels has no law.
        const isLarge = x.shape[2] >= 2 && x.shape[3] >= 2;
        sameAll({ x }, (k, { x }) => ({
          resized: k.resizeNearest(x, height, width),
          doubled: k.upsampleNearest2x(x),
          ...(isLarge && { halved: k.averagePool2x(x) }),
        }));
      },
    ));

  it('joining, cutting and the two layouts', () =>
    both(
      (values) => fc.tuple(pairs(dtype, values), extent(3), extent(3)),
      ([{ a, b }, first, second]) => {
        const [batch, channels, height, width] = a.shape;
        const from = Math.min(first, second, batch, channels) - 1;
        sameAll({ a, b, tokens: definitionKernels.toTokens(a) }, (k, { a, b, tokens }) => ({
          channels: k.concatChannels(a, b),
          ofChannels: k.sliceChannels(a, from, Math.min(channels, from + first)),
          samples: k.concatBatch([a, b, a]),
          ofSamples: k.sliceBatch(a, from, Math.min(batch, from + second)),
          reshaped: k.reshape(a, [height, width * channels]),
          tokens: k.toTokens(a),
          picture: k.fromTokens(tokens, height, width),
        }));
      },
    ));
}
