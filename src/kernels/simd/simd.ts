/** The fast backend, with all that it can. */
import { checkOptions } from '../../tensor/checks.ts';
import type { Backend } from '../kernels.ts';
import { referenceKernels } from '../plain/index.ts';
import { backendOf } from './backend.ts';
import { forwardParts } from './forward.ts';
import { rules } from './lower/rules.ts';
import { simdChecks, type SimdOptions } from './options.ts';

/**
 * A backend with WebAssembly SIMD. It computes float32; other precisions, and empty tensors, are left to the plain
 * loops.
 * @throws InputError for an unknown option, a number of threads that is none, and where the engine lacks WebAssembly
 *   SIMD, or relaxed SIMD for `fma`, or has no address space for the memory (its `cause` is then a RangeError)
 */
export function simdBackend(options: SimdOptions = {}): Backend {
  checkOptions('simdBackend', options, simdChecks);
  return backendOf({ ...forwardParts, rules, plain: referenceKernels }, options);
}
