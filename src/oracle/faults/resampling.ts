/** Mistakes in doubling the picture, and in the kernel of a single convolution. */
import type { Kernels } from '../../kernels/kernels.ts';
import { evenPadding } from '../../nn/layers.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { permuted } from '../align.ts';
import { filled, inKernels, inWeights, type Fault } from './fault.ts';

/** Every doubling does something else: out[y, x] from the picture, [height, width]. */
function inDoubling(
  name: string,
  says: string,
  pixel: (at: (row: number, column: number) => number, y: number, x: number, height: number, width: number) => number,
): Fault {
  return inKernels(name, says, (k) => ({
    upsampleNearest2x: (x) => doubled(k, x, pixel),
    upsampleConv2d: (x, weight, bias) => k.conv2d(doubled(k, x, pixel), weight, bias, 1, evenPadding(1)),
  }));
}

function doubled(k: Kernels, x: Tensor, pixel: Parameters<typeof inDoubling>[2]): Tensor {
  const [, , height, width] = x.shape;
  return filled(k.upsampleNearest2x(x), (at) => {
    const [column, row] = [at % (2 * width), Math.floor(at / (2 * width)) % (2 * height)];
    const plane = Math.floor(at / (4 * width * height)) * width * height;
    return pixel((h, w) => x.data[plane + h * width + w], row, column, height, width);
  });
}

/** A kernel whose height and width are swapped in some convolutions only. */
function transposedIn(name: string, where: string, weights: RegExp): Fault {
  return inWeights(name, `swap height and width of the kernel of ${where}`, (key, weight) =>
    weights.test(key) && weight.shape.length === 4 && weight.shape[2] === weight.shape[3]
      ? permuted(weight, [0, 1, 3, 2])
      : weight,
  );
}

/** Mistakes in resampling and in single kernels. */
export const resamplingFaults: readonly Fault[] = [
  inDoubling('upsample-tiled', 'put the picture beside itself, where each pixel becomes four', (at, y, x, h, w) =>
    at(y % h, x % w),
  ),
  inDoubling('upsample-zeros', 'put zeros between the pixels, where each becomes four', (at, y, x) =>
    y % 2 === 0 && x % 2 === 0 ? at(y / 2, x / 2) : 0,
  ),
  inDoubling(
    'upsample-shifted',
    'double the picture half a pixel off: odd rows and columns are those of the next',
    (at, y, x, h, w) => at(Math.min(h - 1, Math.ceil(y / 2)), Math.min(w - 1, Math.ceil(x / 2))),
  ),
  transposedIn('conv-in-transposed', 'conv_in alone', /^conv_in\.weight$/),
  transposedIn('conv-out-transposed', 'conv_out alone', /^conv_out\.weight$/),
  transposedIn('conv1-transposed', 'conv1 of the residual blocks alone', /\.conv1\.weight$/),
  transposedIn('conv2-transposed', 'conv2 of the residual blocks alone', /\.conv2\.weight$/),
  transposedIn('downsampler-transposed', 'the downsamplers alone', /downsamplers\.\d+\.conv\.weight$/),
  transposedIn('upsampler-transposed', 'the upsamplers alone', /upsamplers\.\d+\.conv\.weight$/),
];
