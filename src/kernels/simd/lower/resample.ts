/** Pictures of other sizes. */
import { strideOf } from '../memory/place.ts';
import { densePlanes } from '../memory/planes.ts';
import { averagePoolKernel, upsampleKernel } from '../tiles/resample.ts';
import { dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { target } from './pictures.ts';
import type { NodeOf } from './rule.ts';

/** One step, straight into the border that a convolution wants around the result. */
export function upsampleNearest2x(lowering: Lowering, { inputs, output }: NodeOf<'upsampleNearest2x'>): void {
  const [x] = inputs;
  const [batch, channels, height, width] = x.shape;
  const input = dense(lowering, x);
  const out = target(lowering, output, 2 * height, 2 * width);
  const spec = { batch, channels, height, width, inBatchStride: strideOf(input, batch), out: out.layout };
  lowering.emit('upsampleNearest2x', [input, out.place], (lib) => upsampleKernel(lib, spec));
}

/** One step, without a border. */
export function averagePool2x(lowering: Lowering, { inputs, output }: NodeOf<'averagePool2x'>): void {
  const [x] = inputs;
  const [batch, channels, height, width] = x.shape;
  const [, , outHeight, outWidth] = output.shape;
  const input = dense(lowering, x);
  const place = lowering.placeFor(output);
  const out = densePlanes(outHeight, outWidth, strideOf(place, batch));
  const spec = { batch, channels, height, width, inBatchStride: strideOf(input, batch), out };
  lowering.emit('averagePool2x', [input, place], (lib) => averagePoolKernel(lib, spec));
  lowering.finish(output, 'dense', place);
}
