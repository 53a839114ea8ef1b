/** What the way back of a gradient needs besides the operations of the way there. */
import { sizeOf } from '../../tensor/tensor.ts';
import { activations } from '../kernels.ts';
import { dimensions, expect, expectEpsilon, expectGroups, expectShape } from './checks.ts';
import type { Attributes, Rows, Shape } from './operation.ts';
import { convolved, expectTileWidth, winogradProducts } from './products.ts';

/** The operations that only gradients have. */
export const gradients: Rows<
  | 'conv2dWeightGradient'
  | 'transposeWeight'
  | 'transposeMap'
  | 'placePixels'
  | 'activationDerivative'
  | 'groupNormGradient'
  | 'groupNormSums'
> = {
  conv2dWeightGradient: {
    read: (x, gradient, kernelHeight, kernelWidth, stride, padding, tileWidth) => ({
      tensors: [x, gradient],
      attributes: { kernelHeight, kernelWidth, stride, padding, tileWidth },
    }),
    shape: weightShape,
    products(attributes, shapes) {
      const { tileWidth, padding } = attributes;
      const weight = weightShape(attributes, shapes);
      const [x, gradient] = shapes;
      if (tileWidth !== undefined) return winogradProducts(tileWidth, padding, [x, weight]);
      return (sizeOf(weight) * sizeOf(gradient)) / Math.max(1, gradient[1]);
    },
    apply: (kernels, { kernelHeight, kernelWidth, stride, padding, tileWidth }, [x, gradient]) =>
      kernels.conv2dWeightGradient(x, gradient, kernelHeight, kernelWidth, stride, padding, tileWidth),
  },
  transposeWeight: {
    read: (weight) => ({ tensors: [weight], attributes: {} }),
    shape(_, [weight]) {
      const [outChannels, channels, ...kernel] = weight;
      const fits = weight.length >= 2;
      expect('transposeWeight', fits, `expected a shape [O,C,…], found one of ${weight.length} dimensions`);
      return [channels, outChannels, ...kernel];
    },
    apply: (kernels, _, [weight]) => kernels.transposeWeight(weight),
  },
  transposeMap: {
    read: (map) => ({ tensors: [map], attributes: {} }),
    shape(_, [map]) {
      const [batch, heads, queries, keys] = dimensions('transposeMap', map, 'B,h,N,M');
      return [batch, heads, keys, queries];
    },
    apply: (kernels, _, [map]) => kernels.transposeMap(map),
  },
  placePixels: {
    read: (x, stride, top, left, height, width) => ({
      tensors: [x],
      attributes: { stride, top, left, height, width },
    }),
    shape({ stride, top, left, height, width }, [x]) {
      const [batch, channels] = dimensions('placePixels', x, 'B,C,H,W');
      const whole = [stride, top, left, height, width].every(Number.isInteger);
      const fits = whole && stride >= 1 && height >= 0 && width >= 0;
      const what = `a stride of ${stride} from (${top}, ${left}) on into ${height} × ${width} pixels`;
      expect('placePixels', fits, `${what} is none of whole pixels`);
      return [batch, channels, height, width];
    },
    apply: (kernels, { stride, top, left, height, width }, [x]) =>
      kernels.placePixels(x, stride, top, left, height, width),
  },
  activationDerivative: {
    read: (x, activation) => ({ tensors: [x], attributes: { activation } }),
    shape({ activation }, [x]) {
      const known = activations.includes(activation);
      const message = `"${activation}" is no activation function; there are ${activations.join(', ')}`;
      expect('activationDerivative', known, message);
      return x;
    },
    apply: (kernels, { activation }, [x]) => kernels.activationDerivative(x, activation),
  },
  groupNormGradient: {
    read: (x, gradient, weight, groups, eps) => ({ tensors: [x, gradient, weight], attributes: { groups, eps } }),
    shape(attributes, [x, gradient, weight]) {
      const channels = normedChannels('groupNormGradient', attributes, x, gradient);
      expectShape('groupNormGradient', 'the weight', weight, [channels]);
      return x;
    },
    apply: (kernels, { groups, eps }, [x, gradient, weight]) =>
      kernels.groupNormGradient(x, gradient, weight, groups, eps),
  },
  groupNormSums: {
    read: (x, gradient, groups, eps) => ({ tensors: [x, gradient], attributes: { groups, eps } }),
    shape: (attributes, [x, gradient]) => [x[0], 2 * normedChannels('groupNormSums', attributes, x, gradient)],
    apply: (kernels, { groups, eps }, [x, gradient]) => kernels.groupNormSums(x, gradient, groups, eps),
  },
};

/** The channels of what a group norm was given, and of its gradient. */
function normedChannels(
  operation: string,
  { groups, eps }: Attributes['groupNormSums'],
  x: Shape,
  gradient: Shape,
): number {
  expectShape(operation, 'the gradient', gradient, x);
  expectEpsilon(operation, eps);
  return expectGroups(operation, x, groups);
}

/** [O,C,kh,kw], of a convolution that fits the picture and whose result has the gradient's shape. */
function weightShape(attributes: Attributes['conv2dWeightGradient'], [x, gradient]: readonly Shape[]): Shape {
  const { kernelHeight, kernelWidth, stride, tileWidth } = attributes;
  const [, channels] = dimensions('conv2dWeightGradient', x, 'B,C,H,W');
  const [, outChannels] = dimensions('conv2dWeightGradient', gradient, 'B,O,H,W');
  const whole = [kernelHeight, kernelWidth].every((extent) => Number.isInteger(extent) && extent >= 1);
  expect('conv2dWeightGradient', whole, `there is no kernel of ${kernelHeight} × ${kernelWidth} pixels`);
  if (tileWidth !== undefined) {
    const fits = kernelHeight === 3 && kernelWidth === 3 && stride === 1;
    const found = `${kernelHeight} × ${kernelWidth} and a stride of ${stride}`;
    expect('conv2dWeightGradient', fits, `tiles are for a kernel of 3 × 3 and a stride of 1, not ${found}`);
    expectTileWidth('conv2dWeightGradient', tileWidth);
  }
  const weight = [outChannels, channels, kernelHeight, kernelWidth];
  expectShape('conv2dWeightGradient', 'the gradient', gradient, convolved(attributes, [x, weight]));
  return weight;
}
