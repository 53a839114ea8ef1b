/** Where kernels are asked for, one after another. */
import type { Func } from './assembler/index.ts';
import type { Library, Panel } from './library.ts';
import type { Place } from './memory/place.ts';

/** Takes the steps of a program, or of what goes before one. */
export interface Emitter {
  readonly panel: Panel;
  /** So many bytes for the step that is being made, and for whoever uses them later. */
  newPlace(bytes: number, batchStride: number): Place;
  /** Adds the step of a kernel. `products`: multiplications in its sums of products. */
  emit(name: string, operands: readonly Place[], make: (lib: Library) => Func, products?: number): void;
}
