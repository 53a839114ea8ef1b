/** Winograd's convolutions: two steps, and one more for weights that are computed. */
import { strideOf } from '../memory/place.ts';
import { groupsOf, type WinogradSpec } from '../tiles/winograd.ts';
import { winogradInputKernel } from '../tiles/winograd-input.ts';
import { winogradKernel, winogradScratch } from '../tiles/winograd-products.ts';
import { tilePadding } from './borders.ts';
import { following } from './following.ts';
import type { Lowering } from './lowering.ts';
import { borderedInput } from './pictures.ts';
import { multiplications } from './products.ts';
import type { NodeOf } from './rule.ts';
import { biasOps, biasPlaces, winogradPanels } from './weights.ts';

/** What lies under the tiles is transformed; then multiplied, and transformed back. */
export function winogradConv2d(lowering: Lowering, node: NodeOf<'winogradConv2d'>): void {
  const { width } = node.operation;
  const [x, weight] = node.inputs;
  const [batch, channels] = x.shape;
  const [outChannels] = weight.shape;
  const [, , outHeight, outWidth] = node.output.shape;
  const { place, layout } = borderedInput(lowering, x, tilePadding(node));
  const size = { batch, channels, outHeight, outWidth, width };
  const input = { ...layout, batchStride: strideOf(place, batch) };
  const { batchStride } = groupsOf(size);
  const pixels = lowering.newPlace(batch * batchStride, batchStride);
  const name = `winograd 2×${width} ${channels}→${outChannels} @${outHeight}×${outWidth}`;
  lowering.emit(`${name}, pixels`, [place, pixels], (lib) => winogradInputKernel(lib, { ...size, input }));

  const panels = winogradPanels(lowering, weight, width);
  const chain = following(lowering, node, 'dense');
  const out = lowering.placeFor(chain.final);
  const scratch = lowering.newPlace(lowering.threads * winogradScratch(lowering.panel, size), 0);
  const epilogue = [...biasOps(node), ...chain.ops];
  const spec: WinogradSpec = { ...size, outChannels, input, outBatchStride: strideOf(out, batch), epilogue };
  lowering.emit(
    name,
    [pixels, panels, out, scratch, ...biasPlaces(lowering, node), ...chain.operands],
    (lib) => winogradKernel(lib, spec),
    multiplications(node),
  );
  lowering.finish(chain.final, chain.layout, out);
}
