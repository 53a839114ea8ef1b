/** What is learned while the reader looks on, a step at a time; and what the model draws by then. */
import { none } from '../../guidance/none.ts';
import { pag } from '../../guidance/pag.ts';
import type { Backend } from '../../kernels/kernels.ts';
import type { Json } from '../../models/config-keys.ts';
import { withWeights, type Model } from '../../models/model.ts';
import { unetDenoiser, type DenoiserOptions } from '../../sampling/denoiser.ts';
import { sampleSteps } from '../../sampling/sample.ts';
import { DDIMScheduler } from '../../schedulers/ddim.ts';
import { createSchedulerOf } from '../../schedulers/create.ts';
import type { Config } from '../../schedulers/options.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { batchAt, type BatchOptions } from '../../training/batches.ts';
import type { Pictures } from '../../training/pictures.ts';
import { trainingStep, type StepReport, type TrainingState } from '../../training/step.ts';
import type { DenoisingLearner } from '../../training/training.ts';

/** All that stays the same over a training. */
export interface Lesson {
  readonly learner: DenoisingLearner<unknown, unknown>;
  readonly pictures: Pictures;
  readonly batches: BatchOptions;
  /** How the model draws: by DDIM, in so many steps, from this noise, [B,C,H,W]. */
  readonly schedulerConfig: Config;
  readonly drawingSteps: number;
  readonly noise: Tensor;
  /** What is asked for, where the model knows classes. */
  readonly asked?: DenoiserOptions;
  /** The attention layers that PAG perturbs. */
  readonly layers: readonly string[];
  /** Steps of the training from drawing to drawing. */
  readonly every: number;
  /** The config.json of the model, where diffusers knows its class. */
  readonly modelConfig?: Json;
}

/** The state after one more step. */
export function learnStep(
  { learner, pictures, batches }: Lesson,
  backend: Backend,
  state: TrainingState,
): { readonly state: TrainingState; readonly report: StepReport } {
  const { config, noiseSchedule } = learner;
  const batch = batchAt(pictures, batches, noiseSchedule.trainTimesteps, config.seeds.batches, state.step);
  return trainingStep(learner, backend, state, batch);
}

/**
 * What the averaged weights draw, from the noise to the last step.
 * @param scale s of PAG; 0 is the model alone
 * @throws InputError when the numbers are no longer finite
 */
export function drawFrom(
  { learner, schedulerConfig, drawingSteps, noise, asked, layers }: Lesson,
  backend: Backend,
  { average }: TrainingState,
  scale: number,
): readonly Tensor[] {
  const model: Model = withWeights(learner.model, average, learner.model.dtype);
  const steps = sampleSteps({
    denoiser: unetDenoiser(model, backend, asked),
    guidance: scale === 0 ? none : pag({ pagScale: scale, layers }),
    scheduler: createSchedulerOf(DDIMScheduler, schedulerConfig, drawingSteps),
    noise,
    noiseSource: manualSeed(0).randn, // never drawn from: DDIM with η = 0 adds no noise
  });
  return [noise, ...Array.from(steps, ({ sample }) => sample)];
}
