/** Tables of numbers row by row: the features of pictures, [N, n]. */
import { allocate, tensor, type Tensor } from '../tensor/tensor.ts';

/** The chosen rows of a table [N, n]. */
export function chooseRows(table: Tensor, chosen: readonly number[]): Tensor {
  const n = table.shape[1];
  const out = allocate(table.dtype, chosen.length * n);
  chosen.forEach((row, i) => out.set(table.data.subarray(row * n, (row + 1) * n), i * n));
  return tensor(table.dtype, [chosen.length, n], out);
}

/** The first `count` rows, or all where there are fewer. */
export function firstRows({ dtype, shape: [rows, n], data }: Tensor, count: number): Tensor {
  const kept = Math.min(count, rows);
  return tensor(dtype, [kept, n], data.subarray(0, kept * n));
}

/** Tensors of one shape [...] as one tensor [N, ...]. */
export function stack(parts: readonly Tensor[]): Tensor {
  const {
    dtype,
    shape,
    data: { length },
  } = parts[0];
  const out = allocate(dtype, parts.length * length);
  parts.forEach((part, i) => out.set(part.data, i * length));
  return tensor(dtype, [parts.length, ...shape], out);
}

/** Tables of equally many columns, one below the other. */
export function appendRows(tables: readonly Tensor[]): Tensor {
  const [{ dtype, shape }] = tables;
  const out = allocate(
    dtype,
    tables.reduce((sum, { data }) => sum + data.length, 0),
  );
  let at = 0;
  for (const { data } of tables) {
    out.set(data, at);
    at += data.length;
  }
  return tensor(dtype, [out.length / shape[1], shape[1]], out);
}
