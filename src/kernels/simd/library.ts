/**
 * The functions of one module while it is being made. A kernel is generated once for what its key says; nodes of equal
 * shape share it and pass it their addresses.
 */
import { i32, moduleBuilder } from './assembler/index.ts';
import type {
  Body,
  Code,
  Func,
  I32,
  Local,
  MemoryImport,
  ModuleBuilder,
  Signature,
  ValueType,
} from './assembler/index.ts';

/** Outputs that a tile has side by side: those of two vectors, or of four. */
export type Panel = 8 | 16;

/** What the code of all kernels of a module depends on. */
export interface LibraryOptions {
  /** That run the module together. */
  readonly threads: number;
  /** Fused multiply-add in the products. */
  readonly fma: boolean;
  /** How wide tiles are: 8 numbers, or 16 for engines that join neighbouring vectors. */
  readonly panel: Panel;
}

/** The functions of a module that is being made. */
export interface Library extends LibraryOptions {
  readonly module: ModuleBuilder;
  /** The function of this key, made at its first use. */
  func<const P extends readonly ValueType[]>(
    key: string,
    signature: Signature<P>,
    write: (body: Body<P>) => Code,
  ): Func;
}

/** A library without functions yet, in a module that imports this memory. */
export function library(memory: MemoryImport, options: LibraryOptions): Library {
  const module = moduleBuilder(memory);
  const known = new Map<string, Func>();
  return {
    module,
    ...options,
    func(key, signature, write) {
      const found = known.get(key);
      if (found) return found;
      const made = module.func(signature, write);
      known.set(key, made);
      return made;
    },
  };
}

/** What a kernel's body is written with. */
export interface KernelBody extends Body {
  /** The number of the thread that runs it, from 0 on. */
  readonly thread: Local<'i32'>;
  /** The address of the step's counters of work. */
  readonly counters: Local<'i32'>;
  /** The kernel's own addresses. */
  readonly pointers: readonly Local<'i32'>[];
}

/** A kernel: a function of (thread, counters, …addresses), with so many addresses. */
export function kernel(lib: Library, key: string, pointers: number, write: (body: KernelBody) => Code): Func {
  const params = Array.from({ length: 2 + pointers }, () => 'i32' as const);
  return lib.func(key, { params, results: [] }, (body) => {
    const [thread, counters, ...own] = body.params;
    return write({ ...body, thread, counters, pointers: own });
  });
}

/** The address base + index · bytes. */
export function at(base: I32, index: I32, bytes: number): I32 {
  return bytes === 0 ? base : i32.add(base, i32.mul(index, i32.const(bytes)));
}
