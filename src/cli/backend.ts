/** Which backend computes: the fast one where the engine and the precision allow it, unless the user says otherwise. */
import { availableParallelism } from 'node:os';
import { InputError } from '../tensor/errors.ts';
import type { DType } from '../tensor/tensor.ts';
import type { Backend } from '../kernels/kernels.ts';
import { referenceBackend } from '../kernels/reference/index.ts';
import { fmaSupported, simdBackend, simdSupported } from '../kernels/simd/index.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

export const dtypes: readonly DType[] = ['f32', 'f64', 'f16', 'bf16'];

export const backendOptions: OptionKinds = { dtype: 'text', kernels: 'text', threads: 'text' };

export const backendHelp = `  --dtype f32|f64|f16|bf16        precision (f32)
  --kernels reference|simd|simd-fma
                                  plain loops, WebAssembly SIMD (the same bits), or with fused multiply-add
                                  (other bits); simd where the engine has it. f64, f16 and bf16 always run on
                                  the plain loops
  --threads N                     threads of the simd kernels (as many as there are cores; the same bits)`;

/** The precision and the backend that the options ask for. Throws an InputError for what this engine cannot do. */
export function chooseBackend(options: ParsedOptions): { dtype: DType; backend: Backend } {
  const dtype = options.choice('dtype', dtypes) ?? 'f32';
  const threads = options.integer('threads', 1, 256) ?? availableParallelism();
  const kernels = options.choice('kernels', ['reference', 'simd', 'simd-fma']);
  if (kernels === 'simd' && !simdSupported()) throw new InputError('--kernels simd: this engine has no WebAssembly SIMD; use --kernels reference');
  if (kernels === 'simd-fma' && !fmaSupported()) {
    throw new InputError('--kernels simd-fma: this engine has no relaxed SIMD (Node has it from version 22 on); use --kernels simd');
  }
  const fast = kernels === undefined ? simdSupported() && dtype === 'f32' : kernels !== 'reference';
  return { dtype, backend: fast ? simdBackend({ threads, fma: kernels === 'simd-fma' }) : referenceBackend() };
}
