/** The model of scripts/goldens/img2img.py and inpaint.py: a formula in the place of a network. */
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

/**
 * a x + b/(1 + x²) + c/(1 + (t/500)²); of a score that, divided by −(1 + σ²).
 * @param coefficients a, b and c, in the precision that is computed in
 * @param asked gets the pictures that it is asked about
 */
export function formulaDenoiser(coefficients: readonly Tensor[], isScore = false, asked: Tensor[] = []): Denoiser {
  const [a, b, c] = coefficients.map(({ data }) => data);
  const round = coefficients[0].dtype === 'f32' ? Math.fround : (value: number) => value;
  const output = (x: Tensor, t: number): Tensor => ({
    ...x,
    data: x.data.map((value, i) => {
      const square = round(1 + round(value * value));
      const m = round(round(round(a[i] * value) + round(b[i] / square)) + round(c[i] * (1 / (1 + (t / 500) ** 2))));
      return isScore ? round(m / -(1 + t ** 2)) : m;
    }),
  });
  return {
    predict(x, t, passes) {
      asked.push(x);
      return passes.map(() => ({ output: output(x, t), taps: {} }));
    },
  };
}
