/**
 * Products of matrices whose sums are those of honest/dot.ts, or the reference's own. Where the engine has WebAssembly
 * SIMD they are some twenty times as quick as plain loops; the bits are the same.
 */
import { matmul } from '../../kernels/plain/matmul.ts';
import { allocate, type FloatArray } from '../../tensor/tensor.ts';
import type { Dot } from '../honest/dot.ts';
import { machineSupported, multiply } from './machine.ts';
import { inRuns, orders, type Order } from './orders.ts';

/** a [rows, inner] · b [inner, columns] → [rows, columns], held as a is. */
export type Product = (a: FloatArray, b: FloatArray, rows: number, inner: number, columns: number) => FloatArray;

/** The product whose sums are those of `dot`, of numbers in single precision. */
export function productBy(dot: Dot): Product {
  const order = orders.get(dot);
  return order ? quick(order, byDefinition(dot)) : byDefinition(dot);
}

/** The product whose sums are those of the reference: in runs of so many terms, in the precision of the numbers. */
export function productInRuns(run: number): Product {
  return quick(inRuns(run), (a, b, rows, inner, columns) => {
    const out = allocate(a instanceof Float32Array ? 'f32' : 'f64', rows * columns);
    matmul(out, a, b, rows, inner, columns, run);
    return out;
  });
}

/** x [rows, columns] turned: [columns, rows]. */
export function transposed(x: FloatArray, rows: number, columns: number): FloatArray {
  const out = x.slice(0, rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c];
  return out;
}

/** The product, one sum at a time. */
export function byDefinition(dot: Dot): Product {
  return (a, b, rows, inner, columns) => {
    const turned = transposed(b, inner, columns);
    const out = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[r * columns + c] = dot(a, r * inner, turned, c * inner, inner);
    return out;
  };
}

/** Below so many products of numbers it takes longer to place them. */
const worthwhile = 4096;

function quick(order: Order, plain: Product): Product {
  return (a, b, rows, inner, columns) => {
    const many = rows * inner * columns >= worthwhile && machineSupported();
    return (many ? multiply(order, a, b, rows, inner, columns) : undefined) ?? plain(a, b, rows, inner, columns);
  };
}
