/** Small classifiers with random weights, for tests of what holds whatever the weights are. */
import { parseUNetClassifierConfig } from '../../../src/models/unet2d-classifier/config.ts';
import { unetClassifierStages } from '../../../src/models/unet2d-classifier/stages.ts';
import { createUNetClassifier, type UNetClassifier } from '../../../src/models/unet2d-classifier/unet-classifier.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import type { DType } from '../../../src/tensor/tensor.ts';
import { randomWeightsOf } from '../random-weights.ts';

/** Two resolutions, attention in the deeper one, two heads, five classes. */
export const smallConfig = {
  sample_size: 4,
  in_channels: 1,
  num_classes: 5,
  block_out_channels: [4, 8],
  layers_per_block: 1,
  norm_num_groups: 2,
  attention_head_dim: 4,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
};

export function randomClassifier(
  json: Readonly<Record<string, unknown>> = smallConfig,
  seed = 1,
  dtype: DType = 'f32',
): UNetClassifier {
  const config = parseUNetClassifierConfig(json);
  return createUNetClassifier(config, randomWeightsOf(parametersOf(unetClassifierStages(config)), seed), dtype);
}
