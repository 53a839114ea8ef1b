/** Laws of the UNet as a fold over stages, and of the identity as an attention map: bit for bit, for random weights. */
import type { ModelInput } from '../../../src/models/model.ts';
import { runModel } from '../../../src/models/passes.ts';
import { type Perturbation, type Stage, unperturbed } from '../../../src/models/stage.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../../src/kernels/plain/index.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import type { AttentionMixer } from '../../../src/nn/attention.ts';
import type { Context } from '../../../src/nn/context.ts';
import { zeros, type Tensor } from '../../../src/tensor/tensor.ts';
import type { UNetState } from '../../../src/models/unet2d/state.ts';
import type { UNet } from '../../../src/models/unet2d/unet.ts';
import { backend, noise, randomUNet, skipConfig, smallConfig } from './models.ts';

const configs = [
  smallConfig,
  { ...smallConfig, resnet_time_scale_shift: 'scale_shift', mid_block_scale_factor: 2, attention_head_dim: null },
  {
    ...smallConfig,
    down_block_types: ['AttnDownBlock2D', 'ResnetDownsampleBlock2D'],
    up_block_types: ['ResnetUpsampleBlock2D', 'AttnUpBlock2D'],
  },
  skipConfig,
];

const anyUNet = fc.tuple(fc.constantFrom(...configs), fc.nat(10_000)).map(([config, seed]) => randomUNet(config, seed));
const anyInput = fc.tuple(fc.nat(10_000), fc.nat(999), fc.nat(3)).map(
  ([seed, timestep, label]) =>
    ({ config }: UNet): ModelInput => ({
      sample: noise([1, config.inChannels, 4, 4], seed),
      timesteps: [timestep],
      classLabels: [label],
    }),
);

/** A UNet and some of its attention layers. */
const selections = anyUNet.chain((unet) =>
  fc.tuple(fc.constant(unet), fc.subarray([...unet.attentionLayers], { minLength: 1 })),
);

/** Attention with a map, [B,h,N,N], that is the identity matrix, written out. */
const writtenOut: AttentionMixer = {
  key: 'identity, written out',
  mix({ value, heads }) {
    const [batch, tokens] = value.shape;
    const map = zeros(value.dtype, [batch, heads, tokens, tokens]);
    for (let row = 0; row < batch * heads * tokens; row++) map.data[row * tokens + (row % tokens)] = 1;
    return kernels.applyAttentionMap(map, value);
  },
};

function perturb(mixer: AttentionMixer, layers: readonly string[]): Perturbation {
  return new Map(layers.map((layer) => [layer, mixer]));
}

describe('the identity perturbation', () => {
  it('is attention whose map is the identity matrix', () => {
    fc.assert(
      fc.property(selections, anyInput, ([unet, layers], inputOf) => {
        const input = inputOf(unet);
        const passes = [perturb(identity, layers), perturb(writtenOut, layers)];
        const [short, long] = runModel(unet, backend, input, { passes }).predictions;
        expect(short).toEqual(long);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a UNet', () => {
  const silent = (unet: UNet): Context => ({
    kernels,
    weights: unet.weights,
    tap: (_path: string, value: Tensor) => value,
    watches: () => false,
  });

  /** The same UNet, and the state before each of its stages, once it has run. */
  function recording(unet: UNet): { unet: UNet; states: UNetState[] } {
    const states: UNetState[] = [];
    const stages = unet.stages.map(
      (stage): Stage<UNetState> => ({
        ...stage,
        run(context, state, perturbation) {
          states.push(state);
          return stage.run(context, state, perturbation);
        },
      }),
    );
    return { unet: { ...unet, stages, programs: new Map() }, states };
  }

  it('can be resumed from any stage, as often as one likes', () => {
    fc.assert(
      fc.property(selections, anyInput, ([unet, layers], inputOf) => {
        const input = inputOf(unet);
        for (const perturbation of [unperturbed, perturb(identity, layers)]) {
          const recorded = recording(unet);
          const [expected] = runModel(recorded.unet, backend, input, { passes: [perturbation] }).predictions;
          expect(recorded.states).toHaveLength(unet.stages.length);
          recorded.states.forEach((state, start) => {
            const resumed = unet.stages
              .slice(start)
              .reduce((current, stage) => stage.run(silent(unet), current, perturbation), state);
            expect(resumed.hidden, `from ${unet.stages[start].path}`).toEqual(expected);
            expect(resumed.skips).toHaveLength(0);
          });
        }
      }),
      { numRuns: 8 },
    );
  });

  it('is perturbed from the first of the layers on, and not before', () => {
    fc.assert(
      fc.property(selections, anyInput, ([unet, layers], inputOf) => {
        const input = inputOf(unet);
        const { taps } = runModel(unet, backend, input, {
          passes: [unperturbed, perturb(identity, layers)],
          taps: ['*'],
        });
        const stages = unet.stages.map(({ path }) => path);
        const first = stages.findIndex((path) => layers.includes(path));
        stages.forEach((path, i) => expect(`1:${path}` in taps, path).toBe(i >= first));
      }),
      { numRuns: 8 },
    );
  });
});
