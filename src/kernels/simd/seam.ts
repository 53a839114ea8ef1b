/**
 * A convolution of two joined pictures, as two convolutions and their sum: the definition in plain/conv2d. What
 * depends on the second picture alone becomes nodes of its own, so that a pass that differs in the first picture only
 * finds them there.
 *
 * For that the seam is traced back through what lies between joining and convolution. Element-wise operations, and
 * norms of whole groups, do the same with the channels of either side whether those are joined or not.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Operation, Range, Writing } from './trace.ts';

/** @param inputs the picture, the weight, and, if there is one, the bias */
export function convolveApart(
  writing: Writing,
  operation: Extract<Operation, { kind: 'conv2d' }>,
  [x, weight, ...bias]: readonly Tensor[],
  seam: number,
): Tensor {
  const all = x!.shape[1]!;
  if (!(seam > 0 && seam < all)) throw new RangeError(`conv2d: a seam at ${seam} does not part ${all} channels in two`);
  const part = (range: Range, offset: readonly Tensor[]): Tensor =>
    writing.record({ ...operation, bias: offset.length > 0, part: range }, [
      channels(writing, x!, range),
      weight!,
      ...offset,
    ]);
  // The second comes first, so that the first can be added to it before it is stored.
  const second = part([seam, all], []);
  return writing.record({ kind: 'add' }, [part([0, seam], bias), second]);
}

/** The channels of x from `start` up to `end`, computed from as few channels as they can be. */
function channels(writing: Writing, x: Tensor, [start, end]: Range): Tensor {
  const { record, originOf } = writing;
  const all = x.shape[1]!;
  if (start === 0 && end === all) return x;
  const { operation, inputs: [a, b, c] = [] } = originOf(x) ?? {};
  switch (operation?.kind) {
    case 'activation':
    case 'affine':
    case 'divide':
      return record(operation, [channels(writing, a!, [start, end])]);
    case 'groupNorm': {
      const size = all / operation.groups;
      if (start % size !== 0 || end % size !== 0 || operation.part) break;
      return record({ ...operation, groups: (end - start) / size, part: [start, end] }, [
        channels(writing, a!, [start, end]),
        b!,
        c!,
      ]);
    }
    case 'concatChannels': {
      const seam = a!.shape[1]!;
      if (end <= seam) return channels(writing, a!, [start, end]);
      if (start >= seam) return channels(writing, b!, [start - seam, end - seam]);
      return record(operation, [channels(writing, a!, [start, seam]), channels(writing, b!, [0, end - seam])]);
    }
  }
  return record({ kind: 'sliceChannels', start, end }, [x]);
}
