/** The kernels in WebAssembly SIMD. */
export { mostThreads, type SimdOptions, type StepTime } from './options.ts';
export { leanBackend, type LeanOptions } from './lean.ts';
export { simdBackend } from './simd.ts';
export { fastestBackend, type FastestOptions } from './fastest.ts';
export { fmaSupported, joinsVectors, simdRefusal, simdSupported } from './features.ts';
export { openThreads, type AnyWorker } from './threads/workers.ts';
export { peakLoop, peakMeter } from './peak.ts';
