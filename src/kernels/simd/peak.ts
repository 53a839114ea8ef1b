/**
 * How many multiplications and additions a second one thread can do at all: a loop that touches registers only. What a
 * kernel reaches is told as a share of that.
 */
import { block, breakIf, doWhile, f32x4, i32, moduleBuilder, set, tee, v128 } from './assembler/index.ts';

/**
 * Chains side by side, of a multiplication and an addition in turns: enough to hide the latency of both, and as many as
 * there are registers for, or joined ones. (Chains of multiplications alone, each beside one of additions, reach 0.8 of
 * that on Zen 5, less than a convolution does: its schedulers fill with what waits.)
 */
const CHAINS = { narrow: 13, wide: 26 };
/** Steps of each chain in one turn of the loop. */
const UNROLLED = 8;

/**
 * Returns a function that does `turns` turns and tells how many floating-point operations that were. `wide`: for
 * engines that join vectors.
 */
export function peakLoop(wide = false): (turns: number) => number {
  const chains = wide ? CHAINS.wide : CHAINS.narrow;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const module = moduleBuilder({ shared: false, minimum: 1, maximum: 1 });
  module.func(
    { params: ['i32'], results: [] },
    (body) => {
      const [turns] = body.params;
      const factor = body.local('v128');
      const sums = Array.from({ length: chains }, () => body.local('v128'));
      return [
        set(factor, v128.load(i32.const(0))),
        sums.map((sum) => set(sum, f32x4.const(1))),
        block(
          doWhile(
            Array.from({ length: UNROLLED }, (_, step) => [
              sums.map((sum) => set(sum, f32x4.add(sum, f32x4.mul(sum, factor)))),
              // Never taken: without it, V8 11 (in Node 20) puts each chain's steps close to one another, where they
              // wait.
              breakIf(i32.eq(turns, i32.const(-1 - step)), 1),
            ]),
            tee(turns, i32.sub(turns, i32.const(1))),
          ),
        ),
        sums.map((sum, i) => v128.store(i32.const(0), sum, 64 + 16 * i)),
      ];
    },
    'run',
  );
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } }).exports as {
    run: (turns: number) => void;
  };
  return (turns) => {
    run(turns);
    return turns * UNROLLED * chains * 4 * 2;
  };
}

/**
 * The same as a meter: each call tells the speed, in GFLOP/s, of the best of five short loops, for nothing makes a loop
 * faster than it can be.
 */
export function peakMeter(wide = false): () => number {
  const loop = peakLoop(wide);
  // Compiled late, like the kernels.
  for (let i = 0; i < 50; i++) loop(20_000);
  const rate = (): number => {
    const start = performance.now();
    const operations = loop(6_000);
    return operations / (performance.now() - start) / 1e6;
  };
  return () => Math.max(...Array.from({ length: 5 }, rate));
}
