/** What only gradients need. */
import { sameShape, sizeOf } from '../../../tensor/tensor.ts';
import { activationDerivative as plainDerivative } from '../../definition/activation-derivative.ts';
import { strideOf } from '../memory/place.ts';
import { activationDerivatives } from '../tiles/activation-derivatives.ts';
import { placePixelsKernel, transposeWeightKernel } from '../tiles/rearrange.ts';
import { weightGradientKernel, weightGradientScratch } from '../tiles/weight-gradient.ts';
import { map } from './elementwise.ts';
import { host } from './host.ts';
import { contiguous, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { siluBackOf } from './norm-with-silu.ts';
import { pictureInput } from './pictures.ts';
import { multiplications } from './products.ts';
import { isOf, type NodeOf } from './rule.ts';
import { isLeftToPacking, pack, rows } from './weights.ts';
import { winogradWeightGradient } from './winograd.ts';

/** Two steps: one packs the gradient, the other sums its products with the input. */
export function conv2dWeightGradient(lowering: Lowering, node: NodeOf<'conv2dWeightGradient'>): void {
  const { operation, inputs, output } = node;
  const { kernelHeight, kernelWidth, stride, padding, tileWidth } = operation;
  if (tileWidth !== undefined) {
    winogradWeightGradient(lowering, node, tileWidth);
    return;
  }
  const [x, gradient] = inputs;
  const [batch, channels] = x.shape;
  const [, outChannels, outHeight, outWidth] = gradient.shape;
  const input = pictureInput(lowering, x, padding);
  const of = dense(lowering, gradient);
  const packed = pack(lowering, of, {
    ...rows(outChannels, outHeight * outWidth),
    batch,
    batchStride: strideOf(of, batch),
  });
  const { planeStride, rowStride } = input.layout;
  const layout = { planeStride, rowStride, batchStride: strideOf(input.place, batch) };
  const out = lowering.newTensor(output.shape);
  const sizes = { batch, channels, outChannels, outHeight, outWidth, kernelHeight, kernelWidth };
  const spec = { ...sizes, stride, input: layout, places: { count: 1, inputDistance: 0, gradientDistance: 0 } };
  const scratch = lowering.newPlace(lowering.threads * weightGradientScratch(lowering.panel, spec), 0);
  lowering.emit(
    `weight gradient ${kernelHeight}×${kernelWidth} ${channels}→${outChannels} @${outHeight}×${outWidth}`,
    [input.place, packed, out, scratch],
    (lib) => weightGradientKernel(lib, spec),
    multiplications(node),
  );
  lowering.finish(output, 'dense', out);
}

/** One step, or none where the weight is packed as it is by those who read it. */
export function transposeWeight(lowering: Lowering, node: NodeOf<'transposeWeight'>): void {
  if (isLeftToPacking(lowering, node)) return;
  const { inputs, output } = node;
  const [weight] = inputs;
  const [outChannels, channels, ...kernel] = weight.shape;
  const whole = contiguous(lowering, weight);
  const out = lowering.newTensor(output.shape);
  const spec = { outChannels, channels, area: sizeOf(kernel) };
  lowering.emit('transposeWeight', [whole, out], (lib) => transposeWeightKernel(lib, spec));
  lowering.finish(output, 'dense', out);
}

/** One step. */
export function placePixels(lowering: Lowering, { operation, inputs: [x], output }: NodeOf<'placePixels'>): void {
  const { stride, top, left } = operation;
  const [batch, channels, height, width] = x.shape;
  const [, , outHeight, outWidth] = output.shape;
  const input = dense(lowering, x);
  const place = lowering.placeFor(output);
  const spec = {
    ...{ batch, channels, height, width, outHeight, outWidth, stride, top, left },
    inBatchStride: strideOf(input, batch),
    outBatchStride: strideOf(place, batch),
  };
  lowering.emit('placePixels', [input, place], (lib) => placePixelsKernel(lib, spec));
  lowering.finish(output, 'dense', place);
}

const byPlainLoop = host({ activationDerivative: plainDerivative });

/**
 * The derivative of an activation function, with the multiplication that follows; that of tanh by the plain loop. That
 * of a SiLU behind a group norm may be left to the norm's gradient.
 */
export function activationDerivative(lowering: Lowering, node: NodeOf<'activationDerivative'>): void {
  const left = siluBackOf(lowering, node);
  if (left) {
    lowering.done.add(left.product);
    return;
  }
  const { activation } = node.operation;
  const code = activationDerivatives[activation];
  if (!code) {
    byPlainLoop(lowering, node);
    return;
  }
  const [x] = node.inputs;
  const product = lowering.onlyUser(node.output);
  const [first, second] = product?.inputs ?? [];
  const other = first === node.output ? second : first;
  const isThere = other !== undefined && lowering.isStored(other) && sameShape(other.shape, x.shape);
  const times = isOf(product, 'multiply') && isThere;
  const derivative = { kind: 'function', name: `${activation} derivative`, code, times } as const;
  if (times) {
    lowering.done.add(product);
    map(lowering, { ...product, inputs: [x, other] }, derivative);
  } else map(lowering, node, derivative);
}
