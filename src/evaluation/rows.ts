/** Tables of numbers row by row: the features of pictures, [N, n]; and lists beside them. */
import { checkTensor } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { allocate, shapeText, tensor, type FloatArray, type Tensor } from '../tensor/tensor.ts';

/**
 * How many rows and columns a table has.
 * @throws InputError when the tensor is no table [N, n]
 */
export function tableSize(table: Tensor): readonly [rows: number, columns: number] {
  checkTensor('a table of numbers', table);
  const { shape } = table;
  const [rows, columns, ...more] = shape;
  if (rows === undefined || columns === undefined || more.length > 0)
    throw new InputError(`a table has rows and columns, but this tensor has shape ${shapeText(shape)}`);
  return [rows, columns];
}

/** The rows of a table [N, n], one after another. Shares the data. */
export function rowsOf(table: Tensor): readonly FloatArray[] {
  const [rows, columns] = tableSize(table);
  return Array.from({ length: rows }, (_, row) => table.data.subarray(row * columns, (row + 1) * columns));
}

/** The chosen rows of a table [N, n], in the order in which they are chosen, as often as they are. */
export function chooseRows(table: Tensor, chosen: readonly number[]): Tensor {
  const [, columns] = tableSize(table);
  const out = allocate(table.dtype, chosen.length * columns);
  for (const [place, row] of chosen.entries())
    out.set(table.data.subarray(row * columns, (row + 1) * columns), place * columns);
  return tensor(table.dtype, [chosen.length, columns], out);
}

/**
 * The chosen items of a list, in the order in which they are chosen, as often as they are.
 * @throws InputError for a place that the list does not have
 */
export function chooseItems<T extends {}>(items: readonly T[], chosen: readonly number[]): readonly T[] {
  return chosen.map((place) => {
    const item = items[place];
    if (item === undefined) throw new InputError(`item ${place} is chosen, but there are ${items.length}, from 0`);
    return item;
  });
}

/** The first `count` rows of a table [N, n], or all where there are fewer. Shares the data. */
export function firstRows(table: Tensor, count: number): Tensor {
  const [rows, columns] = tableSize(table);
  const kept = Math.min(count, rows);
  return tensor(table.dtype, [kept, columns], table.data.subarray(0, kept * columns));
}

/**
 * Tables of equally many columns, one below the other.
 * @throws InputError when there are none, or they do not fit together
 */
export function appendRows(tables: readonly Tensor[]): Tensor {
  const [, columns] = tableSize(firstOf(tables));
  const data = concatenated(tables);
  return tensor(firstOf(tables).dtype, [data.length / columns, columns], data);
}

function firstOf([first]: readonly Tensor[]): Tensor {
  if (!first) throw new InputError('there is no tensor to join');
  return first;
}

/** The data of all, in the precision of the first. */
function concatenated(parts: readonly Tensor[]): FloatArray {
  const out = allocate(
    firstOf(parts).dtype,
    parts.reduce((sum, { data }) => sum + data.length, 0),
  );
  let at = 0;
  for (const { data } of parts) {
    out.set(data, at);
    at += data.length;
  }
  return out;
}
