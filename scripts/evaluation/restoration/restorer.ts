/** Damages letters and restores them: by DPS with a model of pixels, or by PSLD with a pipeline and no prompt. */
import { runBreathing } from '../../../src/cli/breathing.ts';
import { fingerprint } from '../../../src/cli/evaluation-job.ts';
import { loadModel } from '../../../src/cli/model.ts';
import { measurementOf, usualGluing, type Method } from '../../../src/cli/restoration-task.ts';
import { folderReader } from '../../../src/formats/node-files.ts';
import { none } from '../../../src/guidance/none.ts';
import { pag } from '../../../src/guidance/pag.ts';
import type { Backend } from '../../../src/kernels/kernels.ts';
import { classConditions } from '../../../src/models/condition.ts';
import { picturesOf } from '../../../src/pipelines/latents.ts';
import { promptConditions } from '../../../src/pipelines/prompts.ts';
import { restoringInPipeline } from '../../../src/pipelines/restoring.ts';
import { loadStableDiffusion } from '../../../src/pipelines/stable-diffusion.ts';
import { measure } from '../../../src/restoration/measurement.ts';
import { restoringPixels } from '../../../src/restoration/pixels.ts';
import type { InverseProblem } from '../../../src/restoration/posterior.ts';
import { noiseFrom } from '../../../src/sampling/noise.ts';
import { sampleSteps, type SamplingRun } from '../../../src/sampling/sample.ts';
import { createScheduler } from '../../../src/schedulers/registry.ts';
import type { Scheduler } from '../../../src/schedulers/scheduler.ts';
import { addScaled } from '../../../src/tensor/arithmetic.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { side } from './letters.ts';
import { roundSize, type Setting } from './plan.ts';
import type { Conditions } from './record.ts';

/** σ of the noise on what is measured, of pictures from −1 to 1. */
export const noiseLevel = 0.05;
const schedulerClasses = { ddpm: 'DDPMScheduler', ddim: 'DDIMScheduler' } as const;
/** What the model is asked for: no letter. */
const noLetter = roundSize;
/** Of the noise on what is measured, which is another one than that of the run. */
const measuringSeed = 1e6;

/** How steps are made. */
export type Stepping = Pick<Conditions, 'scheduler' | 'steps'>;

/** Restores letters. */
export interface Restorer {
  /** Of the model's weights. */
  readonly model: string;
  /**
   * Damages whole letters, [n,1,32,32], and gives what they are restored to. Letter i has the noise of
   * `torch.manual_seed(i)`.
   */
  restore(setting: Setting, numbers: readonly number[], whole: Tensor): Promise<Tensor>;
}

/** Draws what fits; all that a method must do. A signal is heard after each step. */
type Draw = (
  problem: InverseProblem,
  run: Pick<SamplingRun, 'guidance' | 'noiseSource'>,
  whole: Tensor,
) => Promise<Tensor>;

/**
 * @param folder of the model
 * @throws InputError for a folder that holds no model of this kind
 */
export async function openRestorer(
  method: Method,
  folder: string,
  stepping: Stepping,
  backend: Backend,
): Promise<Restorer> {
  const open = { dps: openPixels, psld: openLatents }[method];
  const { model, draw } = await open(folder, stepping, backend);
  return {
    model,
    async restore({ task, scale, weight }, numbers, whole) {
      const measurement = await measurementOf(task, [side, side], undefined);
      const clean = measure(measurement, whole);
      const measured = addScaled(clean, noiseLevel, noiseOf(numbers, measuringSeed)(clean.shape));
      const guidance = scale === 0 ? none : pag({ pagScale: scale, layers: ['mid'] });
      return draw({ measurement, measured, weight }, { guidance, noiseSource: noiseOf(numbers) }, whole);
    },
  };
}

function noiseOf(numbers: readonly number[], from = 0): SamplingRun['noiseSource'] {
  return noiseFrom(
    numbers.map((number) => manualSeed(from + number)),
    'f32',
  );
}

/** With the model's own noise, nothing clipped. */
function schedulerOf(config: object | undefined, { scheduler, steps }: Stepping): Scheduler {
  return createScheduler({ ...config, _class_name: schedulerClasses[scheduler], clip_sample: false }, steps);
}

interface Opened {
  readonly model: string;
  readonly draw: Draw;
}

async function openPixels(folder: string, stepping: Stepping, backend: Backend): Promise<Opened> {
  const { unet, schedulerConfig } = await loadModel(folder, 'f32');
  return {
    model: fingerprint(unet.weights),
    async draw(problem, run, whole) {
      const noise = run.noiseSource(whole.shape);
      const scheduler = schedulerOf(schedulerConfig, stepping);
      const model = restoringPixels(unet, backend, classConditions([noLetter], undefined), scheduler, problem, noise);
      return runBreathing(sampleSteps({ ...run, ...model, noise }));
    },
  };
}

async function openLatents(folder: string, stepping: Stepping, backend: Backend): Promise<Opened> {
  const pipeline = await loadStableDiffusion(await folderReader(folder), folder, 'f32');
  const { unet, autoencoder, schedulerConfig } = pipeline;
  const { sampleSize } = unet.config;
  if (!sampleSize) throw new InputError(`${folder} does not say how large its latents are`);
  return {
    model: fingerprint(unet.weights),
    async draw(problem, run, whole) {
      const [count = 0] = whole.shape;
      const conditions = promptConditions(pipeline, backend, { prompts: Array.from({ length: count }, () => '') });
      const noise = run.noiseSource([count, autoencoder.config.latentChannels, ...sampleSize]);
      const scheduler = schedulerOf(schedulerConfig, stepping);
      const glued = { ...problem, gluing: usualGluing(problem.weight) };
      const model = restoringInPipeline(pipeline, backend, conditions, scheduler, glued, noise, whole.shape);
      const latents = await runBreathing(sampleSteps({ ...run, ...model, noise }));
      return picturesOf(pipeline, backend, latents);
    },
  };
}
