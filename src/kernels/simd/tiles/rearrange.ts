/** The same numbers elsewhere: planes with a border or apart, and transposition. */
import { keyOf } from '../../key.ts';
import { f32, forRange, i32, set } from '../assembler/index.ts';
import type { Func } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { densePlanes } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { planeAt, writePlane } from './plane-writer.ts';
import type { PictureSpec } from './resample.ts';

/** The kernel of (thread, counters, x, out): a picture with its border, or with its planes apart. */
export function borderKernel(lib: Library, spec: PictureSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const input = densePlanes(height, width, spec.inBatchStride);
  return kernel(lib, `border${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [x, y] = body.locals('i32');
    return parallel(lib, body, batch * channels, (plane) => [
      set(x, planeAt(x0, plane, channels, input)),
      set(y, planeAt(out0, plane, channels, out)),
      writePlane(body, { x, y, height, width, layout: out, compute: () => [], atOnce: 1 }),
    ]);
  });
}

/** `rows` × `columns` numbers in each sample; strides in bytes. */
export interface TransposeSpec {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly inBatchStride: number;
  readonly outBatchStride: number;
}

/** [B, rows, columns] → [B, columns, rows]. The kernel of (thread, counters, x, out). */
export function transposeKernel(lib: Library, spec: TransposeSpec): Func {
  const { batch, rows, columns } = spec;
  return kernel(lib, `transpose${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [b, source, target, row] = body.locals('i32');
    return parallel(lib, body, batch * columns, (unit) => [
      set(b, i32.divU(unit, i32.const(columns))),
      set(source, at(at(x0, b, spec.inBatchStride), i32.remU(unit, i32.const(columns)), 4)),
      set(target, at(at(out0, b, spec.outBatchStride), i32.remU(unit, i32.const(columns)), 4 * rows)),
      forRange(
        row,
        i32.const(0),
        i32.const(rows),
        1,
        f32.store(at(target, row, 4), f32.load(at(source, row, 4 * columns))),
      ),
    ]);
  });
}
