/**
 * Joining (torch.cat) and cutting apart, along the channels or along the batch; and another shape for the numbers of a
 * sample (torch.reshape). No number changes, and what was joined can be cut apart again.
 *
 * Joined channels are how a skip connection arrives: the next layer sees both pictures at once, pixel by pixel. Joined
 * batches are how several passes become one: no layer lets one sample see another.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * The channels of one, then those of the other.
 * @param first [B,C₁,…]
 * @param second [B,C₂,…]
 * @returns [B,C₁+C₂,…]
 */
export function concatChannels(first: Tensor, second: Tensor): Tensor {
  const [B, C1, ...picture] = first.shape;
  const C2 = second.shape[1];
  const C = C1 + C2;
  const pixels = sizeOf(picture);
  const out = allocate(first.dtype, B * C * pixels);
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < C; c++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        out[(b * C + c) * pixels + pixel] =
          c < C1 ? first.data[(b * C1 + c) * pixels + pixel] : second.data[(b * C2 + c - C1) * pixels + pixel];
      }
    }
  }
  return stored(first.dtype, [B, C, ...picture], out);
}

/**
 * Some of the channels.
 * @param x [B,C,…]
 * @param start the first that is kept
 * @param end the first after it that is not
 * @returns [B,end−start,…]
 */
export function sliceChannels(x: Tensor, start: number, end: number): Tensor {
  const [B, C, ...picture] = x.shape;
  const kept = end - start;
  const pixels = sizeOf(picture);
  const out = allocate(x.dtype, B * kept * pixels);
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < kept; c++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        out[(b * kept + c) * pixels + pixel] = x.data[(b * C + start + c) * pixels + pixel];
      }
    }
  }
  return stored(x.dtype, [B, kept, ...picture], out);
}

/**
 * The samples of each part, one part after another.
 * @param parts [B₁,…], [B₂,…], …: at least one
 * @returns [B₁+B₂+…,…]
 */
export function concatBatch(parts: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = parts;
  const [, ...sample] = shape;
  const B = parts.reduce((samples, part) => samples + part.shape[0], 0);
  const out = allocate(dtype, B * sizeOf(sample));
  let at = 0;
  for (const { data } of parts) {
    for (let i = 0; i < data.length; i++) out[at++] = data[i];
  }
  return stored(dtype, [B, ...sample], out);
}

/**
 * Some of the samples.
 * @param x [B,…]
 * @param start the first that is kept
 * @param end the first after it that is not
 * @returns [end−start,…]
 */
export function sliceBatch(x: Tensor, start: number, end: number): Tensor {
  const [, ...sample] = x.shape;
  const size = sizeOf(sample);
  const out = allocate(x.dtype, (end - start) * size);
  for (let i = 0; i < out.length; i++) out[i] = x.data[start * size + i];
  return stored(x.dtype, [end - start, ...sample], out);
}

/**
 * The numbers of each sample, in the same order, under another shape.
 * @param x [B,…]
 * @param sample the shape, of as many numbers
 * @returns [B,…sample]
 */
export function reshape(x: Tensor, sample: readonly number[]): Tensor {
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = x.data[i];
  return stored(x.dtype, [x.shape[0], ...sample], out);
}
