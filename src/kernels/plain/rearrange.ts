/**
 * Operations that move numbers and change none: joining, cutting, other shapes, and the two layouts of a picture.
 *
 * Against definition/concat-and-slice: what stays together is copied in one piece. Against definition/tokens: both ways
 * are one transposition.
 */
import { allocate, sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';

/** [B,C₁,…], [B,C₂,…] → [B,C₁+C₂,…]. */
export function concatChannels(a: Tensor, b: Tensor): Tensor {
  const { dtype } = a;
  const [batch, channels] = a.shape;
  const shape = [batch, channels + b.shape[1], ...a.shape.slice(2)];
  const out = allocate(dtype, sizeOf(shape));
  const sizeA = sizeOf(a.shape.slice(1));
  const sizeB = sizeOf(b.shape.slice(1));
  for (let i = 0; i < batch; i++) {
    out.set(a.data.subarray(i * sizeA, (i + 1) * sizeA), i * (sizeA + sizeB));
    out.set(b.data.subarray(i * sizeB, (i + 1) * sizeB), i * (sizeA + sizeB) + sizeA);
  }
  return tensor(dtype, shape, out);
}

/** The channels from `start` up to `end` of x [B,C,…]. */
export function sliceChannels(x: Tensor, start: number, end: number): Tensor {
  const [batch, channels] = x.shape;
  const shape = [batch, end - start, ...x.shape.slice(2)];
  const size = sizeOf(x.shape.slice(2));
  const out = allocate(x.dtype, sizeOf(shape));
  for (let b = 0; b < batch; b++) {
    out.set(x.data.subarray((b * channels + start) * size, (b * channels + end) * size), b * (end - start) * size);
  }
  return tensor(x.dtype, shape, out);
}

/** The tensors one after another along the batch. */
export function concatBatch(parts: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = parts;
  const out = allocate(
    dtype,
    parts.reduce((size, part) => size + part.data.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    out.set(part.data, at);
    at += part.data.length;
  }
  return tensor(dtype, [parts.reduce((batch, part) => batch + part.shape[0], 0), ...shape.slice(1)], out);
}

/** The samples from `start` up to `end` of x [B,…]. */
export function sliceBatch(x: Tensor, start: number, end: number): Tensor {
  const size = sizeOf(x.shape.slice(1));
  return tensor(x.dtype, [end - start, ...x.shape.slice(1)], x.data.slice(start * size, end * size));
}

/** x [B,…] → [B,…sample]. */
export function reshape(x: Tensor, sample: readonly number[]): Tensor {
  return tensor(x.dtype, [x.shape[0], ...sample], x.data.slice());
}

/** x [B,C,H,W] → tokens [B,H·W,C]. */
export function toTokens(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  return tensor(x.dtype, [batch, height * width, channels], swapInner(x, batch, channels, height * width));
}

/** tokens [B,H·W,C] → [B,C,H,W]. */
export function fromTokens(x: Tensor, height: number, width: number): Tensor {
  const [batch, tokens, channels] = x.shape;
  return tensor(x.dtype, [batch, channels, height, width], swapInner(x, batch, tokens, channels));
}

/** [B,rows,columns] → [B,columns,rows]. */
function swapInner(x: Tensor, batch: number, rows: number, columns: number): Tensor['data'] {
  const out = allocate(x.dtype, x.data.length);
  for (let b = 0; b < batch; b++) {
    const first = b * rows * columns;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[first + c * rows + r] = x.data[first + r * columns + c];
  }
  return out;
}
