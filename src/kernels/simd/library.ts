/**
 * The functions of one module while it is being made. A kernel is generated once for what its key says; nodes of equal
 * shape share it and pass it their addresses.
 */
import { i32, moduleBuilder } from './assembler.ts';
import type { Body, Code, Func, I32, Local, MemoryImport, ModuleBuilder, Signature, ValueType } from './assembler.ts';

/** Outputs that a tile has side by side: those of two vectors, or of four. */
export type Panel = 8 | 16;

export interface Library {
  readonly module: ModuleBuilder;
  readonly threads: number;
  /** Fused multiply-add in the products. */
  readonly fma: boolean;
  /** How wide tiles are: 8 numbers, or 16 for engines that join neighbouring vectors. */
  readonly panel: Panel;
  /** The function of this key, made at its first use. */
  func(key: string, signature: Signature, write: (body: Body) => Code): Func;
}

export function library(
  memory: MemoryImport,
  { threads, fma, panel }: Pick<Library, 'threads' | 'fma' | 'panel'>,
): Library {
  const module = moduleBuilder(memory);
  const known = new Map<string, Func>();
  return {
    module,
    threads,
    fma,
    panel,
    func(key, signature, write) {
      const found = known.get(key);
      if (found) return found;
      const made = module.func(signature, write);
      known.set(key, made);
      return made;
    },
  };
}

/**
 * What every kernel is called with before its own addresses: the thread's number, and the address of its counters of
 * work.
 */
export const kernelPrefix = 2;

export interface KernelBody extends Body {
  readonly thread: Local<'i32'>;
  readonly counters: Local<'i32'>;
  /** The kernel's own addresses. */
  readonly pointers: readonly Local<'i32'>[];
}

/** A kernel: a function of (thread, counters, …addresses). */
export function kernel(lib: Library, key: string, pointers: number, write: (body: KernelBody) => Code): Func {
  const params: ValueType[] = Array.from({ length: kernelPrefix + pointers }, () => 'i32');
  return lib.func(key, { params, results: [] }, (body) =>
    write({
      ...body,
      thread: body.params[0]!,
      counters: body.params[1]!,
      pointers: body.params.slice(kernelPrefix),
    }),
  );
}

/** base + index · bytes. */
export function at(base: I32, index: I32, bytes: number): I32 {
  return bytes === 0 ? base : i32.add(base, i32.mul(index, i32.const(bytes)));
}

/**
 * Cuts `total` into pieces of at most `most`, at least `atLeast` pieces where that is possible: the size of a piece.
 */
export function pieceSize(total: number, most: number, atLeast: number): number {
  return Math.max(1, Math.min(most, Math.ceil(total / atLeast)));
}

/** The largest divisor of n that is at most `limit`. */
export function divisorUpTo(n: number, limit: number): number {
  let d = Math.max(1, Math.min(n, Math.floor(limit)));
  while (n % d !== 0) d--;
  return d;
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
