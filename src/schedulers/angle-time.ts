/** The time of models of v in continuous time: the angle between picture and noise, in right angles. */
import { f32 } from './single.ts';

/**
 * t = (2/π) atan(σ/α), float32 as in PyTorch: 0 where there is no noise, 1 where there is no picture.
 * @param noise σ, from 0
 * @param signal α, from 0; not 0 together with σ
 */
export function angleTime(noise: number, signal: number): number {
  return 2 * f32(f32(angle(noise, signal)) / f32(Math.PI));
}

/**
 * The angle of the point (α, σ) of the first quadrant, from 0 to π/2. Four halvings, tan(φ/2) = σ/(√(α² + σ²) + α), and
 * the series of atan, whose terms are then below 10⁻¹⁸; the relative error is below 10⁻¹⁵.
 */
export function angle(noise: number, signal: number): number {
  let [opposite, adjacent] = [noise, signal];
  for (let halving = 0; halving < 4; halving++) {
    const length = Math.sqrt(opposite * opposite + adjacent * adjacent);
    [opposite, adjacent] = [opposite / length, 1 + adjacent / length];
  }
  const tangent = opposite / adjacent;
  const square = tangent * tangent;
  let series = 0;
  for (let odd = 17; odd >= 1; odd -= 2) series = 1 / odd - square * series;
  return 16 * tangent * series;
}
