/** The noise that a run starts from: the page shows it before the worker has computed anything. */
import { manualSeed } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { TraceRequest } from '../protocol.ts';
import { side } from '../study.ts';

/** [B,1,H,W]: for each sample its slice of what `torch.randn` draws for the seed. */
export function noiseOf({ seed, slices }: Pick<TraceRequest, 'seed' | 'slices'>): Tensor {
  const size = side * side;
  const drawn = manualSeed(seed).randn([Math.max(...slices) + 1, 1, side, side]);
  const data = new Float32Array(slices.length * size);
  slices.forEach((slice, b) => data.set(drawn.data.subarray(slice * size, (slice + 1) * size), b * size));
  return tensor('f32', [slices.length, 1, side, side], data);
}
