/** Small conditional UNets with random weights, for tests of what holds whatever the weights are. */
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import { parseUNetConditionConfig } from '../../../src/models/unet2d-condition/config.ts';
import { unetConditionStages } from '../../../src/models/unet2d-condition/stages.ts';
import { createUNetCondition, type UNetCondition } from '../../../src/models/unet2d-condition/unet-condition.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';
import { randomWeightsOf } from '../random-weights.ts';

export const backend = referenceBackend();

/** Two resolutions, transformers in all places, two heads. */
export const smallConfig = {
  sample_size: 4,
  in_channels: 2,
  out_channels: 2,
  block_out_channels: [4, 8],
  layers_per_block: 1,
  norm_num_groups: 2,
  cross_attention_dim: 3,
  attention_head_dim: 2,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};

export function randomUNet(
  json: Readonly<Record<string, unknown>> = smallConfig,
  seed = 1,
  dtype: DType = 'f32',
): UNetCondition {
  const config = parseUNetConditionConfig(json);
  const weights = randomWeightsOf(parametersOf(unetConditionStages(config)), seed);
  return createUNetCondition(config, weights, dtype);
}

export function noise(shape: readonly number[], seed = 7): Tensor {
  return manualSeed(seed).randn(shape, 'f32');
}

/** A sample with five tokens of text. */
export function inputOf(seed = 7, size: readonly [number, number] = [4, 4]): ModelInput {
  return {
    sample: noise([1, 2, ...size], seed),
    timesteps: [seed % 1000],
    encoderHiddenStates: noise([1, 5, 3], seed + 1),
  };
}
