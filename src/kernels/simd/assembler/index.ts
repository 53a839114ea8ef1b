/** A small assembler for WebAssembly modules: typed expressions in, the bytes of a module out. */
export type { Code, Expr, F32, F64, I32, Local, V128, ValueType } from './code.ts';
export { signed, unsigned } from './encoding.ts';
export { call, callI32, callV128, type Body, type Func, type Signature } from './functions.ts';
export {
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64x2,
  promoteHigh,
  shuffle32,
  shuffle64,
  v128,
} from './instructions.ts';
export { moduleBuilder, type MemoryImport, type ModuleBuilder } from './module.ts';
export {
  atMost,
  atomicNotifyAll,
  atomicWait,
  block,
  breakIf,
  doWhile,
  drop,
  forRange,
  increase,
  memoryFill,
  set,
  tee,
  trap,
  when,
  whileLoop,
} from './statements.ts';
