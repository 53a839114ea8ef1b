/** Mistakes of arithmetic: formulas that lose their digits, and numbers that are held too narrowly. */
import { erf, exp, log, tanh } from '../../tensor/math/index.ts';
import { roundTo } from '../../tensor/rounding.ts';
import type { Activation, Kernels } from '../../kernels/kernels.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { filled, inKernels, inWeights, type Fault } from './fault.ts';

const f32 = Math.fround;

/** An activation is computed by another formula. */
function inActivation(name: string, says: string, wanted: Activation, formula: (x: number) => number): Fault {
  return inKernels(name, says, (k) => ({
    activation: (x, kind) => (kind === wanted ? filled(x, (i) => formula(x.data[i])) : k.activation(x, kind)),
  }));
}

const largest = 2 ** 128 - 2 ** 104;
const smallestNormal = 2 ** -126;

/** Results below the normal numbers of float32 are 0, and so are such inputs. */
function flushing(k: Kernels): Partial<Kernels> {
  const isSmall = (value: number): boolean => value !== 0 && Math.abs(value) < smallestNormal;
  // Where there are none it is the same tensor, of which kernels may remember what they made.
  const flushed = (x: Tensor): Tensor =>
    x.data.some(isSmall) ? filled(x, (i) => (isSmall(x.data[i]) ? 0 : x.data[i])) : x;
  const isTensor = (given: unknown): given is Tensor => typeof given === 'object' && given !== null && 'data' in given;
  const wrapped = Object.entries(k).map(([name, kernel]) => {
    const run = kernel as (...given: readonly unknown[]) => Tensor;
    return [
      name,
      (...given: readonly unknown[]) => flushed(run(...given.map((one) => (isTensor(one) ? flushed(one) : one)))),
    ];
  });
  return Object.fromEntries(wrapped) as Partial<Kernels>;
}

const words = { bf16: 'bfloat16', f16: 'float16' } as const;

/** Mistakes of arithmetic. */
export const numericFaults: readonly Fault[] = [
  inActivation(
    'mish-naive-softplus',
    'compute ln(1 + e^x) of Mish as it stands, which is 0 where e^x is lost beside 1: use log1p',
    'mish',
    (x) => x * tanh(log(f32(1 + Math.min(largest, f32(exp(x)))))),
  ),
  inActivation(
    'silu-absolute-sigmoid',
    'compute the sigmoid of SiLU as (1 + tanh(x/2))/2, which has no digits left where it is small',
    'silu',
    (x) => x * 0.5 * f32(1 + f32(tanh(x / 2))),
  ),
  inActivation(
    'gelu-overflow',
    'multiply x by 1 + erf(x/√2) before halving it: the largest numbers become infinite',
    'gelu',
    (x) => (Math.abs(x * (1 + erf(x * Math.SQRT1_2))) > largest ? x * Infinity : 0.5 * x * (1 + erf(x * Math.SQRT1_2))),
  ),
  inKernels(
    'subnormals-flushed',
    'flush subnormal numbers to 0 (a mode of the processor or of the compiler)',
    flushing,
  ),
  ...(['bf16', 'f16'] as const).map((dtype) =>
    inWeights(
      `weights-in-${words[dtype]}`,
      `hold the weights in ${words[dtype]}, and compute in float32`,
      (_, weight) => filled(weight, (i) => roundTo(dtype, weight.data[i])),
    ),
  ),
];
