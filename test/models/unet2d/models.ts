/** Small UNets with random weights, for tests of what holds whatever the weights are. */
import { constructedParameters } from '../../../src/models/unet2d/initialise.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';
import { parseUNetConfig, type UNetConfig } from '../../../src/models/unet2d/config.ts';
import { createUNet, type UNet } from '../../../src/models/unet2d/unet.ts';
import { randomWeightsOf } from '../random-weights.ts';

export const backend = referenceBackend();

/** Two resolutions, attention in all places, two heads, class-conditional with "no class" = 3. */
export const smallConfig = {
  sample_size: 8,
  in_channels: 1,
  out_channels: 1,
  block_out_channels: [4, 8],
  layers_per_block: 1,
  norm_num_groups: 2,
  attention_head_dim: 4,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
  up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
  num_class_embeds: 4,
};

/** score_sde's blocks; their attention has 32 groups, and pictures three channels. */
export const skipConfig = {
  ...smallConfig,
  in_channels: 3,
  out_channels: 3,
  block_out_channels: [32, 32],
  norm_num_groups: 4,
  attention_head_dim: 16,
  down_block_types: ['AttnSkipDownBlock2D', 'SkipDownBlock2D'],
  up_block_types: ['AttnSkipUpBlock2D', 'SkipUpBlock2D'],
};

export function randomWeights(config: UNetConfig, seed: number): ReadonlyMap<string, Tensor> {
  return randomWeightsOf(constructedParameters(config), seed);
}

export function randomUNet(
  json: Readonly<Record<string, unknown>> = smallConfig,
  seed = 1,
  dtype: DType = 'f32',
): UNet {
  const config = parseUNetConfig(json);
  return createUNet(config, randomWeights(config, seed), dtype);
}

export function noise(shape: readonly number[], seed = 7, dtype: 'f32' | 'f64' = 'f32'): Tensor {
  return manualSeed(seed).randn(shape, dtype);
}
