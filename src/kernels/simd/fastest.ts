/** The fastest backend that there is here, whatever the engine forbids. */
import { aFunction, checkOptions, optional, type Checks } from '../../tensor/checks.ts';
import type { Backend } from '../kernels.ts';
import { referenceBackend } from '../plain/index.ts';
import { backendOrRefusal } from './backend.ts';
import { simdRefusal } from './features.ts';
import type { SimdOptions } from './options.ts';
import { simdBackend } from './simd.ts';

/** How the fastest backend is to compute. */
export interface FastestOptions extends Pick<SimdOptions, 'threads' | 'workers' | 'order' | 'watch'> {
  /** Is told, once, why the plain loops compute, where they do. `console.warn`, unless given. */
  readonly onFallback?: (reason: string) => void;
}

const checks: Pick<Checks<FastestOptions>, 'onFallback'> = {
  onFallback: optional(aFunction('a function that is told why the plain loops compute')),
};

/**
 * The SIMD backend where the engine lets it be, else the plain loops: under a Content-Security-Policy without
 * `wasm-unsafe-eval`, in Cloudflare's workerd, without memory. The numbers are the same, bit for bit; the plain loops
 * take many times as long.
 * @throws InputError for options that are none
 */
export function fastestBackend({ onFallback, ...options }: FastestOptions = {}): Backend {
  checkOptions('fastestBackend', { onFallback }, checks);
  const refusal = simdRefusal() ?? backendOrRefusal(() => simdBackend(options));
  if (typeof refusal !== 'string') return refusal;
  (onFallback ?? console.warn)(`${refusal}: the plain loops compute, the same numbers, many times slower`);
  return referenceBackend(options.order === undefined ? {} : { order: options.order });
}
