/** Engines that forbid things: they are given what they allow, and it is said once. */
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fastestBackend, simdBackend, simdRefusal, simdSupported } from '../../../src/kernels/simd/index.ts';
import type { Backend } from '../../../src/kernels/kernels.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { bundled, printedWithPermission } from '../../permission.ts';
import { even, noise } from './support.ts';

const said: string[] = [];
const onFallback = (reason: string): number => said.push(reason);
afterEach(() => {
  said.length = 0;
  vi.unstubAllGlobals();
});

/** WebAssembly with something else in it. */
const withParts = (parts: object): void => {
  vi.stubGlobal('WebAssembly', { ...wasm, ...parts });
};
const wasm = Object.fromEntries(
  Object.getOwnPropertyNames(WebAssembly).map((name) => [name, WebAssembly[name as keyof typeof WebAssembly]]),
);

describe('the fastest backend', () => {
  it('is that of SIMD where nothing is forbidden, and says nothing', () => {
    const backend = fastestBackend({ onFallback });
    expect([backend.name, said, simdRefusal()]).toEqual(['simd', [], undefined]);
    backend.dispose();
  });

  it.each<[string, () => void, RegExp]>([
    ['WebAssembly', () => vi.stubGlobal('WebAssembly', undefined), /^this engine has no WebAssembly: /],
    ['SIMD', () => withParts({ validate: () => false }), /^this engine has no WebAssembly SIMD: /],
    [
      'leave to compile',
      () =>
        withParts({
          Module: class {
            constructor() {
              throw new WebAssembly.CompileError('WebAssembly.Module(): Refused by Content Security Policy');
            }
          },
        }),
      /^this engine does not compile WebAssembly at run time \(.*Refused.*'wasm-unsafe-eval': /,
    ],
    [
      'memory',
      () =>
        withParts({
          Memory: class {
            constructor() {
              throw new RangeError('could not allocate memory');
            }
          },
        }),
      /^the engine gives the simd backend no memory \(could not allocate memory\)/,
    ],
  ])('is that of plain loops without %s, and says so once', (what, forbid, reason) => {
    forbid();
    expect(fastestBackend({ onFallback }).name).toBe('reference');
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(reason);
    expect(simdSupported()).toBe(what === 'memory');
    expect(() => simdBackend()).toThrow(InputError);
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    fastestBackend();
    expect(warned).toHaveBeenCalledExactlyOnceWith(said[0]);
    warned.mockRestore();
  });

  it('adds up in the order that is asked for, whoever computes', () => {
    const [x, weight] = [noise([1, 16, 16, 16], 1), noise([16, 16, 3, 3], 2)];
    const bits = (backend: Backend) => {
      const { y } = backend.run((k, { x }) => ({ y: k.conv2d(x, weight, undefined, 1, even) }), { x });
      backend.dispose();
      return y;
    };
    const [direct, fast] = (['direct', 'fast'] as const).map((order) => bits(fastestBackend({ order })));
    expect(fast).not.toEqual(direct);
    vi.stubGlobal('WebAssembly', undefined);
    expect(bits(fastestBackend({ order: 'fast', onFallback }))).toEqual(fast);
    expect(bits(fastestBackend({ order: 'direct', onFallback }))).toEqual(direct);
    expect(bits(fastestBackend({ onFallback }))).toEqual(direct);
  });

  it('refuses what it does not know', () => {
    expect(() => fastestBackend({ thread: 2 } as object)).toThrow('thread');
    expect(() => fastestBackend({ onFallback: 1 as never })).toThrow('onFallback');
  });
});

describe('Node that may start no threads', () => {
  const program = bundled(
    `import { simdBackend, tensor } from './index.ts';
    const backend = simdBackend({ threads: 4 });
    const x = tensor('f32', [64, 64], Float32Array.from({ length: 4096 }, (_, i) => i));
    const { y } = backend.run((k, { x }) => ({ y: k.multiply(x, x) }), { x });
    console.log(backend.name, y.data[4095]);`,
    fileURLToPath(new URL('../../../src', import.meta.url)),
    'neutral',
  );

  it('computes on one', () => {
    expect(printedWithPermission(program)).toBe('simd 16769025\n');
  });
});
