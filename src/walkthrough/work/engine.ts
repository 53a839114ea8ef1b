/** Which kernels compute here: the fastest that this browser has, and what to tell the reader about it. */
import type { Backend } from '../../kernels/kernels.ts';
import { referenceBackend } from '../../kernels/plain/index.ts';
import { openThreads, simdBackend, simdSupported, type SimdOptions } from '../../kernels/simd/index.ts';
import { InputError } from '../../tensor/errors.ts';
import type { EngineReport, KernelChoice } from '../protocol.ts';

/** What computes, and what the reader is told about it. */
export interface Engine {
  readonly backend: Backend;
  readonly report: EngineReport;
}

/** More threads than this gain nothing with so small a model. */
const mostThreads = 4;

/** The engine for this choice of kernels. The threads of it run on until the page is closed. */
export async function chooseEngine(choice: KernelChoice): Promise<Engine> {
  if (choice === 'plain') return plainLoops();
  if (!simdSupported())
    return plainLoops(
      'This browser has no WebAssembly SIMD, or may not compile it here, so the plain loops compute: ' +
        'the same numbers, many times slower.',
    );
  return (
    (await simdOnThreads()) ??
    simd([]) ??
    plainLoops(
      'There is too little memory for the fast kernels, so the plain loops compute: ' +
        'the same numbers, many times slower.',
    )
  );
}

/**
 * Undefined where the page is not isolated, so may not share memory between threads, or where there is no room for such
 * memory.
 */
async function simdOnThreads(): Promise<Engine | undefined> {
  const count = Math.min(navigator.hardwareConcurrency || 1, mostThreads);
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
  if (!isolated || count < 2) return undefined;
  const workers = await openThreads(count - 1).catch(() => undefined);
  return workers && simd(workers);
}

function simd(workers: NonNullable<SimdOptions['workers']>): Engine | undefined {
  const threads = workers.length + 1;
  try {
    return { backend: simdBackend({ threads, workers }), report: { kernels: 'simd', threads } };
  } catch (problem) {
    // WebAssembly.Memory answers so when it is given no address space: phones may.
    for (const worker of workers) worker.terminate();
    if (problem instanceof InputError && problem.cause instanceof RangeError) return undefined;
    throw problem;
  }
}

function plainLoops(note?: string): Engine {
  return {
    backend: referenceBackend(),
    report: { kernels: 'reference', threads: 1, ...(note !== undefined && { note }) },
  };
}
