/** The little linear algebra that the Fréchet distance needs, in double precision. Matrices are n × n, row by row. */

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, section 8.5).
 * @returns values, and vectors whose column j belongs to value j
 */
export function symmetricEigen(matrix: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  return { values: diagonalise(matrix, n, (p, q, c, s) => rotateColumns(vectors, n, p, q, c, s)), vectors };
}

/** The eigenvalues of a symmetric matrix alone. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  return diagonalise(matrix, n, () => {});
}

/** Rotates pairs of axes until what is not on the diagonal is nothing; tells every rotation. */
function diagonalise(matrix: Float64Array, n: number, onRotation: (p: number, q: number, c: number, s: number) => void): Float64Array {
  const a = matrix.slice();
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
        onRotation(p, q, c, s);
      }
    }
  }
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i]);
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
