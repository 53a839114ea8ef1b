/** `pag restore --method psld`: a picture restored in the latents of a pipeline. */
import { picturesOf, pixelsPerLatent } from '../pipelines/latents.ts';
import { pipelineWork } from '../pipelines/pipeline-work.ts';
import { promptConditions } from '../pipelines/prompts.ts';
import { restoringInPipeline } from '../pipelines/restoring.ts';
import type { Backend } from '../kernels/kernels.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { chooseBackend } from './backend.ts';
import { follow } from './follow.ts';
import { cutOff, loadPipeline } from './from-words.ts';
import { warn } from './messages.ts';
import { chooseNoise } from './noise.ts';
import type { ParsedOptions } from './options.ts';
import { choosePipelineGuidance } from './pipeline-guidance.ts';
import {
  chooseRestoringRun,
  chooseWeight,
  measuredFor,
  readTask,
  restoringWork,
  usualGluing,
  type RestorationTask,
} from './restoration-task.ts';
import { runTitle, type OutFiles } from './run-report.ts';
import { announceWork } from './work.ts';

/** What was restored, and on the way. */
export interface Restored {
  readonly task: RestorationTask;
  readonly noise: Tensor;
  /** For each of the samples. */
  readonly measured: Tensor;
  /** After each call of the model, as far as they are kept. */
  readonly steps: readonly Tensor[];
  /** What was drawn: pictures, or their latents. */
  readonly sample: Tensor;
  /** [N,C,H,W]. */
  readonly pictures: Tensor;
  readonly title: string;
  /** What counted how much. */
  readonly weights: Readonly<Record<string, number>>;
  readonly dtype: DType;
  readonly backend: Backend;
  /** When drawing began, in milliseconds of performance.now(). */
  readonly started: number;
}

/**
 * Restores a picture with a pipeline that is told a prompt.
 * @throws InputError for options that cannot be, a pipeline without AutoencoderKL, and files that cannot be used
 */
export async function restoreLatents(options: ParsedOptions, files: OutFiles): Promise<Restored> {
  const prompts = onePrompt(options);
  const { dtype, backend } = chooseBackend(options);
  const pipeline = await loadPipeline(options, dtype);
  warn([...pipeline.warnings, ...cutOff(pipeline, [prompts.prompt, ...prompts.negativePrompts])]);
  const { unet, autoencoder } = pipeline;
  const { guidance, guidanceScale } = choosePipelineGuidance(options, unet);
  const chosen = await chooseRestoringRun(options, pipeline.schedulerConfig);
  const { latentChannels, inChannels } = autoencoder.config;
  const size = { sampleSize: unet.config.sampleSize, inChannels: latentChannels };
  const { shape, first, noiseSource } = await chooseNoise(options, size, dtype);
  const [count = 0, , h = 0, w = 0] = shape;
  const factor = pixelsPerLatent(pipeline);
  const pictureShape = [count, inChannels, h * factor, w * factor];
  const task = await readTask(options, pictureShape, dtype);
  const weight = chooseWeight(options, 'psld', task.task, chosen.stepCount);
  const gluing = options.number('gluing', 0) ?? usualGluing(weight);
  const plan = { guidance, scheduler: chosen.scheduler, shape, texts: 1 + prompts.negativePrompts.length };
  announceWork(restoringWork(pipelineWork(pipeline, plan)));
  const noise = first();
  const measured = measuredFor(task, count, dtype);
  const started = performance.now();
  const conditions = promptConditions(pipeline, backend, {
    prompts: Array.from({ length: count }, () => prompts.prompt),
    ...(prompts.negativePrompts.length > 0 && { negativePrompts: prompts.negativePrompts }),
    ...(guidanceScale !== undefined && { guidanceScale }),
  });
  const problem = { measurement: task.measurement, measured, weight, gluing };
  const model = restoringInPipeline(pipeline, backend, conditions, chosen.scheduler, problem, noise, pictureShape);
  const run = { ...model, guidance, noise, noiseSource };
  const { sample, steps } = await follow(run, 'restoring', { keeps: files.latents !== undefined });
  const pictures = picturesOf(pipeline, backend, sample);
  backend.dispose();
  const title = `${task.measurement.name} by PSLD, ${runTitle(guidance, chosen.scheduler, chosen)}`;
  const drawn = { noise, measured, steps, sample, pictures, title };
  return { task, ...drawn, weights: { weight, gluing }, dtype, backend, started };
}

/** @throws InputError for no prompt, or several */
function onePrompt(options: ParsedOptions): { readonly prompt: string; readonly negativePrompts: readonly string[] } {
  const [prompt, ...others] = options.texts('prompt');
  const negativePrompts = options.texts('negative-prompt');
  if (prompt === undefined) throw new InputError("--method psld needs a --prompt; '' says nothing of the picture");
  if (others.length > 0 || negativePrompts.length > 1)
    throw new InputError('a picture is restored with one --prompt and one --negative-prompt; give each once');
  return { prompt, negativePrompts };
}
