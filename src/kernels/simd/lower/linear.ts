/** Linear layers: on tokens that lie as planes a convolution of single pixels, else a product of rows. */
import { sizeOf } from '../../../tensor/tensor.ts';
import { isContiguous } from '../memory/place.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import { linearKernel } from '../tiles/linear.ts';
import { constantWeights, type Weights } from './constants.ts';
import { following } from './following.ts';
import { host } from './host.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { liesApart, pointwiseInput } from './pictures.ts';
import { biasOps, biasPlaces, multiplications, packedPanels, planarProduct } from './products.ts';
import type { NodeOf } from './rule.ts';

/** A linear layer; with weights that are computed, the plain loop. */
export function linear(lowering: Lowering, node: NodeOf<'linear'>): void {
  const weights = constantWeights(node);
  const [x] = node.inputs;
  if (!weights) host(lowering, node);
  else if (x.shape.length === 3 && (liesApart(lowering, x) || lowering.storedOf(x).layout === 'planar'))
    linearOnPlanes(lowering, node, weights);
  else linearOnRows(lowering, node, weights);
}

function linearOnPlanes(lowering: Lowering, node: NodeOf<'linear'>, weights: Weights): void {
  const [x, weight] = node.inputs;
  const [batch] = x.shape;
  const [outChannels, channels] = weight.shape;
  const { place, layout, ...out } = pointwiseInput(lowering, x);
  const kernel = { kernelHeight: 1, kernelWidth: 1, stride: 1, phases: 1 } as const;
  planarProduct(lowering, node, {
    layout: 'planar',
    input: place,
    panels: packedPanels(lowering, weights, weight.shape),
    bias: weights.bias,
    spec: { batch, channels, outChannels, ...out, ...kernel, input: layout },
  });
}

function linearOnRows(lowering: Lowering, node: NodeOf<'linear'>, weights: Weights): void {
  const [x, weight] = node.inputs;
  const [outChannels, channels] = weight.shape;
  const input = contiguous(lowering, x);
  const chain = following(lowering, node, 'dense');
  const { shape } = chain.final;
  const placed = lowering.placeFor(chain.final);
  const out = isContiguous(placed, shape) ? placed : lowering.newTensor(shape);
  const epilogue = [...biasOps(weights.bias), ...chain.ops.map(asOneSample)];
  const rows = sizeOf(x.shape) / channels;
  lowering.emit(
    `linear ${rows}×${channels}→${outChannels}`,
    [
      input,
      packedPanels(lowering, weights, weight.shape),
      out,
      ...biasPlaces(lowering, weights.bias),
      ...chain.operands,
    ],
    (lib) => linearKernel(lib, { rows, channels, outChannels, epilogue }),
    multiplications(node),
  );
  lowering.finish(chain.final, 'dense', out);
}

/** To the kernel all rows are one sample. */
function asOneSample(op: EpilogueOp): EpilogueOp {
  return op.kind === 'residual' ? { ...op, batchStride: 0 } : op;
}
