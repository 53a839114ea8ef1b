/** Which backend computes: the fast one where the engine and the precision allow it, unless the user says otherwise. */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { InputError } from '../tensor/errors.ts';
import type { DType } from '../tensor/tensor.ts';
import { definitionBackend } from '../kernels/definition/index.ts';
import type { Backend } from '../kernels/kernels.ts';
import { orders, type Order } from '../kernels/order.ts';
import { referenceBackend } from '../kernels/plain/index.ts';
import {
  fastestBackend,
  fmaSupported,
  joinsVectors,
  mostThreads,
  simdBackend,
  simdRefusal,
  type SimdOptions,
} from '../kernels/simd/index.ts';
import { warn } from './messages.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The precisions that --dtype names. */
export const dtypes: readonly DType[] = ['f32', 'f64', 'f16', 'bf16'];

/** The kernels that --kernels names, beside the plain loops: see `backendHelp`. */
export const fastKernels = ['simd', 'simd-wide', 'simd-fma'] as const;

/** The options that choose precision and backend. */
export const backendOptions: OptionKinds = { dtype: 'text', kernels: 'text', order: 'text', threads: 'number' };

/** The part of a command's help that explains them. */
export const backendHelp = `  --dtype f32|f64|f16|bf16        precision (f32)
  --kernels definition|reference|simd|simd-wide|simd-fma
                                  the definitions, loop by loop (slow); plain loops; WebAssembly SIMD; with vectors of
                                  256 bits, behind an experimental switch of Node 24's engine, which this turns on: all
                                  of them the same bits; with fused multiply-add (other bits). simd where the engine has
                                  it; f64, f16 and bf16 run on the plain loops, or on the definitions
  --order direct|fast             how convolutions add up: directly, or by Winograd's transforms, which save a third to
                                  two thirds of the products and have bits of their own (direct); fast for f32 and f64
  --threads N                     threads of the simd kernels (as many as there are cores; the same bits)`;

/** A precision, and who computes in it. */
export interface ChosenBackend {
  readonly dtype: DType;
  readonly backend: Backend;
  /** Of the fast kernels. */
  readonly threads: number;
}

/**
 * The precision and the backend that the options ask for.
 * @param watch is told of every step of the fast kernels
 * @throws InputError for what this engine cannot do
 */
export function chooseBackend(options: ParsedOptions, watch?: SimdOptions['watch']): ChosenBackend {
  const dtype = options.choice('dtype', dtypes) ?? 'f32';
  const threads = options.integer('threads', 1, mostThreads) ?? threadsHere();
  const order = chooseOrder(options, dtype);
  const kernels = options.choice('kernels', ['definition', 'reference', ...fastKernels]);
  if (kernels === 'definition') return { dtype, threads, backend: definitionBackend({ order }) };
  if (kernels === 'reference' || (kernels === undefined && dtype !== 'f32'))
    return { dtype, threads, backend: referenceBackend({ order }) };
  const watched = watch && { watch };
  if (kernels === undefined) return { dtype, threads, backend: fastestHere({ threads, order, ...watched }) };
  return { dtype, threads, backend: simdBackend({ threads, order, ...watched, ...fastOptions(kernels) }) };
}

/** The order that is asked for. Throws an InputError for the fast one of 16 bits, which are computed directly alone. */
function chooseOrder(options: ParsedOptions, dtype: DType): Order {
  const order = options.choice('order', orders) ?? 'direct';
  if (order === 'fast' && (dtype === 'f16' || dtype === 'bf16'))
    throw new InputError(`--order fast is for f32 and f64; ${dtype} has the direct order alone: leave --order out`);
  return order;
}

/** The fastest backend; on stderr why it is a slow one, where it is. */
export function fastestHere(options: Pick<SimdOptions, 'threads' | 'order' | 'watch'>): Backend {
  return fastestBackend({ ...options, onFallback: (reason) => warn([reason]) });
}

/** The fast kernels of this name. Throws an InputError where the engine cannot run them. */
export function fastOptions(kernels: (typeof fastKernels)[number]): Pick<SimdOptions, 'fma' | 'wide'> {
  const [fma, wide] = [kernels === 'simd-fma', kernels === 'simd-wide'];
  const refusal = simdRefusal();
  if (refusal !== undefined) throw new InputError(`--kernels ${kernels}: ${refusal}; use --kernels reference`);
  if (fma && !fmaSupported())
    throw new InputError(
      '--kernels simd-fma: this engine has no relaxed SIMD (Node has it from version 22 on); use --kernels simd',
    );
  if (wide && !joinVectors())
    throw new InputError(
      '--kernels simd-wide: this engine does not join vectors to wider ones (Node 24 does, on x64 with AVX2); ' +
        'use --kernels simd',
    );
  return { fma, wide };
}

/** Has V8 join vectors from now on; says whether it does. */
function joinVectors(): boolean {
  // Engines without relaxed SIMD are too old to know the switch, and would complain.
  if (!fmaSupported()) return false;
  setFlagsFromString('--experimental-wasm-revectorize');
  return joinsVectors();
}

/** As many threads as this machine runs at once, and the backend takes. */
export function threadsHere(): number {
  return Math.min(availableParallelism(), mostThreads);
}
