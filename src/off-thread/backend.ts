/** What computes a model's steps, of as little code as that takes. */
import type { Backend } from '../kernels/kernels.ts';
import { backendOf, backendOrRefusal } from '../kernels/simd/backend.ts';
import type { FastestOptions } from '../kernels/simd/fastest.ts';
import { simdRefusal } from '../kernels/simd/features.ts';
import { forwardParts } from '../kernels/simd/forward.ts';
import { openThreads } from '../kernels/simd/threads/workers.ts';
import type { UNet } from '../models/unet2d/unet.ts';

/**
 * The fastest backend that there is here. The plain loops, and Winograd's convolutions, are loaded where they are
 * needed: where the engine allows no SIMD, in other precisions than float32, in the fast order.
 * @throws InputError as `fastestBackend`
 */
export async function backendFor(
  { dtype }: Pick<UNet, 'dtype'>,
  { threads = 1, ...options }: Pick<FastestOptions, 'threads' | 'order' | 'onFallback'>,
): Promise<Backend> {
  const workers = threads > 1 ? await openThreads(threads - 1).catch(() => []) : [];
  if (dtype === 'f32' && options.order !== 'fast' && simdRefusal() === undefined) {
    const backend = backendOrRefusal(() => backendOf(forwardParts, { threads, workers }));
    if (typeof backend !== 'string') return backend;
  }
  const { fastestBackend } = await import('../kernels/simd/fastest.ts');
  return fastestBackend({ threads, workers, ...options });
}
