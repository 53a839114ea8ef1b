/** Small systems of linear equations, by Gaussian elimination with row exchanges. Double precision. */
import { at, lastOf } from '../tensor/at.ts';

/**
 * The x with A x = b.
 * @param matrix A by rows, square and regular
 * @param right b, as long as A has rows
 */
export function solveLinear(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  return eliminate(matrix.map((row, i) => [...row, at(right, i)]));
}

/** The solution of equations a₁ x₁ + … + a_n x_n = b, rows [a₁, …, a_n, b]: x₁ is taken out of all but one of them. */
function eliminate(rows: readonly (readonly number[])[]): number[] {
  if (rows.length === 0) return [];
  const leads = rows.map((row) => Math.abs(at(row, 0)));
  const chosen = leads.indexOf(Math.max(...leads));
  const [lead = 0, ...pivot] = at(rows, chosen);
  // The first row takes the place of the chosen one.
  const others = rows.map((row, i) => (i === chosen ? at(rows, 0) : row)).slice(1);
  const reduced = others.map(([first = 0, ...rest]) => {
    const factor = first / lead;
    return rest.map((value, j) => value - factor * at(pivot, j));
  });
  const x = eliminate(reduced);
  const rest = x.reduce((sum, value, j) => sum - at(pivot, j) * value, lastOf(pivot));
  return [rest / lead, ...x];
}
