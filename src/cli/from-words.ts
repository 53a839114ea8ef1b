/** `pag sample --prompt`: pictures from words, with a pipeline of Stable Diffusion 1 or 2. */
import { grid } from '../formats/grid.ts';
import { folderReader } from '../formats/node-files.ts';
import { encodePng } from '../formats/png.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { embedPrompts, loadStableDiffusion, picturesOf, type StableDiffusion } from '../pipelines/stable-diffusion.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { clamp, mapElements } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { chooseBackend } from './backend.ts';
import { follow } from './follow.ts';
import { chooseGuidance } from './guidance-options.ts';
import { chooseLora } from './lora.ts';
import { warn } from './messages.ts';
import { printDrawn } from './drawn.ts';
import { chooseNoise } from './noise.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';
import { writeOut } from './out-files.ts';
import { chooseRun } from './scheduler-options.ts';

/** The options of words. */
export const wordOptions: OptionKinds = { prompt: 'any text', 'negative-prompt': 'any text' };

/** The part of a command's help that explains them. */
export const wordHelp = `  --prompt TEXT                   what to draw, with a pipeline of Stable Diffusion 1 or 2
  --negative-prompt TEXT          what takes the place of no text in passes without the prompt`;

/** What a run from words does not have. */
const foreign = ['labels', 'null-label', 'weak-model', 'init', 'inpaint', 'invert', 'preview'] as const;

/** Where the results go. */
export type OutFiles = {
  readonly out?: string;
  readonly latents?: string;
};

/**
 * Draws pictures of a prompt.
 * @returns the exit status
 * @throws InputError for options that do not fit a prompt, and folders that are no pipeline with text
 */
export async function sampleFromWords(options: ParsedOptions, files: OutFiles): Promise<number> {
  const { out, latents: latentsFile } = files;
  const wrong = foreign.find((name) => options.has(name));
  if (wrong !== undefined) throw new InputError(`--${wrong} has no effect with --prompt; leave it out`);
  const { dtype, backend } = chooseBackend(options);
  const folder = options.required('model');
  const variant = options.text('variant');
  const lora = await chooseLora(options, dtype);
  const choices = { ...lora.choices, ...(variant !== undefined && { variant }) };
  const pipeline = await loadStableDiffusion(await folderReader(folder), folder, dtype, choices);
  lora.report();
  const prompts = [options.required('prompt'), options.text('negative-prompt') ?? ''];
  warn([...pipeline.warnings, ...prompts.flatMap((prompt) => cutOff(pipeline, prompt))]);
  const { attentionLayers } = pipeline.unet;
  const guidance = chooseGuidance(options, attentionLayers, { hasNullCondition: true, hasWeakModel: false });
  const { scheduler, stepCount } = await chooseRun(options, pipeline.schedulerConfig);
  const { shape, first, noiseSource } = await chooseNoise(options, pipeline.unet.config, dtype);

  const started = performance.now();
  const [given, nothing] = prompts.map((prompt) => ({
    encoderHiddenStates: embedPrompts(
      pipeline,
      backend,
      Array.from({ length: shape[0] ?? 0 }, () => prompt),
    ),
  }));
  const noise = first();
  const { sample, steps } = await follow(
    {
      denoiser: denoiserOf({ main: pipeline.unet }, backend, { given: given ?? {}, null: nothing ?? {} }),
      guidance,
      scheduler,
      noise,
      noiseSource,
    },
    'drawing',
    latentsFile !== undefined,
    false,
  );
  const samples = picturesOf(pipeline, backend, sample);
  backend.dispose();

  const title = `${guidance.name}, ${scheduler.name.replace(/Scheduler$/, '')}, ${stepCount} steps`;
  if (out !== undefined) writeOut(out, encodePng(grid([{ title, samples }])));
  if (latentsFile !== undefined) {
    const named = Object.fromEntries(steps.map((step, i) => [`step.${i}`, step]));
    writeOut(latentsFile, writeSafetensors({ noise, ...named, sample, image: brightness(samples) }));
  }
  printDrawn(options, { what: 'pictures', shape: samples.shape, title, dtype, backend, started, files });
  return 0;
}

/** From [−1, 1] to [0, 1], cut off beyond. */
function brightness(samples: Tensor): Tensor {
  return clamp(
    mapElements(samples, (value) => value / 2 + 0.5),
    0,
    1,
  );
}

function cutOff({ tokenize }: StableDiffusion, prompt: string): readonly string[] {
  const { cut } = tokenize(prompt);
  return cut === '' ? [] : [`the prompt is too long; cut off is "${cut}"`];
}
