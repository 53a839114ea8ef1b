/**
 * Ports to check: honest ones that are not among those from which the tolerances come, and the files that they write.
 */
import { parseSafetensors, writeSafetensors, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import type { Case } from '../../src/oracle/case.ts';
import { check, type Checked } from '../../src/oracle/check.ts';
import type { Dot } from '../../src/oracle/honest/dot.ts';
import { expByTwo } from '../../src/oracle/honest/functions.ts';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { honestKernels, type Arithmetic } from '../../src/oracle/honest/kernels.ts';
import { reference, type Implementation } from '../../src/oracle/implementation.ts';
import { traceCase } from '../../src/oracle/trace.ts';

const f32 = Math.fround;

/** Even terms first, then the odd ones, fused. */
const evenThenOdd: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (const start of [0, 1]) for (let k = start; k < n; k += 2) sum = f32(sum + a[i + k] * b[j + k]);
  return sum;
};

/** Runs of 16, added up at the end. */
const blocked: Dot = (a, i, b, j, n) => {
  let total = 0;
  for (let start = 0; start < n; start += 16) {
    let sum = 0;
    for (let k = start; k < Math.min(n, start + 16); k++) sum = f32(sum + f32(a[i + k] * b[j + k]));
    total = f32(total + sum);
  }
  return total;
};

export const heldOut: Readonly<Record<string, Arithmetic>> = {
  'even terms first, fused': { dot: evenThenOdd, singleSteps: true, scaledQueries: true },
  'runs of 16': { dot: blocked, onlineSoftmax: true },
};

/** Eight sums side by side, each step fused, added up one after another. */
const fusedLanes: Dot = (a, i, b, j, n) => {
  const sums = new Float32Array(8);
  for (let k = 0; k < n; k++) sums[k & 7] += a[i + k] * b[j + k];
  return sums.reduce((total, sum) => f32(total + sum));
};

/** The sum of the one half plus the sum of the other, down to single products. */
const halves: Dot = (a, i, b, j, n) => {
  if (n === 1) return f32(a[i] * b[j]);
  const half = n >> 1;
  return f32(halves(a, i, b, j, half) + halves(a, i + half, b, j + half, n - half));
};

/** What each addition loses is taken to the next (Kahan 1965). */
const compensated: Dot = (a, i, b, j, n) => {
  let [sum, lost] = [0, 0];
  for (let k = 0; k < n; k++) {
    const term = f32(f32(a[i + k] * b[j + k]) - lost);
    const next = f32(sum + term);
    lost = f32(f32(next - sum) - term);
    sum = next;
  }
  return sum;
};

/** In double precision, rounded once. */
const inDouble: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[i + k] * b[j + k];
  return f32(sum);
};

/** Others whose arithmetic nobody here has tuned for; they need not be as unlike as those above. */
export const furtherPorts: Readonly<Record<string, Arithmetic>> = {
  'eight lanes of fused multiply-add': { dot: fusedLanes, singleSteps: true },
  'pairwise down to single products, Winograd F(2×4)': { dot: halves, winograd: 4, scaledQueries: true },
  "Kahan's sums, Winograd F(2×2)": { dot: compensated, winograd: 2, polynomialErf: true },
  'double precision inside': { dot: inDouble },
  'softmax and activations by powers of two': {
    dot: fusedLanes,
    singleSteps: true,
    onlineSoftmax: true,
    exp: expByTwo,
  },
};

/** e^x as C libraries compute it: 2^k times a polynomial of what is left, to a unit or two of the last place. */
function reducedExp(x: number): number {
  if (x > 89) return Infinity;
  if (x < -104) return 0;
  const k = Math.round(f32(x * f32(Math.LOG2E)));
  const rest = f32(f32(x - f32(k * 0.693359375)) - f32(k * f32(-2.1219444e-4)));
  const terms = [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1];
  return f32(terms.reduce((sum, term) => f32(f32(sum * rest) + f32(term)), 0) * 2 ** k);
}

/** Ports that differ where 16 bits and tails show it: functions of their own, biases added on their own. */
export const ownFunctions: Arithmetic = { dot: blocked, singleSteps: true, biasApart: true, exp: reducedExp };

export function port(arithmetic: Arithmetic): Implementation {
  return { ...reference, kernels: honestKernels(arithmetic) };
}

/** What the port writes, which runs every pass from its start: the taps that are expected. */
export function outputOf(one: Case, implementation: Implementation, dtype: DType = 'f32'): Record<string, Tensor> {
  return Object.fromEntries(
    traceCase(
      one,
      implementation,
      { storage: dtype, compute: dtype },
      { names: new Set(one.expected.keys()), apart: true },
    ),
  );
}

export function fileOf(tensors: Readonly<Record<string, Tensor>>): SafetensorsFile {
  return parseSafetensors(writeSafetensors(tensors), 'theirs.safetensors');
}

/** Checks files of a case against bands that are given, or computed once, for the first of them. */
export function checkerOf(
  one: Case,
  format: FormatName = 'f32',
  given: Checked['bands'] = new Map(),
): (file: SafetensorsFile, only?: readonly string[]) => Checked {
  let known = given;
  return (file, only) => {
    const found = check(one, file, formats[format], only, known);
    known = new Map([...known, ...found.bands]);
    return found;
  };
}
