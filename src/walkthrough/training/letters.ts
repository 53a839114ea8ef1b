/** Learning to draw letters of 16 × 16 pixels. */
import type { Json } from '../../models/config-keys.ts';
import { parseUNetConfig } from '../../models/unet2d/config.ts';
import { initialWeights } from '../../models/unet2d/initialise.ts';
import { createUNet } from '../../models/unet2d/unet.ts';
import { manualSeed } from '../../tensor/random.ts';
import { batchOptionsOf } from '../../training/batches.ts';
import { parseTrainingConfig } from '../../training/config.ts';
import type { Pictures } from '../../training/pictures.ts';
import { denoisingLearner } from '../../training/training.ts';
import { noLetter, smallSide, smallSteps, unasked } from '../study.ts';
import type { Lesson } from './lesson.ts';

/** What is drawn: A to Z, each once, then what nobody asked for. */
const drawnLabels: readonly number[] = Array.from({ length: noLetter + unasked }, (_, i) => Math.min(i, noLetter));

/** A UNet2DModel with attention where pictures are 8 × 8, on both ways, and in the middle, where they are 4 × 4. */
const modelConfig: Json = {
  _class_name: 'UNet2DModel',
  sample_size: smallSide,
  in_channels: 1,
  out_channels: 1,
  block_out_channels: [16, 32, 48],
  layers_per_block: 1,
  norm_num_groups: 8,
  attention_head_dim: 16,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
  // One more, for no letter in particular.
  num_class_embeds: noLetter + 1,
};

/** With v a model says something useful of pure noise long before it does with ε. */
const schedulerConfig = {
  _class_name: 'DDIMScheduler',
  beta_schedule: 'squaredcos_cap_v2',
  prediction_type: 'v_prediction',
  timestep_spacing: 'trailing',
  clip_sample: false,
};

/**
 * @param letters that are learned, with their labels from 0 (A)
 * @param seed of the first weights, the batches, and the noise that is drawn from, each by a generator of its own: the
 *   noise is that of `pag sample --seed`
 */
export function lettersLesson(letters: Pictures, seed: number): Lesson {
  const unetConfig = parseUNetConfig(modelConfig);
  const model = createUNet(unetConfig, initialWeights(unetConfig, manualSeed(seed)));
  const config = parseTrainingConfig({
    model: modelConfig,
    steps: 1000,
    optimiser: { learning_rate: 0.003, beta2: 0.99, weight_decay: 0 },
    schedule: { warmup_steps: 50 },
    ema: { decay: 0.99 },
    batch: { size: 16, label_dropout: 0.1 },
    seeds: { batches: seed },
  });
  return {
    learner: denoisingLearner(config, model, schedulerConfig),
    pictures: letters,
    batches: batchOptionsOf(config, unetConfig),
    schedulerConfig,
    drawingSteps: smallSteps,
    noise: manualSeed(seed).randn([drawnLabels.length, 1, smallSide, smallSide]),
    asked: { labels: drawnLabels, nullLabel: noLetter },
    layers: model.attentionLayers,
    every: 100,
    modelConfig,
  };
}
