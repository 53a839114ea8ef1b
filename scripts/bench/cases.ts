/** What is compared: single operations as UNets have them, and a whole UNet. */

/** An operation of a given size, or the UNet. Pictures are square. */
export type Case =
  | {
      readonly kind: 'conv';
      readonly name: string;
      readonly channels: number;
      readonly outChannels: number;
      readonly size: number;
    }
  | { readonly kind: 'matmul'; readonly name: string; readonly size: number }
  | { readonly kind: 'unet'; readonly name: string };

const conv = (channels: number, outChannels: number, size: number): Case => ({
  kind: 'conv',
  name: `conv 3×3 ${channels}→${outChannels} @${size}²`,
  channels,
  outChannels,
  size,
});

/** In the order in which they are run. */
export const cases: readonly Case[] = [
  conv(64, 64, 32),
  conv(128, 128, 16),
  conv(320, 320, 64),
  { kind: 'matmul', name: 'matmul 512³', size: 512 },
  { kind: 'unet', name: 'letters UNet' },
];

/** Multiplications and additions of the letters UNet at 32 × 32, in products only, as `pag bench` counts them. */
const UNET_OPERATIONS = 0.686e9;

/** Floating-point operations of a case. */
export function operations(one: Case): number {
  if (one.kind === 'conv') return 2 * 9 * one.channels * one.outChannels * one.size ** 2;
  return one.kind === 'matmul' ? 2 * one.size ** 3 : UNET_OPERATIONS;
}

/** Numbers in [−1, 1), the same for everybody. */
export function numbers(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = (): number => {
    state = (state ^ (state << 13)) >>> 0;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state;
  };
  return Float32Array.from({ length: count }, () => next() / 2 ** 31 - 1);
}

/** The data of a single operation: what goes in, and the weight [O,C,3,3] or [O,C]. */
export function operands(one: Exclude<Case, { kind: 'unet' }>): { x: Float32Array; weight: Float32Array } {
  return one.kind === 'conv'
    ? { x: numbers(one.channels * one.size ** 2, 1), weight: numbers(one.channels * one.outChannels * 9, 2) }
    : { x: numbers(one.size ** 2, 1), weight: numbers(one.size ** 2, 2) };
}
