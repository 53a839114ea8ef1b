/** Pictures that are drawn while a model is trained: always from the same noise, with the averaged weights, by DDIM. */
import { grid } from '../formats/grid.ts';
import { encodePng } from '../formats/png.ts';
import { none } from '../guidance/none.ts';
import type { Backend } from '../kernels/kernels.ts';
import { classConditions } from '../models/condition.ts';
import { withWeights } from '../models/model.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { sampleSteps } from '../sampling/sample.ts';
import { createScheduler } from '../schedulers/registry.ts';
import type { NoiseSource } from '../schedulers/scheduler.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import { counted } from '../tensor/shown.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { batchOptionsOf } from '../training/batches.ts';
import type { TrainingConfig } from '../training/config.ts';
import type { TrainingState } from '../training/step.ts';
import type { Training } from '../training/training.ts';
import { runBreathing } from './breathing.ts';
import { warn } from './messages.ts';
import { chooseScheduler } from './model.ts';
import type { PreparedTraining } from './training-set-up.ts';

/**
 * A PNG of samples as the config asks for them; undefined, and a line that says why, where none can be drawn. Lets the
 * process breathe between two steps, so that Ctrl-C is heard.
 * @param extents [C,H,W] of a picture
 */
export async function drawSamples(
  { training, schedulerConfig }: PreparedTraining,
  state: TrainingState,
  backend: Backend,
  extents: readonly number[],
): Promise<Uint8Array | undefined> {
  try {
    const { count, steps } = training.config.samples;
    const scheduler = createScheduler(await chooseScheduler('ddim', undefined, schedulerConfig), steps);
    const samples = await draw(training, state, backend, scheduler, [count, ...extents]);
    const title = `step ${state.step}, DDIM, ${counted(steps, 'step')}`;
    return encodePng(grid([{ title, samples }]));
  } catch (error) {
    // A model that has learned little may draw what is no number; the training goes on.
    if (!(error instanceof InputError)) throw error;
    warn([`step ${state.step}: no pictures: ${error.message}`]);
    return undefined;
  }
}

async function draw(
  { model, learns, config }: Training,
  { average }: TrainingState,
  backend: Backend,
  scheduler: ReturnType<typeof createScheduler>,
  shape: readonly number[],
): Promise<Tensor> {
  const labels = labelsOf(config, learns, shape[0] ?? 0);
  const denoiser = denoiserOf(
    { main: withWeights(model, average, model.dtype) },
    backend,
    classConditions(labels, undefined),
  );
  const { randn } = manualSeed(config.samples.seed);
  const noise = randn(shape, model.dtype);
  const noiseSource: NoiseSource = (of) => randn(of, model.dtype);
  return runBreathing(sampleSteps({ denoiser, guidance: none, scheduler, noise, noiseSource }));
}

/** The classes that are asked for, else all of the model in order; undefined where it has none. */
function labelsOf(config: TrainingConfig, model: UNetConfig, count: number): readonly number[] | undefined {
  if (model.classEmbedding === 'none') return undefined;
  const { nullLabel } = batchOptionsOf(config, model);
  const all = Array.from({ length: model.numClassEmbeds ?? 1 }, (_, label) => label);
  const asked = config.samples.labels ?? all.filter((label) => label !== nullLabel);
  return Array.from({ length: count }, (_, i) => at(asked, i % asked.length));
}
