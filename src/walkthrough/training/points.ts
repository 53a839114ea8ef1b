/** Learning to draw points of a shape in the plane. */
import { createModel } from '../../models/model.ts';
import { initialValues } from '../../models/unet2d/initialise.ts';
import { manualSeed } from '../../tensor/random.ts';
import { parseTrainingConfig } from '../../training/config.ts';
import { denoisingLearner } from '../../training/training.ts';
import type { Lesson } from './lesson.ts';
import { planeArchitecture } from './plane-model.ts';
import { pointsFrom, type Shape } from './shapes.ts';

/** Steps of the training, and points in each of them. */
const [pointSteps, batchSize] = [1200, 256];
/** So many points the model is shown over and over, and so many it draws. */
const [shown, drawn] = [4096, 400];

const schedulerConfig = { _class_name: 'DDIMScheduler', beta_schedule: 'squaredcos_cap_v2', clip_sample: false };

/**
 * @param shape that is learned, not empty
 * @param seed of the first weights, the data, the batches, and the noise that is drawn from
 */
export function pointsLesson(shape: Shape, seed: number): Lesson {
  const architecture = planeArchitecture({ channels: 32, blocks: 3, heads: 4 });
  const model = createModel(architecture, initialValues(architecture.stages, manualSeed(seed)));
  const config = parseTrainingConfig({
    model: {},
    steps: pointSteps,
    optimiser: { learning_rate: 0.003, beta2: 0.99, weight_decay: 0 },
    schedule: { warmup_steps: 20 },
    ema: { decay: 0.99 },
    seeds: { batches: seed },
  });
  const generator = manualSeed(seed);
  const { shape: extents, data } = pointsFrom(shape, shown, generator);
  return {
    learner: denoisingLearner(config, model, schedulerConfig),
    pictures: { shape: extents, data: Float32Array.from(data) },
    batches: { size: batchSize, labelDropout: 0, nullLabel: undefined, offsetNoise: 0, stratified: true },
    schedulerConfig,
    drawingSteps: 24,
    noise: generator.randn([drawn, 1, 1, 2]),
    // Of the three, the one whose identity bends the shape least.
    layers: model.attentionLayers.slice(-1),
    every: 100,
  };
}
