/** Products of matrices in the memory of a WebAssembly module: places the numbers, computes them, and reads them. */
import { simdSupported } from '../../kernels/simd/features.ts';
import { allocate, type FloatArray } from '../../tensor/tensor.ts';
import { matrixFunctions, type MatrixFunctions } from './module.ts';
import type { Order } from './orders.ts';

/** So many rows at a time, that their buffers stay in the cache. An even number. */
const rowsAtOnce = 8;
const pageBytes = 65536;
/** Of memory: two GiB. */
const mostPages = 32768;

interface Machine {
  readonly memory: WebAssembly.Memory;
  readonly functions: MatrixFunctions;
}

/** Made when it is first needed. It carries nothing from one product to the next. */
let made: Machine | undefined;

/** Whether this engine has what is needed. */
export const machineSupported = once(simdSupported);

function once<T>(compute: () => T): () => T {
  let value: { readonly found: T } | undefined;
  return () => {
    value ??= { found: compute() };
    return value.found;
  };
}

/** The machine, with memory for so many bytes; undefined where that is more than there can be. */
function machineFor(bytes: number): Machine | undefined {
  const pages = Math.ceil(bytes / pageBytes);
  if (pages > mostPages) return undefined;
  if (!made) {
    const memory = new WebAssembly.Memory({ initial: Math.max(16, pages), maximum: mostPages });
    made = { memory, functions: matrixFunctions(memory, mostPages) };
  }
  const missing = pages - made.memory.buffer.byteLength / pageBytes;
  if (missing > 0) made.memory.grow(missing);
  return made;
}

const upTo64 = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/**
 * a [rows, inner] · b [inner, columns] → [rows, columns], held as a is, each sum in this order. Undefined where the
 * memory does not suffice.
 */
export function multiply(
  order: Order,
  a: FloatArray,
  b: FloatArray,
  rows: number,
  inner: number,
  columns: number,
): FloatArray | undefined {
  const single = a instanceof Float32Array;
  const wide = !single || order.fused === true;
  const size = wide ? 8 : 4;
  const even = rows + (rows % 2);
  const [aStride, bStride] = [inner * size, upTo64(columns * size)];
  const aBytes = upTo64(even * aStride);
  const outAt = aBytes + inner * bStride;
  const buffersAt = outAt + even * bStride;
  const bufferBytes = rowsAtOnce * bStride;
  const machine = machineFor(buffersAt + (order.buffers?.(inner) ?? 0) * bufferBytes);
  if (!machine) return undefined;
  const { memory, functions } = machine;
  const numbers = wide ? new Float64Array(memory.buffer) : new Float32Array(memory.buffer);
  const terms = order.terms?.(inner);
  placeLeft(numbers, a, rows, inner, terms);
  numbers.fill(0, rows * inner, aBytes / size);
  placeRight(numbers.subarray(aBytes / size, outAt / size), bStride / size, b, inner, columns, terms);

  const product = functionFor(functions, wide, order);
  for (let row = 0; row < even; row += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, even - row);
    const left = row * aStride;
    order.compute({
      inner,
      out: outAt + row * bStride,
      buffer: (i) => buffersAt + i * bufferBytes,
      sum: (to, from, length, run = Math.max(1, length)) =>
        product(left + from * size, aStride, aBytes + from * bStride, bStride, to, count, length, run),
      plus: (to, from) => functions.add(to, from, count * bStride),
    });
  }

  const out = allocate(single ? 'f32' : 'f64', rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = (outAt + row * bStride) / size;
    out.set(numbers.subarray(from, from + columns), row * columns);
  }
  return out;
}

function functionFor(functions: MatrixFunctions, wide: boolean, order: Order): MatrixFunctions['single'] {
  if (!wide) return functions.single;
  return order.fused ? functions.fused : functions.double;
}

type Terms = readonly number[] | undefined;

/** a [rows, inner], with its terms in their order. */
function placeLeft(to: FloatArray, a: FloatArray, rows: number, inner: number, terms: Terms): void {
  if (!terms) to.set(a.subarray(0, rows * inner));
  else
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < inner; k++) to[row * inner + k] = a[row * inner + terms[k]];
}

/** b [inner, columns], row by row, with its terms in their order and zeros behind each. */
function placeRight(to: FloatArray, stride: number, b: FloatArray, inner: number, columns: number, terms: Terms): void {
  for (let k = 0; k < inner; k++) {
    const from = (terms?.[k] ?? k) * columns;
    to.set(b.subarray(from, from + columns), k * stride);
    to.fill(0, k * stride + columns, (k + 1) * stride);
  }
}
