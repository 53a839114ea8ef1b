/** Small conditional UNets with random weights, for tests of what holds whatever the weights are. */
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import { parseUNetConditionConfig, type UNetConditionConfig } from '../../../src/models/unet2d-condition/config.ts';
import { unetConditionStages } from '../../../src/models/unet2d-condition/stages.ts';
import { createUNetCondition, type UNetCondition } from '../../../src/models/unet2d-condition/unet-condition.ts';
import { manualSeed, uniform } from '../../../src/tensor/random.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';

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

/** Weights that make attention far from uniform, so that perturbing it is seen. */
export function randomWeights(config: UNetConditionConfig, seed: number): ReadonlyMap<string, Tensor> {
  const generator = manualSeed(seed);
  return new Map(
    parametersOf(unetConditionStages(config)).map(({ name, shape, module }) => {
      const fanIn = shape.slice(1).reduce((size, extent) => size * extent, 1);
      const size = (/to_[qk]/.test(name) ? 4 : 1.5) / Math.sqrt(fanIn);
      const around = module === 'norm' && name.endsWith('weight') ? 1 : 0;
      return [name, uniform(generator, shape, around - size / 2, around + size)];
    }),
  );
}

export function randomUNet(
  json: Readonly<Record<string, unknown>> = smallConfig,
  seed = 1,
  dtype: DType = 'f32',
): UNetCondition {
  const config = parseUNetConditionConfig(json);
  return createUNetCondition(config, randomWeights(config, seed), dtype);
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
