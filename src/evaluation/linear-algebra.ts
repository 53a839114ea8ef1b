/** The little linear algebra that the Fréchet distance needs, in double precision. Matrices are n × n, row by row. */

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, section 8.5).
 * @param matrix [n × n]
 * @returns values, and vectors whose column j belongs to value j
 */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  let norm = 0;
  for (const value of a) norm += value * value;
  for (let sweep = 0; sweep < 60; sweep++) {
    let offDiagonal = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) offDiagonal += 2 * a[p * n + q] * a[p * n + q];
    if (offDiagonal <= 1e-30 * norm) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p * n + q] === 0) continue;
        const [c, s] = annihilating(a[p * n + p], a[p * n + q], a[q * n + q]);
        rotateColumns(a, n, p, q, c, s);
        rotateRows(a, n, p, q, c, s);
        rotateColumns(vectors, n, p, q, c, s);
      }
    }
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), vectors };
}

/** Cosine and sine of the smaller rotation that makes the off-diagonal entry of a symmetric 2 × 2 matrix zero. */
function annihilating(app: number, apq: number, aqq: number): readonly [c: number, s: number] {
  const theta = (aqq - app) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  return [c, t * c];
}

function rotateColumns(a: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < n * n; k += n) {
    const [x, y] = [a[k + p], a[k + q]];
    a[k + p] = c * x - s * y;
    a[k + q] = s * x + c * y;
  }
}

function rotateRows(a: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const [x, y] = [a[p * n + k], a[q * n + k]];
    a[p * n + k] = c * x - s * y;
    a[q * n + k] = s * x + c * y;
  }
}

/**
 * The eigenvalues of a symmetric matrix alone, in no order, which is much faster: Householder's reduction to three
 * diagonals, then QL steps with implicit shifts (Golub & Van Loan, section 8.3).
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, beside } = tridiagonal(matrix, n);
  for (let low = 0; low < n; low++) {
    for (let high = endOfBlock(diagonal, beside, low); high > low; high = endOfBlock(diagonal, beside, low))
      stepQL(diagonal, beside, low, high);
  }
  return diagonal;
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Entry i lies at (i, i + 1) and (i + 1, i); the last is 0. */
  readonly beside: Float64Array;
}

/** Reflections A ← (I − 2vvᵀ) A (I − 2vvᵀ) that leave three diagonals. */
function tridiagonal(matrix: Float64Array, n: number): Tridiagonal {
  const a = matrix.slice();
  const beside = new Float64Array(n);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += a[i * n + k] ** 2;
    const alpha = (a[(k + 1) * n + k] > 0 ? -1 : 1) * Math.sqrt(norm);
    beside[k] = alpha;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k];
    v[k + 1] -= alpha;
    // |v|² = 2 (|x|² − α x₀); nothing to reflect where the column is 0.
    const squared = 2 * (norm - alpha * a[(k + 1) * n + k]);
    if (squared === 0) continue;
    let dot = 0;
    for (let i = k + 1; i < n; i++) {
      w[i] = 0;
      for (let j = k + 1; j < n; j++) w[i] += a[i * n + j] * v[j];
      w[i] *= 2 / squared;
      dot += w[i] * v[i];
    }
    for (let i = k + 1; i < n; i++) w[i] -= (dot / squared) * v[i];
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j < n; j++) a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]), beside };
}

/** The last row of the block that begins at `low`: there the matrix falls apart. */
function endOfBlock(diagonal: Float64Array, beside: Float64Array, low: number): number {
  let high = low;
  while (
    high < diagonal.length - 1 &&
    Math.abs(beside[high]) > Number.EPSILON * (Math.abs(diagonal[high]) + Math.abs(diagonal[high + 1]))
  )
    high++;
  return high;
}

/** One QL step on the rows `low` to `high`, in place: rotations from the bottom up chase the shift away. */
function stepQL(diagonal: Float64Array, beside: Float64Array, low: number, high: number): void {
  // Wilkinson's shift: the eigenvalue of the upper 2 × 2 block that is nearer to its first entry.
  const half = (diagonal[low + 1] - diagonal[low]) / (2 * beside[low]);
  const root = (half >= 0 ? 1 : -1) * Math.sqrt(half * half + 1);
  let g = diagonal[high] - diagonal[low] + beside[low] / (half + root);
  let [s, c, p] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const [f, b] = [s * beside[i], c * beside[i]];
    const r = Math.sqrt(f * f + g * g);
    beside[i + 1] = r;
    if (r === 0) {
      // The block has fallen apart by itself.
      diagonal[i + 1] -= p;
      beside[high] = 0;
      return;
    }
    [s, c] = [f / r, g / r];
    g = diagonal[i + 1] - p;
    const t = (diagonal[i] - g) * s + 2 * c * b;
    p = s * t;
    diagonal[i + 1] = g + p;
    g = c * t - b;
  }
  diagonal[low] -= p;
  beside[low] = g;
  beside[high] = 0;
}

/** The symmetric square root of a positive semi-definite matrix; eigenvalues below 0 (rounding) count as 0. */
export function squareRoot(matrix: Float64Array, n: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, n);
  const root = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += vectors[i * n + k] * Math.sqrt(Math.max(0, values[k])) * vectors[j * n + k];
      root[i * n + j] = sum;
    }
  }
  return root;
}

/** The product of two matrices [n × n]. */
export function multiplyMatrices(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const value = a[i * n + k];
      for (let j = 0; j < n; j++) out[i * n + j] += value * b[k * n + j];
    }
  }
  return out;
}
