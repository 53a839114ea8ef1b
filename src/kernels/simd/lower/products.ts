/** Products on planes: a convolution or a linear layer, with what its step does before it stores the sums. */
import { sizeOf, type Tensor } from '../../../tensor/tensor.ts';
import type { Node } from '../../graph.ts';
import { keyOf } from '../../key.ts';
import { productsOf, type Shape } from '../../operations/index.ts';
import { strideOf, type Layout, type Place } from '../memory/place.ts';
import { unpacked } from '../memory/weights.ts';
import { areaScratch, type ConvSpec } from '../tiles/area.ts';
import { convKernel } from '../tiles/conv.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import { packPanels, panelsLength } from '../tiles/panels.ts';
import type { Weights } from './constants.ts';
import { following } from './following.ts';
import type { Lowering } from './lowering.ts';

/** A product that reads planes at `input`, and weights in panels at `panels`. */
export interface PlanarProduct {
  readonly spec: Omit<ConvSpec, 'outBatchStride' | 'epilogue'>;
  readonly input: Place;
  readonly panels: Place;
  readonly bias: Tensor | undefined;
  /** How the output lies: tokens are `planar`. */
  readonly layout: Layout;
}

/** Adds the step of a product on planes. */
export function planarProduct(lowering: Lowering, node: Node, product: PlanarProduct): void {
  const { spec, input, panels, bias } = product;
  const chain = following(lowering, node, product.layout);
  const epilogue = [...biasOps(bias), ...chain.ops];
  const out = lowering.placeFor(chain.final);
  const scratch = lowering.newPlace(lowering.threads * areaScratch(lowering.panel), 0);
  const operands = [input, panels, out, scratch, ...biasPlaces(lowering, bias), ...chain.operands];
  const strides = {
    input: { ...spec.input, batchStride: strideOf(input, spec.batch) },
    outBatchStride: strideOf(out, spec.batch),
  };
  lowering.emit(
    productName(spec),
    operands,
    (lib) => convKernel(lib, { ...spec, ...strides, epilogue }),
    multiplications(node),
  );
  lowering.finish(chain.final, chain.layout, out);
}

/** The weights of a product in panels. `shape`: of the weight, [O,C,…], of which `weights` may have more channels. */
export function packedPanels(lowering: Lowering, { weight, first }: Weights, shape: Shape): Place {
  const [outChannels, ...ofOutput] = shape;
  const terms = sizeOf(ofOutput);
  const skipped = first * sizeOf(shape.slice(2));
  return lowering.packed(weight, {
    name: keyOf(['panels', outChannels, terms, skipped]),
    length: panelsLength(lowering.panel, outChannels, terms),
    pack: () => packPanels(lowering.panel, weight.data, outChannels, terms, skipped),
  });
}

/** Multiplications in an operation's sums of products. */
export function multiplications({ operation, inputs }: Node): number {
  return productsOf(
    operation,
    inputs.map(({ shape }) => shape),
  );
}

/** The operation that adds the bias, if there is one. */
export function biasOps(bias: Tensor | undefined): readonly EpilogueOp[] {
  return bias ? [{ kind: 'bias' }] : [];
}

/** The place of the bias, if there is one. */
export function biasPlaces(lowering: Lowering, bias: Tensor | undefined): readonly Place[] {
  return bias ? [lowering.packed(bias, unpacked(bias))] : [];
}

function productName({
  kernelHeight,
  kernelWidth,
  stride,
  channels,
  outChannels,
  ...out
}: PlanarProduct['spec']): string {
  const kernel = `${kernelHeight}×${kernelWidth}${stride > 1 ? `/${stride}` : ''}`;
  return `conv ${kernel} ${channels}→${outChannels} @${out.phases * out.outHeight}×${out.phases * out.outWidth}`;
}
