/** The fast backend for small bundles. */
import { checkOptions, type Checks } from '../../tensor/checks.ts';
import type { Backend } from '../kernels.ts';
import { backendOf } from './backend.ts';
import { leanRules } from './lower/lean-rules.ts';
import { simdChecks, type SimdOptions } from './options.ts';

/** How a lean backend is to compute. */
export type LeanOptions = Pick<SimdOptions, 'fma' | 'wide' | 'memory' | 'watch'>;

const { fma, wide, memory, watch } = simdChecks;
const checks: Checks<LeanOptions> = { fma, wide, memory, watch };

/**
 * The part of `simdBackend` that draws with a `UNet2DModel`, for pages whose bundle is to be small: on one thread, in
 * the direct order, of float32, with activation functions that are computed in floats (SiLU, ReLU, quick GELU);
 * without gradients, and without what looks at the maps of attention. The same bits; what it does not have is refused
 * when a program asks for it.
 * @throws InputError as `simdBackend`
 */
export function leanBackend(options: LeanOptions = {}): Backend {
  checkOptions('leanBackend', options, checks);
  return backendOf({ rules: leanRules, tables: [] }, options);
}
