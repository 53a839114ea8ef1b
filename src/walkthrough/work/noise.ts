/** The noise that a run starts from: the page shows it before the worker has computed anything. */
import { manualSeed } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { RunRequest } from '../protocol.ts';
import { side } from '../study.ts';

/** So many noises are remembered. */
const mostKnown = 16;
const known = new Map<string, Tensor>();

/** [B,1,H,W]: for each sample its slice of what `torch.randn` draws for the seed. */
export function noiseOf({ seed, slices }: Pick<RunRequest, 'seed' | 'slices'>): Tensor {
  const key = `${seed} ${slices.join()}`;
  const noise = known.get(key) ?? draw(seed, slices);
  known.set(key, noise);
  for (const oldest of [...known.keys()].slice(0, Math.max(0, known.size - mostKnown))) known.delete(oldest);
  return noise;
}

function draw(seed: number, slices: readonly number[]): Tensor {
  const size = side * side;
  const drawn = manualSeed(seed).randn([Math.max(...slices) + 1, 1, side, side]);
  const data = new Float32Array(slices.length * size);
  for (const [b, slice] of slices.entries()) data.set(drawn.data.subarray(slice * size, (slice + 1) * size), b * size);
  return tensor('f32', [slices.length, 1, side, side], data);
}
