/** The speed of single operations, as UNets have them. */
import type { Kernels, Program } from '../../kernels/kernels.ts';
import { simdBackend, type SimdOptions } from '../../kernels/simd/index.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { median, medianTimes } from './times.ts';

/** Which of the fast kernels are measured. */
export type FastKernels = Pick<SimdOptions, 'fma' | 'wide' | 'order'>;

/** How fast an operation is, or all steps of a model that are alike. */
export interface OperationTime {
  readonly name: string;
  readonly milliseconds: number;
  /** 10⁹ multiplications and additions a second in its products; 0 for operations without. */
  readonly gigaflops: number;
  /** Of what the loop of registers reached at the same moments. */
  readonly shareOfPeak: number;
}

/** 10⁹ multiplications and additions a second. */
export function gigaflopsOf(products: number, milliseconds: number): number {
  return (2 * products) / milliseconds / 1e6;
}

interface Measured {
  readonly name: string;
  /** Multiplications in its sums of products; 0 for operations without. */
  readonly products: number;
  /** Of the input. */
  readonly shape: readonly number[];
  apply(kernels: Kernels, x: Tensor): Tensor;
}

function operationList(): readonly Measured[] {
  const square = weights(512, 512);
  const [scale, shift] = [weights(64), weights(64)];
  return [
    convolution(64, 64, 32, 3),
    convolution(128, 128, 16, 3),
    convolution(320, 320, 64, 3),
    convolution(64, 64, 32, 1),
    convolution(320, 320, 64, 1),
    upsampling(64, 16),
    upsampling(320, 32),
    {
      name: 'matmul 512³',
      products: 512 ** 3,
      shape: [512, 512],
      apply: (kernels, x) => kernels.linear(x, square, undefined),
    },
    attention(4, 256, 16),
    attention(1, 1024, 64),
    attention(1, 4096, 64),
    attention(1, 16384, 64),
    {
      name: 'group norm 64 @32×32',
      products: 0,
      shape: [1, 64, 32, 32],
      apply: (kernels, x) => kernels.groupNorm(x, 8, scale, shift, 1e-5),
    },
    ...(['silu', 'gelu', 'mish'] as const).map(
      (kind): Measured => ({
        name: `${kind} 64 @32×32`,
        products: 0,
        shape: [1, 64, 32, 32],
        apply: (kernels, x) => kernels.activation(x, kind),
      }),
    ),
  ];
}

function convolution(channels: number, outChannels: number, size: number, kernel: 1 | 3): Measured {
  const weight = weights(outChannels, channels, kernel, kernel);
  const border = (kernel - 1) / 2;
  const padding = { top: border, bottom: border, left: border, right: border };
  return {
    name: `conv ${kernel}×${kernel} ${channels}→${outChannels} @${size}×${size}`,
    products: kernel ** 2 * channels * outChannels * size ** 2,
    shape: [1, channels, size, size],
    apply: (kernels, x) => kernels.conv2d(x, weight, undefined, 1, padding),
  };
}

/** A convolution of a doubled picture: four of 2 × 2 pixels. */
function upsampling(channels: number, size: number): Measured {
  const weight = weights(channels, channels, 3, 3);
  return {
    name: `conv 2×2 ${channels}→${channels} @${2 * size}×${2 * size}`,
    products: 16 * channels ** 2 * size ** 2,
    shape: [1, channels, size, size],
    apply: (kernels, x) => kernels.upsampleConv2d(x, weight, undefined),
  };
}

function attention(heads: number, tokens: number, size: number): Measured {
  return {
    name: `attention ${heads}×${tokens}×${size}`,
    products: 2 * heads * tokens ** 2 * size,
    shape: [1, tokens, heads * size],
    apply: (kernels, x) => kernels.attention(x, x, x, heads, 1 / Math.sqrt(size)),
  };
}

function weights(...shape: number[]): Tensor {
  return manualSeed(1).randn(shape);
}

/**
 * Each operation as a call of its own, and within it the steps with products, beside the peak.
 * @param peak what the loop of registers reaches at this moment, in 10⁹ operations a second
 */
export function measureOperations(kernels: FastKernels, peak: () => number): readonly OperationTime[] {
  let inProducts = 0;
  const backend = simdBackend({
    ...kernels,
    watch: ({ products, milliseconds }) => {
      inProducts += products > 0 ? milliseconds : 0;
    },
  });
  const measured = operationList().map(({ name, products, shape, apply }) => {
    const x = manualSeed(0).randn(shape);
    const program: Program = (given, { x: input = x }) => ({ y: apply(given, input) });
    const run = (): void => {
      inProducts = 0;
      backend.run(program, { x });
    };
    const { milliseconds } = medianTimes({ milliseconds: run }, 400);
    if (products === 0) return { name, milliseconds, gigaflops: 0, shareOfPeak: 0 };
    const rates: number[] = [];
    const shares: number[] = [];
    for (let i = 0; i < 5 || i < Math.min(200, 600 / milliseconds); i++) {
      run();
      const rate = gigaflopsOf(products, inProducts);
      rates.push(rate);
      shares.push(rate / peak());
    }
    return { name, milliseconds, gigaflops: median(rates), shareOfPeak: median(shares) };
  });
  backend.dispose();
  return measured;
}
