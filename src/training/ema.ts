/**
 * A running average of the weights, which draws better pictures than the weights of the last step:
 * θ̂ ← β θ̂ + (1 − β) θ after each step. β is a constant, or grows with the step so that the average spans a share of
 * all steps so far.
 */
import { mustBe, whole } from '../tensor/checks.ts';
import { pow } from '../tensor/math/index.ts';
import { allocate, type Tensor } from '../tensor/tensor.ts';

/**
 * θ̂ − (1 − β)(θ̂ − θ), each operation rounded, as `EMAModel.step` of diffusers.
 * @param average θ̂, of the shape and precision of `parameter`, f32 or f64
 * @param decay β, from 0 to 1
 */
export function averaged(average: Tensor, parameter: Tensor, decay: number): Tensor {
  const { dtype, shape } = average;
  const data = allocate(dtype, average.data.length);
  const isDouble = dtype === 'f64';
  const moved = isDouble ? 1 - decay : Math.fround(1 - decay);
  for (let i = 0; i < data.length; i++) {
    const mean = average.data[i];
    const apart = mean - parameter.data[i];
    data[i] = mean - (isDouble ? moved * apart : Math.fround(moved * Math.fround(apart)));
  }
  return { dtype, shape, data };
}

/**
 * β of a constant average. With a warm-up it is min(decay, (1 + t)/(10 + t)) after 0 in the first step, so that the
 * weights of the beginning are soon forgotten (`EMAModel.get_decay` of diffusers).
 * @param step how many steps there have been, this one included, from 1
 */
export function constantDecay(decay: number, warmup: boolean, step: number): number {
  if (!warmup) return decay;
  return step <= 1 ? 0 : Math.min(decay, step / (9 + step));
}

/**
 * β of the power-function average, (1 − 1/t)^(γ + 1): the weights of step τ count as τ^γ (Karras et al. 2024,
 * arXiv 2312.02696, eq. 122 to 126).
 * @param exponent γ, from `exponentOfWidth`
 * @param step t, from 1; there β is 0
 * @throws InputError for a step before the first
 */
export function powerFunctionDecay(exponent: number, step: number): number {
  whole(1)('the step', step);
  return pow(1 - 1 / step, exponent + 1);
}

/** What the width of a power-function average is below: that at γ = 0. */
export const widest = 0.288;

const aWidth = mustBe(`a number above 0 and below ${widest}`, (value) => Number(value) > 0 && Number(value) < widest);

/**
 * γ of the power-function average whose standard deviation is this share of all steps:
 * σ_rel² = (γ + 1)/((γ + 2)²(γ + 3)), which falls as γ grows; found by halving an interval.
 * @param sigmaRel above 0 and below 0.288 (at γ = 0); 0.05 and 0.10 are usual
 * @throws InputError for another
 */
export function exponentOfWidth(sigmaRel: number): number {
  aWidth('the width', sigmaRel);
  let [low, high] = [0, 1];
  while (width(high) > sigmaRel) high *= 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return middle;
    if (width(middle) > sigmaRel) low = middle;
    else high = middle;
  }
}

function width(exponent: number): number {
  return Math.sqrt((exponent + 1) / ((exponent + 2) * (exponent + 2) * (exponent + 3)));
}
