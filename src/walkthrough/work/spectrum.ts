/** How much of a picture is large shape, and how much is fine detail: its power by spatial frequency. */
import { side } from '../study.ts';

/** The finest detail that is told apart, in waves across the picture: one of it is `side / finest` pixels long. */
export const finest = 14;

/**
 * The power of a square picture of `side` pixels, by frequency: entry k is the sum of |F|² over all waves of which
 * about k fit into the picture, in any direction. Entry 0 is its mean.
 */
export function spectrumOf(picture: ArrayLike<number>): readonly number[] {
  const rows = transformed({ re: Float64Array.from(picture), im: new Float64Array(side * side) }, 1, side);
  const { re, im } = transformed(rows, side, 1);
  const power = Array.from({ length: finest + 1 }, () => 0);
  re.forEach((real, i) => {
    const waves = Math.round(Math.hypot(signed(i % side), signed(Math.floor(i / side))));
    if (waves <= finest) power[waves] = (power[waves] ?? 0) + (real ** 2 + (im[i] ?? 0) ** 2) / side ** 4;
  });
  return power;
}

/** How much power `after` has for each that `before` has, by frequency, from 1 on. */
export function powerLeft(before: ArrayLike<number>, after: ArrayLike<number>): readonly number[] {
  const [whole, left] = [spectrumOf(before), spectrumOf(after)];
  return whole.slice(1).map((power, k) => (left[k + 1] ?? 0) / power);
}

/** Sizes of detail, by how many waves of it fit across the picture: large shapes, strokes, and fine detail. */
export const bands = [
  [1, 3],
  [4, 7],
  [8, finest],
] as const;

/** How much power `after` has for each that `before` has, in each of the bands. */
export function bandsLeft(before: ArrayLike<number>, after: ArrayLike<number>): readonly number[] {
  const [whole, left] = [spectrumOf(before), spectrumOf(after)];
  return bands.map(([least, most]) => {
    const sum = (power: readonly number[]): number =>
      power.slice(least, most + 1).reduce((total, one) => total + one, 0);
    return sum(left) / sum(whole);
  });
}

/** Complex numbers, `side` × `side` of them. */
interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * The discrete Fourier transform of each of `side` lines of numbers.
 * @param apart how far the numbers of a line lie from one another
 * @param lines how far the lines do
 */
function transformed({ re, im }: Complex, apart: number, lines: number): Complex {
  const found: Complex = { re: new Float64Array(side * side), im: new Float64Array(side * side) };
  for (let line = 0; line < side; line++) {
    for (let k = 0; k < side; k++) {
      let real = 0;
      let imaginary = 0;
      for (let i = 0; i < side; i++) {
        const place = line * lines + i * apart;
        const turn = (k * i) % side;
        const a = re[place] ?? 0;
        const b = im[place] ?? 0;
        const cos = cosines[turn] ?? 1;
        const sin = sines[turn] ?? 0;
        real += a * cos + b * sin;
        imaginary += b * cos - a * sin;
      }
      found.re[line * lines + k * apart] = real;
      found.im[line * lines + k * apart] = imaginary;
    }
  }
  return found;
}

const angles = Array.from({ length: side }, (_, i) => (2 * Math.PI * i) / side);
const cosines = Float64Array.from(angles, Math.cos);
const sines = Float64Array.from(angles, Math.sin);

/** The frequency of entry k: from −side/2 up. */
function signed(k: number): number {
  return k < side / 2 ? k : k - side;
}
