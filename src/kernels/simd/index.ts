/** The kernels in WebAssembly SIMD. */
export { mostThreads, simdBackend, type SimdOptions, type StepTime } from './backend.ts';
export { fastestBackend, type FastestOptions } from './fastest.ts';
export { fmaSupported, joinsVectors, simdRefusal, simdSupported } from './features.ts';
export { openThreads, type AnyWorker } from './threads/workers.ts';
export { peakLoop, peakMeter } from './peak.ts';
