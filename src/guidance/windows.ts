/** Windows on a picture: where they lie, what they show, and the picture that is put together of them. */
import { at } from '../tensor/at.ts';
import { cast } from '../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';

/** A part of a picture, in pixels. */
export interface Window {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * `steps` × `steps` windows, evenly from border to border, row by row.
 * @param picture its height and width
 * @param size height and width of a window, not larger than the picture
 * @param steps at least 2
 */
export function windowsOf(
  picture: readonly [number, number],
  size: readonly [number, number],
  steps: number,
): readonly Window[] {
  const places = (whole: number, part: number): readonly number[] =>
    Array.from({ length: steps }, (_, i) => Math.floor((i * (whole - part)) / (steps - 1)));
  const [height, width] = size;
  return places(picture[0], height).flatMap((top) =>
    places(picture[1], width).map((left) => ({ top, left, height, width })),
  );
}

/** What a window shows of a picture: [B,C,H,W] → [B,C,h,w]. */
export function cut(x: Tensor, window: Window): Tensor {
  const [batch, channels] = x.shape as [number, number, number, number];
  const shape = [batch, channels, window.height, window.width];
  const data = allocate(x.dtype, sizeOf(shape));
  eachRow(x.shape, window, (from, to) => data.set(x.data.subarray(from, from + window.width), to));
  return tensor(x.dtype, shape, data);
}

/**
 * The mean of what the windows show, in double precision, rounded once.
 * @param like a picture of the shape and dtype of the result, [B,C,H,W]
 * @param parts what each window shows, [B,C,h,w]
 * @returns the mean, 0 where no window is; and by how many windows each pixel is seen, [H·W]
 */
export function meanOfWindows(
  like: Tensor,
  windows: readonly Window[],
  parts: readonly Tensor[],
): { readonly mean: Tensor; readonly seen: Float64Array } {
  const [, , height, width] = like.shape as [number, number, number, number];
  const sums = new Float64Array(like.data.length);
  const seen = new Float64Array(height * width);
  windows.forEach((window, i) => {
    const { data } = at(parts, i);
    eachRow(like.shape, window, (from, to) => {
      for (let x = 0; x < window.width; x++) sums[from + x] = at(sums, from + x) + at(data, to + x);
    });
    eachRow([1, 1, height, width], window, (from) => {
      for (let x = 0; x < window.width; x++) seen[from + x] = at(seen, from + x) + 1;
    });
  });
  const mean = sums.map((sum, i) => sum / Math.max(1, at(seen, i % seen.length)));
  return { mean: cast(tensor('f64', like.shape, mean), like.dtype), seen };
}

/** Calls `visit` for each row of a window: where it begins in the whole picture's data, and where in the window's. */
function eachRow(
  shape: readonly number[],
  { top, left, height, width }: Window,
  visit: (from: number, to: number) => void,
): void {
  const [batch, channels, rows, columns] = shape as [number, number, number, number];
  for (let picture = 0; picture < batch * channels; picture++) {
    for (let y = 0; y < height; y++) {
      visit((picture * rows + top + y) * columns + left, (picture * height + y) * width);
    }
  }
}
