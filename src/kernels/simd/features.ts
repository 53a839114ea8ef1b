/** What the WebAssembly engine at hand can do, found out by offering it tiny modules. */
import { f32x4, i32, moduleBuilder, v128 } from './assembler.ts';
import type { Code } from './assembler.ts';

function validates(code: Code): boolean {
  if (typeof WebAssembly === 'undefined') return false;
  const module = moduleBuilder({ shared: false, minimum: 1, maximum: 1 });
  module.func({ params: [], results: [] }, () => code);
  return WebAssembly.validate(module.build());
}

/** Whether the engine has WebAssembly SIMD. */
export function simdSupported(): boolean {
  const one = f32x4.const(1);
  return validates(v128.store(i32.const(0), f32x4.add(one, one)));
}

/** Whether it has relaxed SIMD, in which a multiply-add may round once. */
export function fmaSupported(): boolean {
  const one = f32x4.const(1);
  return validates(v128.store(i32.const(0), f32x4.relaxedMadd(one, one, one)));
}

/** Whether memory can be shared between threads: always in Node, in browsers on cross-origin isolated pages. */
export function sharedMemorySupported(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}
