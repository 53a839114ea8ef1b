/** How much of a picture is large shape, and how much is fine detail: its power by spatial frequency. */
import { side } from '../study.ts';

/** The finest detail that is told apart, in waves across the picture: one of it is `side / finest` pixels long. */
export const finest = 14;

/**
 * The power of a square picture of `side` pixels, by frequency: entry k is the sum of |F|² over all waves of which
 * about k fit into the picture, in any direction. Entry 0 is its mean.
 */
export function spectrumOf(picture: ArrayLike<number>): readonly number[] {
  const rows = Array.from({ length: side }, (_, y) => transformed((x) => [picture[y * side + x] ?? 0, 0]));
  const power = Array.from({ length: finest + 1 }, () => 0);
  for (let kx = 0; kx < side; kx++) {
    const column = transformed((y) => rows[y]?.[kx] ?? [0, 0]);
    for (const [ky, [re, im]] of column.entries()) {
      const waves = Math.round(Math.hypot(signed(kx), signed(ky)));
      if (waves <= finest) power[waves] = (power[waves] ?? 0) + (re * re + im * im) / side ** 4;
    }
  }
  return power;
}

/** How much power `after` has for each that `before` has, by frequency, from 1 on. */
export function powerLeft(before: ArrayLike<number>, after: ArrayLike<number>): readonly number[] {
  const [whole, left] = [spectrumOf(before), spectrumOf(after)];
  return whole.slice(1).map((power, k) => (left[k + 1] ?? 0) / power);
}

type Complex = readonly [re: number, im: number];

/** The discrete Fourier transform of `side` numbers. */
function transformed(valueAt: (index: number) => Complex): readonly Complex[] {
  const values = Array.from({ length: side }, (_, i) => valueAt(i));
  return Array.from({ length: side }, (_, k) => {
    let [re, im] = [0, 0];
    for (const [i, [a, b]] of values.entries()) {
      const [cos, sin] = turns[(k * i) % side] ?? [1, 0];
      re += a * cos + b * sin;
      im += b * cos - a * sin;
    }
    return [re, im];
  });
}

const turns: readonly Complex[] = Array.from({ length: side }, (_, i) => {
  const angle = (2 * Math.PI * i) / side;
  return [Math.cos(angle), Math.sin(angle)];
});

/** The frequency of entry k: from −side/2 up. */
function signed(k: number): number {
  return k < side / 2 ? k : k - side;
}
