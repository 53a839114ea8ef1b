/** What the WebAssembly engine at hand can do, found out by offering it tiny modules. */
import { messageOf } from '../../tensor/errors.ts';
import { f32x4, i32, moduleBuilder, v128 } from './assembler/index.ts';
import type { Code } from './assembler/index.ts';
import { peakMeter } from './peak.ts';

function moduleOf(code: Code): Uint8Array<ArrayBuffer> {
  const module = moduleBuilder({ shared: false, minimum: 1, maximum: 1 });
  module.func({ params: [], results: [] }, () => code);
  return module.build();
}

function validates(code: Code): boolean {
  return typeof WebAssembly !== 'undefined' && WebAssembly.validate(moduleOf(code));
}

/**
 * Why the kernels in WebAssembly cannot run here; undefined where they can. An engine may know SIMD and yet compile
 * nothing that was written at run time, so it is asked to compile.
 */
export function simdRefusal(): string | undefined {
  if (typeof WebAssembly === 'undefined') return 'this engine has no WebAssembly';
  const one = f32x4.const(1);
  const bytes = moduleOf(v128.store(i32.const(0), f32x4.add(one, one)));
  if (!WebAssembly.validate(bytes)) return 'this engine has no WebAssembly SIMD';
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (problem) {
    const reason = messageOf(problem);
    return (
      `this engine does not compile WebAssembly at run time (${reason}); a Content-Security-Policy allows it by ` +
      "'wasm-unsafe-eval'"
    );
  }
}

/** Whether the kernels in WebAssembly SIMD can run here. `simdRefusal` says why not. */
export function simdSupported(): boolean {
  return simdRefusal() === undefined;
}

/** Whether it has relaxed SIMD, in which a multiply-add may round once. */
export function fmaSupported(): boolean {
  const one = f32x4.const(1);
  return validates(v128.store(i32.const(0), f32x4.relaxedMadd(one, one, one)));
}

/**
 * Whether the engine joins two neighbouring vectors to one of 256 bits, as V8 (13, in Node 24) does when it is started
 * with --experimental-wasm-revectorize. Only the clock can tell: 24 vectors in a loop are more than there are
 * registers, so an engine that does not join them is slower with them than with 14, and one that does is nearly twice
 * as fast. Takes some tenths of a second.
 */
export function joinsVectors(): boolean {
  const [narrow, wide] = [false, true].map((wider) => Math.max(...Array.from({ length: 4 }, peakMeter(wider))));
  return wide > 1.2 * narrow;
}

/** Whether memory can be shared between threads: always in Node, in browsers on cross-origin isolated pages. */
export function sharedMemorySupported(): boolean {
  return (
    typeof SharedArrayBuffer !== 'undefined' &&
    (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false
  );
}
