/** Laws of the UNet as a fold over stages, and of the identity as an attention map: bit for bit, for random weights. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { casesOf, expectIdentityIsItsMap, expectResumable, expectSharedUpToLayers } from '../laws.ts';
import { noise, randomUNet, skipConfig, smallConfig } from './models.ts';

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

const cases = casesOf(anyUNet, ({ inChannels }) =>
  fc.tuple(fc.nat(10_000), fc.nat(999), fc.nat(3)).map(([seed, timestep, label]) => ({
    sample: noise([1, inChannels, 4, 4], seed),
    timesteps: [timestep],
    classLabels: [label],
  })),
);

describe('the identity perturbation', () => {
  it('is attention whose map is the identity matrix', () => {
    fc.assert(fc.property(cases, expectIdentityIsItsMap), { numRuns: 15 });
  });
});

describe('a UNet', () => {
  it('can be resumed from any stage, as often as one likes', () => {
    fc.assert(fc.property(cases, expectResumable), { numRuns: 8 });
  });

  it('is perturbed from the first of the layers on, and not before', () => {
    fc.assert(fc.property(cases, expectSharedUpToLayers), { numRuns: 8 });
  });
});
