/** Products on planes: a convolution or a linear layer, with what its step does before it stores the sums. */
import type { Node } from '../../graph.ts';
import { productsOf } from '../../operations/index.ts';
import { strideOf, type Layout, type Place } from '../memory/place.ts';
import { areaScratch, type ConvSpec } from '../tiles/area.ts';
import { convKernel } from '../tiles/conv.ts';
import { pointwiseKernel, seesSinglePixels } from '../tiles/pointwise.ts';
import { following } from './following.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf } from './rule.ts';
import { biasOps, biasPlaces, type ProductKind } from './weights.ts';

/** A product that reads planes at `input`, and weights in panels at `panels`. */
export interface PlanarProduct {
  readonly spec: Omit<ConvSpec, 'outBatchStride' | 'epilogue'>;
  readonly input: Place;
  readonly panels: Place;
  /** How the output lies: tokens are `planar`. */
  readonly layout: Layout;
}

/** Adds the step of a product on planes. */
export function planarProduct(lowering: Lowering, node: NodeOf<ProductKind>, product: PlanarProduct): void {
  const { spec, input, panels } = product;
  const chain = following(lowering, node, product.layout);
  const epilogue = [...biasOps(node), ...chain.ops];
  const out = lowering.placeFor(chain.final);
  const pointwise = seesSinglePixels(spec);
  const scratch = pointwise ? [] : [lowering.newPlace(lowering.threads * areaScratch(lowering.panel), 0)];
  const operands = [input, panels, out, ...scratch, ...biasPlaces(lowering, node), ...chain.operands];
  const strides = {
    input: { ...spec.input, batchStride: strideOf(input, spec.batch) },
    outBatchStride: strideOf(out, spec.batch),
  };
  lowering.emit(
    productName(spec),
    operands,
    (lib) => (pointwise ? pointwiseKernel : convKernel)(lib, { ...spec, ...strides, epilogue }),
    multiplications(node),
  );
  lowering.finish(chain.final, chain.layout, out);
}

/** Multiplications in an operation's sums of products. */
export function multiplications({ operation, inputs }: Node): number {
  return productsOf(
    operation,
    inputs.map(({ shape }) => shape),
  );
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
