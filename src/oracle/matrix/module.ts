/**
 * Products of matrices as WebAssembly, with every rounding in a known place. Sixteen columns grow side by side, and two
 * rows of them: vectors run across sums, never along one, so each sum has the order and the roundings of a plain loop.
 */
import {
  f32x4,
  f64x2,
  forRange,
  i32,
  increase,
  moduleBuilder,
  set,
  v128,
  when,
  whileLoop,
  type Body,
  type I32,
  type Local,
  type V128,
} from '../../kernels/simd/assembler/index.ts';

/** What the module computes, at addresses in bytes of its memory. */
export interface MatrixFunctions {
  /**
   * out [rows, columns] = a [rows, inner] · b [inner, columns], in single precision: each product rounded, each sum
   * too, in runs of `run` terms from 0 on, which are added up one after the other.
   * @param aStride bytes from one row of a to the next
   * @param bStride bytes of a row of b and of out: a multiple of 64
   * @param rows an even number
   */
  single(
    a: number,
    aStride: number,
    b: number,
    bStride: number,
    out: number,
    rows: number,
    inner: number,
    run: number,
  ): void;
  /** The same in double precision. */
  double: MatrixFunctions['single'];
  /** The same of numbers that are single, held as double: product and sum are rounded to single once, together. */
  fused: MatrixFunctions['single'];
  /** to += from, in single precision. `bytes` is a multiple of 16. */
  add(to: number, from: number, bytes: number): void;
}

/** How numbers of a kind are held, and how a term comes to a sum. */
interface Lanes {
  readonly bytes: 4 | 8;
  splat(address: I32, offset?: number): V128;
  sum(a: V128, b: V128): V128;
  plusProduct(sum: V128, a: V128, b: V128): V128;
}

const single: Lanes = {
  bytes: 4,
  splat: (address) => v128.load32Splat(address),
  sum: f32x4.add,
  plusProduct: (sum, a, b) => f32x4.add(sum, f32x4.mul(a, b)),
};
const double: Lanes = {
  bytes: 8,
  splat: (address) => v128.load64Splat(address),
  sum: f64x2.add,
  plusProduct: (sum, a, b) => f64x2.add(sum, f64x2.mul(a, b)),
};
const fused: Lanes = {
  ...double,
  plusProduct: (sum, a, b) => f64x2.promoteLow(f32x4.demoteZero(double.plusProduct(sum, a, b))),
};

/** Bytes of a block of columns, and the vectors in it. */
const block = 64;
const vectors = [0, 16, 32, 48];

type Params = Body<readonly ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32']>;

function product(lanes: Lanes): (body: Params) => ReturnType<typeof set> {
  return (body) => {
    const [a, aStride, b, bStride, out, rows, inner, run] = body.params;
    const [row, column, k, end, left, right, to] = body.locals('i32');
    const [upper, lower] = body.locals('v128');
    const sums = [0, 1].map(() => vectors.map(() => body.local('v128')));
    const address = (start: Local<'i32'>, index: I32, stride: I32): I32 => i32.add(start, i32.mul(index, stride));
    /** Each vector of both rows with its place from `to` on. */
    const each = (write: (sum: Local<'v128'>, at: I32, offset: number) => ReturnType<typeof set>) =>
      sums.map((those, i) => those.map((sum, j) => write(sum, i === 0 ? to : i32.add(to, bStride), vectors[j])));
    const term = [
      set(upper, lanes.splat(left)),
      set(lower, lanes.splat(i32.add(left, aStride))),
      vectors.map((offset, j) => {
        const values = v128.load(right, offset);
        return [
          set(sums[0][j], lanes.plusProduct(sums[0][j], upper, values)),
          set(sums[1][j], lanes.plusProduct(sums[1][j], lower, values)),
        ];
      }),
      increase(left, lanes.bytes),
      increase(right, bStride),
    ];
    const oneRun = [
      set(end, i32.add(k, run)),
      when(i32.gtS(end, inner), set(end, inner)),
      sums.map((those) => those.map((sum) => set(sum, f32x4.const(0)))),
      whileLoop(i32.ltS(k, end), [term, increase(k, 1)]),
      each((sum, at, offset) => v128.store(at, lanes.sum(v128.load(at, offset), sum), offset)),
    ];
    return forRange(row, i32.const(0), rows, 2, [
      forRange(column, i32.const(0), bStride, block, [
        set(to, i32.add(address(out, row, bStride), column)),
        each((_, at, offset) => v128.store(at, f32x4.const(0), offset)),
        set(left, address(a, row, aStride)),
        set(right, i32.add(b, column)),
        set(k, i32.const(0)),
        whileLoop(i32.ltS(k, inner), oneRun),
      ]),
    ]);
  };
}

const ints = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;

/** The module's functions on a memory of at most `maximum` pages. */
export function matrixFunctions(memory: WebAssembly.Memory, maximum: number): MatrixFunctions {
  const module = moduleBuilder({ shared: false, minimum: 1, maximum });
  for (const [name, lanes] of Object.entries({ single, double, fused }))
    module.func({ params: ints, results: [] }, product(lanes), name);
  module.func(
    { params: ['i32', 'i32', 'i32'], results: [] },
    (body) => {
      const [to, from, bytes] = body.params;
      const at = body.local('i32');
      const place = (start: I32): I32 => i32.add(start, at);
      return forRange(
        at,
        i32.const(0),
        bytes,
        16,
        v128.store(place(to), f32x4.add(v128.load(place(to)), v128.load(place(from)))),
      );
    },
    'add',
  );
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  return exports as unknown as MatrixFunctions;
}
