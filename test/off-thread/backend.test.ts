/** What computes off the thread: of little code, and yet of the same bits, whatever a run asks for. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { backendFor } from '../../src/off-thread/backend.ts';
import { drawRequest } from '../../src/off-thread/draw.ts';
import type { SampleRequest } from '../../src/off-thread/request.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectSameBits } from '../kernels/bits.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const said: string[] = [];
const onFallback = (reason: string): number => said.push(reason);

async function drawn(unet: ReturnType<typeof randomUNet>, backend: Backend, request: SampleRequest): Promise<Tensor> {
  const steps = await drawRequest(unet, undefined, backend, { labels: [1], steps: 2, ...request });
  for (let last = steps.next(); ; last = steps.next()) {
    if (!last.done) continue;
    backend.dispose();
    return last.value;
  }
}

describe('the backend off the thread', () => {
  const unet = randomUNet();
  it.each<[string, SampleRequest, object?]>([
    ['a guidance that looks at a map', { guidance: { name: 'sag', sagScale: 1 } }],
    ['a map that is masked', { guidance: { name: 'pag', perturbation: 'random-mask' } }],
    ['GELU', {}, { act_fn: 'gelu' }],
  ])('draws the bits of the whole one with %s', async (_what, request, config = {}) => {
    const model = Object.keys(config).length > 0 ? randomUNet({ ...smallConfig, ...config }) : unet;
    const backend = await backendFor(model, { onFallback });
    expect(backend.name).toBe('simd');
    expectSameBits(await drawn(model, backend, request), await drawn(model, simdBackend(), request));
    expect(said).toEqual([]);
  });

  it('is that of all kernels in the fast order and in other precisions', async () => {
    const wide = randomUNet({ ...smallConfig, block_out_channels: [32, 32], sample_size: 16 });
    const fast = await drawn(wide, await backendFor(wide, { order: 'fast' }), {});
    expectSameBits(fast, await drawn(wide, referenceBackend({ order: 'fast' }), {}));
    expect(fast).not.toEqual(await drawn(wide, await backendFor(wide, {}), {}));
    const double = createUNet(
      unet.config,
      new Map([...unet.weights].map(([name, weight]) => [name, cast(weight, 'f64')])),
    );
    expectSameBits(await drawn(double, await backendFor(double, {}), {}), await drawn(double, referenceBackend(), {}));
  });

  it('is that of plain loops without WebAssembly, and without memory, and says so once', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    expect((await backendFor(unet, { onFallback })).name).toBe('reference');
    vi.unstubAllGlobals();
    const { validate, Module } = WebAssembly;
    const Memory = class {
      constructor() {
        throw new RangeError('could not allocate memory');
      }
    };
    vi.stubGlobal('WebAssembly', { validate, Module, Memory });
    expect((await backendFor(unet, { onFallback })).name).toBe('reference');
    expect(said.map((reason) => reason.slice(0, 29))).toEqual([
      'this engine has no WebAssembl',
      'the engine gives the simd bac',
    ]);
  });
});
