/** The honest ports of each precision: how far apart they lie is the spread from which tolerances are derived. */
import { cos, exp, sin } from '../../tensor/math/index.ts';
import { cast } from '../../tensor/rounding.ts';
import { addScaled, scale } from '../../tensor/arithmetic.ts';
import { tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { adamwStep } from '../../training/adamw.ts';
import type { sinusoid } from '../../nn/embeddings.ts';
import { reference, type Implementation } from '../implementation.ts';
import { fused, halfTiles, inHalf, lanes, pairwise, reversed, sequential } from './dot.ts';
import type { FormatName } from './format.ts';
import { expByTwo } from './functions.ts';
import { honestKernels, type Arithmetic } from './kernels.ts';
import { largeReciprocals, reciprocalSinusoid, smallReciprocals } from './reciprocals.ts';

/** An honest port. */
export interface Variant {
  readonly name: string;
  readonly implementation: Implementation;
}

/**
 * The embedding of time in double precision, rounded once: more accurate than diffusers, which rounds every step to
 * float32.
 */
const doubleSinusoid: typeof sinusoid = (timesteps, size, cosineFirst, shift, dtype) => {
  const half = Math.floor(size / 2);
  const out = new Float64Array(timesteps.length * size);
  timesteps.forEach((t, b) => {
    for (let i = 0; i < half; i++) {
      const angle = t * exp((-9.210340371976184 * i) / (half - shift));
      out[b * size + i] = cosineFirst ? cos(angle) : sin(angle);
      out[b * size + half + i] = cosineFirst ? sin(angle) : cos(angle);
    }
  });
  return cast(cast(tensor('f64', [timesteps.length, size], out), 'f32'), dtype);
};

/** A step of AdamW in double precision, rounded once, as where it is one kernel. */
const doubleAdamw: typeof adamwStep = (parameter, gradient, { expAvg, expAvgSq }, ...rest) => {
  const wide = (x: Tensor): Tensor => cast(x, 'f64');
  const stored = (x: Tensor): Tensor => cast(x, parameter.dtype);
  const moments = { expAvg: wide(expAvg), expAvgSq: wide(expAvgSq) };
  const found = adamwStep(wide(parameter), wide(gradient), moments, ...rest);
  return {
    parameter: stored(found.parameter),
    moments: { expAvg: stored(found.moments.expAvg), expAvgSq: stored(found.moments.expAvgSq) },
  };
};

/** Gradients clipped in single precision: the length of each summed first, then that of their lengths. */
const clippedInSingle: Implementation['clipGradients'] = (gradients, most) => {
  const f32 = Math.fround;
  const length = (values: ArrayLike<number>): number => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum = f32(sum + f32((values[i] ?? 0) ** 2));
    return f32(Math.sqrt(sum));
  };
  const lengths = [...gradients.values()].map(({ data }) => length(data));
  const factor = Math.min(1, f32(most / f32(length(lengths) + f32(1e-6))));
  return new Map([...gradients].map(([name, gradient]) => [name, scale(gradient, factor)]));
};

/** β θ̂ + (1 − β) θ, as it stands in papers. */
const weighted: Implementation['average'] = (average, parameter, decay) =>
  addScaled(scale(average, decay), 1 - decay, parameter);

function port(name: string, arithmetic: Arithmetic, changes: Partial<Implementation> = {}): Variant {
  return { name, implementation: { ...reference, kernels: honestKernels(arithmetic), ...changes } };
}

const reciprocals = { sinusoid: reciprocalSinusoid, scheduler: smallReciprocals };

const orders: readonly Variant[] = [
  { name: 'the reference', implementation: reference },
  port('sums one after another', { dot: sequential }, { average: weighted, clipGradients: clippedInSingle }),
  port('sums from the end, time in double', { dot: reversed }, { sinusoid: doubleSinusoid, adamw: doubleAdamw }),
  port(
    'fused multiply-add, norms in single steps, powers of two, reciprocals',
    { dot: fused, singleSteps: true, exp: expByTwo },
    reciprocals,
  ),
  port('pairwise sums, scaled queries, Winograd convolutions', { dot: pairwise, scaledQueries: true, winograd: 4 }),
  port(
    'sixteen lanes, online softmax, reciprocals',
    { dot: lanes, onlineSoftmax: true, singleSteps: true, polynomialErf: true },
    { scheduler: largeReciprocals },
  ),
];

/** In storage of 16 bits it matters most where results are rounded. */
const stored: readonly Variant[] = [
  ...orders.slice(0, 3),
  port(
    'logits stored, powers of two, reciprocals',
    { dot: sequential, storedLogits: true, singleSteps: true, exp: expByTwo },
    reciprocals,
  ),
  port('bias added on its own', { dot: sequential, biasApart: true }),
  port(
    'online softmax, scaled queries, reciprocals',
    { dot: lanes, onlineSoftmax: true, scaledQueries: true },
    { scheduler: largeReciprocals },
  ),
];

const roundTf32 = (values: FloatArray): FloatArray => keepBits(values, 0x1000);
const truncateTf32 = (values: FloatArray): FloatArray => keepBits(values, 0);

/** The honest ports of each precision. */
export const variants: Readonly<Record<FormatName, readonly Variant[]>> = {
  f32: orders,
  tf32: [
    port('rounded to TF32', { dot: sequential, multiplicand: roundTf32 }),
    port(
      'cut off to TF32, time in double',
      { dot: sequential, multiplicand: truncateTf32 },
      { sinusoid: doubleSinusoid },
    ),
    port(
      'rounded to TF32, fused, pairwise attention, reciprocals',
      { dot: fused, multiplicand: roundTf32, scaledQueries: true, singleSteps: true, exp: expByTwo },
      reciprocals,
    ),
    port(
      'rounded to TF32, lanes, online softmax, reciprocals',
      { dot: lanes, multiplicand: roundTf32, onlineSoftmax: true },
      { scheduler: largeReciprocals },
    ),
    orders[0],
  ],
  bf16: stored,
  mixed: stored,
  f16: [
    ...stored,
    port('sums in float16', { dot: inHalf, storedLogits: true }),
    port('tiles added up in float16', { dot: halfTiles }),
  ],
};

/**
 * The numbers with the last 13 bits of their significand taken away, after adding `bias` to the bits: half of what is
 * taken rounds.
 */
function keepBits(values: FloatArray, bias: number): FloatArray {
  const out = Float32Array.from(values);
  const bits = new Int32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) if (Number.isFinite(out[i])) bits[i] = (bits[i] + bias) & ~0x1fff;
  return out;
}
