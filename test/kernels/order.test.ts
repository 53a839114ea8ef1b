/** The two orders of convolutions: who takes which, and that each has the same bits on every backend. */
import { afterAll, describe, expect, it } from 'vitest';
import { definitionBackend, definitionKernels } from '../../src/kernels/definition/index.ts';
import type { Backend, Kernels, Program } from '../../src/kernels/kernels.ts';
import { kernelsInOrder, type Order } from '../../src/kernels/order.ts';
import { referenceBackend, referenceKernels } from '../../src/kernels/plain/index.ts';
import { fastestBackend, simdBackend } from '../../src/kernels/simd/index.ts';
import { traceProgram } from '../../src/kernels/trace.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { expectSameBits } from './bits.ts';

const around = { top: 1, bottom: 1, left: 1, right: 1 };
const { randn } = manualSeed(7);

/** What a convolution becomes in the fast order: the width of its tiles, or that it stays direct. */
function taken(size: readonly [number, number], channels = 16, outChannels = 16, dtype: DType = 'f32', stride = 1) {
  const weight = zeros(dtype, [outChannels, channels, 3, 3]);
  const program: Program = (k, { x }) => ({ y: k.conv2d(x, weight, undefined, stride, around) });
  const { nodes } = traceProgram(program, { x: zeros(dtype, [2, channels, ...size]) }, referenceKernels, 'fast');
  const [{ operation }] = nodes;
  return operation.kind === 'winogradConv2d' ? operation.width : operation.kind;
}

describe('the fast order', () => {
  it('takes the tiles that leave a picture the fewest products', () => {
    expect(taken([32, 32])).toBe(4);
    expect(taken([16, 16])).toBe(4);
    expect(taken([28, 28])).toBe(4);
    expect(taken([16, 12])).toBe(4);
    expect(taken([8, 8])).toBe(2);
    expect(taken([8, 24])).toBe(2);
    expect(taken([8, 7])).toBe(2);
    expect(taken([16, 16], 16, 16, 'f64')).toBe(4);
  });

  it('leaves direct what would gain little, or nothing', () => {
    expect(taken([4, 4])).toBe('conv2d');
    expect(taken([1, 16])).toBe('conv2d');
    expect(taken([16, 16], 15)).toBe('conv2d');
    expect(taken([16, 16], 16, 15)).toBe('conv2d');
    expect(taken([16, 16], 16, 16, 'f32', 2)).toBe('conv2d');
    expect(taken([16, 16], 16, 16, 'f16')).toBe('conv2d');
    expect(taken([16, 16], 16, 16, 'bf16')).toBe('conv2d');
    const pointwise: Program = (k, { x }) => ({ y: k.conv2d(x, zeros('f32', [16, 16, 1, 1]), undefined, 1, around) });
    const { nodes } = traceProgram(pointwise, { x: zeros('f32', [1, 16, 16, 16]) }, referenceKernels, 'fast');
    expect(nodes[0].operation.kind).toBe('conv2d');
  });

  it('leaves direct the smallest pictures of large models, whose weights no cache holds', () => {
    expect(taken([8, 8], 512, 1024)).toBe(2);
    expect(taken([8, 8], 512, 1025)).toBe('conv2d');
    expect(taken([16, 12], 1024, 1024)).toBe('conv2d');
    expect(taken([16, 16], 1024, 1024)).toBe(4);
  });

  it('is asked for, or there is none of it', () => {
    const program: Program = (k, { x }) => ({ y: k.conv2d(x, zeros('f32', [16, 16, 3, 3]), undefined, 1, around) });
    const { nodes } = traceProgram(program, { x: zeros('f32', [1, 16, 16, 16]) }, referenceKernels);
    expect(nodes[0].operation.kind).toBe('conv2d');
    expect(kernelsInOrder(referenceKernels, 'direct')).toBe(referenceKernels);
  });
});

describe('a program in the fast order', () => {
  const backends = [
    referenceBackend({ order: 'fast' }),
    simdBackend({ order: 'fast' }),
    simdBackend({ order: 'fast', threads: 2 }),
    simdBackend({ order: 'fast', wide: true }),
    fastestBackend({ order: 'fast' }),
  ];
  afterAll(() => backends.forEach((backend) => backend.dispose()));
  const weight = randn([17, 40, 3, 3]);
  const next = randn([20, 17, 3, 3]);
  const [bias, scale] = [randn([17]), randn([40])];
  /** Two pictures, joined and normed, as a UNet's way up has them; then 8 × 8 pixels and a stride. */
  const body = (k: Kernels, x: Tensor, skip: Tensor, back: Tensor): Tensor => {
    const normed = k.activation(k.groupNorm(k.concatChannels(x, skip), 5, scale, scale, 1e-5), 'silu');
    const up = k.joinedConv2d(normed, weight, bias, 1, around, 16);
    const small = k.conv2d(k.averagePool2x(up), back, undefined, 1, around);
    return k.conv2d(small, k.sliceChannels(weight, 0, 20), bias, 2, around);
  };
  const program: Program = (k, { x, skip }) => ({ y: body(k, x, skip, next) });
  const inputs = { x: randn([2, 16, 16, 16]), skip: randn([2, 24, 16, 16]) };
  const expected = definitionBackend({ order: 'fast' }).run(program, inputs)['y'];

  it.each(backends.map((backend, i) => [`${backend.name}, ${i}`, backend] as const))(
    'has its bits: %s',
    (_, backend) => {
      expectSameBits(backend.run(program, inputs)['y'], expected);
    },
  );

  it('has the same bits if its weights are inputs, or its samples come one by one', () => {
    for (const backend of backends) {
      const learned: Program = (k, { x, skip, next: given }) => ({ y: body(k, x, skip, given) });
      expectSameBits(backend.run(learned, { ...inputs, next })['y'], expected);
      const samples = [0, 1].map((i) => {
        const one = (x: Tensor): Tensor => referenceKernels.sliceBatch(x, i, i + 1);
        return backend.run(program, { x: one(inputs.x), skip: one(inputs.skip) })['y'];
      });
      expectSameBits(referenceKernels.concatBatch(samples), expected);
    }
  });

  it('has other bits than the direct order, and the same numbers', () => {
    const direct = definitionBackend().run(program, inputs)['y'];
    expect([...direct.data]).not.toEqual([...expected.data]);
    const size = Math.hypot(...direct.data);
    expect(Math.hypot(...direct.data.map((value, i) => value - expected.data[i])) / size).toBeLessThan(2e-6);
  });

  it('in 16 bits is the direct order', () => {
    const narrow: Program = (k, { x, w }) => ({
      y: k.conv2d(x, w, undefined, 1, around),
      joined: k.joinedConv2d(x, w, undefined, 1, around, 16),
    });
    const given = { x: cast(inputs.skip, 'f16'), w: cast(randn([16, 24, 3, 3]), 'f16') };
    const direct = definitionBackend().run(narrow, given);
    for (const backend of [...backends, definitionBackend({ order: 'fast' })]) {
      const fast = backend.run(narrow, given);
      for (const name of ['y', 'joined']) expectSameBits(fast[name], direct[name]);
    }
  });

  it('in f64 meets the direct order', () => {
    const wide: Program = (k, { x, w }) => ({ y: k.joinedConv2d(x, w, undefined, 1, around, 16) });
    const given = { x: cast(randn([1, 40, 8, 16]), 'f64'), w: cast(weight, 'f64') };
    const [fast, direct] = (['fast', 'direct'] as const).map(
      (order) => referenceBackend({ order }).run(wide, given)['y'],
    );
    expect(Math.max(...fast.data.map((value, i) => Math.abs(value - direct.data[i])))).toBeLessThan(1e-12);
  });
});

it.each<[string, (order: Order) => Backend]>([
  ['definitionBackend', (order) => definitionBackend({ order })],
  ['referenceBackend', (order) => referenceBackend({ order })],
  ['simdBackend', (order) => simdBackend({ order })],
])('%s refuses an order that is none', (_, make) => {
  expect(() => make('quick' as Order)).toThrow(/order is "quick"; it must be "direct" or "fast"/);
});

it('kernels refuse what is no seam and what does not fit, in either order', () => {
  const ordered = kernelsInOrder(definitionKernels, 'fast');
  const [x, w] = [zeros('f32', [1, 16, 8, 8]), zeros('f32', [16, 16, 3, 3])];
  expect(() => ordered.joinedConv2d(x, w, undefined, 1, around, 16)).toThrow(/a seam at 16/);
  expect(() => ordered.conv2d(x, zeros('f32', [16, 15, 3, 3]), undefined, 1, around)).toThrow(/the weight is for 15/);
});
