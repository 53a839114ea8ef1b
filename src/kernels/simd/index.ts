/** The kernels in WebAssembly SIMD. */
export { simdBackend, type SimdOptions } from './backend.ts';
export { fmaSupported, simdSupported } from './features.ts';
export { openThreads } from './threads.ts';
