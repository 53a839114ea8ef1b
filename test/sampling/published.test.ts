/**
 * Numbers that others have published, from nothing: torch's default initialisation under manual_seed(0), its noise
 * under the same seed, our UNet and schedulers. The pictures without guidance are those of diffusers' own tests
 * (tests/pipelines/ddim, ddpm), with their tolerances; those with PAG were made with diffusers by setting the attention
 * layers' processors by hand.
 */
import { describe, expect, it } from 'vitest';
import type { Guidance } from '../../src/guidance/guidance.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { initialWeights } from '../../src/models/unet2d/initialise.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';

const config = parseUNetConfig({
  block_out_channels: [4, 8],
  layers_per_block: 1,
  norm_num_groups: 4,
  sample_size: 8,
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
  up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
});
const unet = createUNet(config, initialWeights(config, manualSeed(0)));

/** The pixels [-3:, -3:] of the last channel, brought to [0, 1] as the pipelines do. */
function corner(scheduler: string, guidance: Guidance): readonly number[] {
  const generator = manualSeed(0);
  const noise = generator.randn([1, 3, 8, 8]);
  const { data } = sampleToEnd({
    denoiser: unetDenoiser(unet, referenceBackend()),
    guidance,
    scheduler: createScheduler({ _class_name: scheduler }, 2),
    noise,
    noiseSource: generator.randn,
  });
  const pixel = (y: number, x: number): number => Math.min(1, Math.max(0, data[(2 * 8 + y) * 8 + x] / 2 + 0.5));
  return [5, 6, 7].flatMap((y) => [5, 6, 7].map((x) => pixel(y, x)));
}

const mid = ['mid_block.attentions.0'];
const pictures: readonly (readonly [
  name: string,
  scheduler: string,
  guidance: Guidance,
  pixels: readonly number[],
  tolerance: number,
])[] = [
  ['DDIM', 'DDIMScheduler', none, [0, 0.9979, 0, 0.9999, 0.9986, 0.9991, 7.106e-4, 0, 0], 1e-3],
  ['DDPM', 'DDPMScheduler', none, [0, 0.9996672, 0.00329116, 1, 0.9995991, 1, 0.0060907, 0.00115037, 0], 1e-2],
  [
    'DDIM, PAG in all layers',
    'DDIMScheduler',
    pag({ pagScale: 3, layers: unet.attentionLayers }),
    [0.03470767, 0.6875353, 0, 1, 1, 0.997378, 0.37388295, 0.49367717, 0],
    1e-3,
  ],
  [
    'DDIM, PAG in the middle',
    'DDIMScheduler',
    pag({ pagScale: 3, layers: mid }),
    [0, 0.77279842, 0, 0.99992383, 0.99916559, 0.99829483, 8.5443e-5, 1.5846e-4, 0],
    1e-3,
  ],
];

describe('the tiny pipelines of diffusers', () => {
  it.each(pictures)('%s', (_name, scheduler, guidance, pixels, tolerance) => {
    expect(unet.attentionLayers).toHaveLength(4);
    const ours = corner(scheduler, guidance);
    for (const [i, value] of ours.entries()) {
      expect(Math.abs(value - pixels[i]), `pixel ${i}: ${value}`).toBeLessThan(tolerance);
    }
  });
});
