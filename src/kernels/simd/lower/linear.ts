/** Linear layers: on tokens that lie as planes a convolution of single pixels, else a product of rows. */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Value } from '../../graph.ts';
import { isContiguous } from '../memory/place.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import { linearKernel } from '../tiles/linear.ts';
import { rowSumsKernel } from '../tiles/row-sums.ts';
import { following } from './following.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { liesApart, pointwiseInput } from './pictures.ts';
import { multiplications, planarProduct } from './products.ts';
import type { NodeOf } from './rule.ts';
import { biasOps, biasPlaces, packedPanels } from './weights.ts';

/** A linear layer, by how its input lies; with a weight of ones and for one output, the sum of each row. */
export function linear(lowering: Lowering, node: NodeOf<'linear'>): void {
  const [x, weight, bias] = node.inputs;
  if (!bias && isOnes(weight)) sumsOfRows(lowering, node);
  else if (x.shape.length === 3 && (liesApart(lowering, x) || lowering.storedOf(x).layout === 'planar'))
    linearOnPlanes(lowering, node);
  else linearOnRows(lowering, node);
}

function linearOnPlanes(lowering: Lowering, node: NodeOf<'linear'>): void {
  const [x, weight] = node.inputs;
  const [batch] = x.shape;
  const [outChannels, channels] = weight.shape;
  const { place, layout, ...out } = pointwiseInput(lowering, x);
  const kernel = { kernelHeight: 1, kernelWidth: 1, stride: 1, phases: 1 } as const;
  planarProduct(lowering, node, {
    layout: 'planar',
    input: place,
    panels: packedPanels(lowering, weight),
    spec: { batch, channels, outChannels, ...out, ...kernel, input: layout },
  });
}

function linearOnRows(lowering: Lowering, node: NodeOf<'linear'>): void {
  const [x, weight] = node.inputs;
  const [outChannels, channels] = weight.shape;
  const input = contiguous(lowering, x);
  const chain = following(lowering, node, 'dense');
  const { shape } = chain.final;
  const placed = lowering.placeFor(chain.final);
  const out = isContiguous(placed, shape) ? placed : lowering.newTensor(shape);
  const epilogue = [...biasOps(node), ...chain.ops.map(asOneSample)];
  const rows = sizeOf(x.shape) / channels;
  lowering.emit(
    `linear ${rows}×${channels}→${outChannels}`,
    [input, packedPanels(lowering, weight), out, ...biasPlaces(lowering, node), ...chain.operands],
    (lib) => linearKernel(lib, { rows, channels, outChannels, epilogue }),
    multiplications(node),
  );
  lowering.finish(chain.final, 'dense', out);
}

/** Whether a weight is a row of ones: a linear layer with it adds up. */
export function isOnes({ shape, source }: Value): boolean {
  return shape[0] === 1 && source.kind === 'constant' && source.tensor.data.every((number) => number === 1);
}

function sumsOfRows(lowering: Lowering, node: NodeOf<'linear'>): void {
  const { inputs, output } = node;
  const [x, weight] = inputs;
  const [, size] = weight.shape;
  const input = contiguous(lowering, x);
  const out = lowering.newTensor(output.shape);
  const rows = sizeOf(output.shape);
  lowering.emit(
    `sums ${rows}×${size}`,
    [input, out],
    (lib) => rowSumsKernel(lib, { rows, size }),
    multiplications(node),
  );
  lowering.finish(output, 'dense', out);
}

/** To the kernel all rows are one sample. */
function asOneSample(op: EpilogueOp): EpilogueOp {
  return op.kind === 'residual' ? { ...op, batchStride: 0 } : op;
}
