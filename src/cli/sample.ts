/** `pag sample`: draws pictures with a model. */
import { InputError } from '../tensor/errors.ts';
import { classConditions } from '../models/condition.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { leastWork } from '../sampling/work.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { backendHelp, backendOptions, chooseBackend, type ChosenBackend } from './backend.ts';
import { conditionsOf, listedLabels } from './class-labels.ts';
import type { Command } from './command.ts';
import { printDrawn, type DrawnRun } from './drawn.ts';
import { follow } from './follow.ts';
import { chooseUNetGuidance, chosenPage, givenGuidance, guidanceHelp, guidanceOptions } from './guidance-options.ts';
import { invertPicture } from './invert.ts';
import { loadWithLora, loraHelp, loraOptions } from './lora.ts';
import { createMeter } from './meter.ts';
import { loadWeak, modelHelp } from './model.ts';
import { chooseClassifier, classifierHelp, classifierOptions } from './guiding-classifier.ts';
import { chooseNoise, noiseHelp, noiseOptions, seedsOf } from './noise.ts';
import { readOptions, type OptionKinds, type ParsedOptions } from './options.ts';
import { beginWith, choosePicture, pictureHelp, pictureOptions, withJumps, type PictureChoice } from './picture.ts';
import { checkSchedulerOptions, chooseRun, schedulerHelp, schedulerOptions } from './scheduler-options.ts';
import {
  chooseRunFiles,
  planAnimations,
  planPictures,
  runTitle,
  writeDrawn,
  type DrawChoices,
  type OutFiles,
} from './run-report.ts';
import { refuseWithoutPrompt, wordHelp, wordOptions } from './word-options.ts';
import { announceWork, plannedWork, speedOf } from './work.ts';

/** The options of a run. */
export const sampleKinds: OptionKinds = {
  model: 'text',
  variant: 'text',
  'weak-model': 'text',
  ...classifierOptions,
  out: 'text',
  labels: 'text',
  latents: 'text',
  animation: 'text',
  preview: 'flag',
  ...loraOptions,
  ...pictureOptions,
  ...wordOptions,
  ...noiseOptions,
  ...schedulerOptions,
  ...guidanceOptions,
  ...backendOptions,
};

const help = (): string => `pag sample --out GRID.png [options]

Draws pictures with a diffusers model and writes them side by side as PNG.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
${loraHelp}
  --weak-model DIR                of auto-guidance: a second, worse model of the same shape
${classifierHelp}
  --out GRID.png                  where the pictures go, side by side, with all that pag again needs to draw them again;
                                  each by itself with {index}, {seed} or {label} in the name: out/{seed}-{label}.png
  --animation FILE.png|FILE.gif   how they become what they are, step by step, as an animated PNG, or as a GIF; each by
                                  itself with {index}, {seed} or {label} in the name
  --latents FILE.safetensors      where the numbers go: noise, step.0 ... (after each call of the model), sample;
                                  of --init start, too: the noised picture
  --labels 0-4,7                  class labels or ranges of them, repeated as often as needed
${wordHelp}
${noiseHelp}
${schedulerHelp()}
  --preview                       shows in the terminal what is being drawn
${pictureHelp}
${guidanceHelp}
${backendHelp}`;

/** The command `pag sample`. */
export const sampleCommand: Command = { help: (args) => help() + chosenPage(args), options: sampleKinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, sampleKinds);
  if (options.has('invert')) {
    choosePicture(options);
    return invertPicture(options, sampleKinds);
  }
  printDrawn(options, await drawSamples(options));
  return 0;
}

/**
 * Draws what the options ask for, and writes it.
 * @throws InputError for options that cannot be, and for files that cannot be read or written
 */
export async function drawSamples(options: ParsedOptions, choices: DrawChoices = {}): Promise<DrawnRun> {
  const picture = choosePicture(options);
  checkBeforeFiles(options);
  const files = chooseRunFiles(options);
  if (options.has('prompt')) {
    // Pipelines are loaded where they are needed.
    const { sampleFromWords } = await import('./from-words.ts');
    return sampleFromWords(options, picture, files, choices);
  }
  refuseWithoutPrompt(options);
  const meter = createMeter();
  const computing = chooseBackend(options, meter.watch);
  const { dtype, backend } = computing;
  const loaded = await loadModels(options, files, computing);
  const planned = await planRun(options, picture, loaded, dtype);
  const { guidance, models, conditions, shape, noiseSource, labels, work } = planned;
  announceWork(work, { speed: speedOf(computing) });
  const pictures = await planPictures(files, options, choices, loaded.weights, shape[0] ?? 0, labels);
  const animations = planAnimations(files, options, pictures, shape[0] ?? 0, labels);
  const noise = planned.first();
  const { scheduler, start } = picture
    ? await beginWith(picture, planned.scheduler, noise)
    : { scheduler: planned.scheduler, start: undefined };

  const started = performance.now();
  const denoiser = denoiserOf(models, backend, conditions);
  const frames: Tensor[] = [];
  const { sample, steps } = await follow(
    { denoiser, guidance, scheduler, noise, noiseSource, ...(start && { start }) },
    'drawing',
    {
      keeps: files.latents !== undefined,
      preview: options.has('preview'),
      watch({ sample, denoised }) {
        if (animations) frames.push(denoised ?? sample);
      },
      metered: { meter, products: work.products },
    },
  );
  backend.dispose();

  const title = runTitle(guidance, scheduler, planned);
  const before = { noise, ...(start && { start }) };
  const drawn = { title, samples: sample, steps, before, behind: { sample }, pictures, animations, frames };
  return { what: 'sample', shape, title, dtype, backend, started, files: writeDrawn(files, drawn) };
}

/** The models that the options name, with the weights of each by the option that names it. */
async function loadModels(
  options: ParsedOptions,
  { out, animation }: OutFiles,
  { dtype, backend }: Pick<ChosenBackend, 'dtype' | 'backend'>,
) {
  const { unet, schedulerConfig } = await loadWithLora(options, dtype);
  if (![1, 3, 4].includes(unet.config.inChannels) && ((out ?? animation) !== undefined || options.has('preview'))) {
    throw new InputError(
      `samples of ${unet.config.inChannels} channels cannot be drawn; ` +
        'leave out --out and --preview, and give --latents FILE.safetensors',
    );
  }
  const weak = await loadWeak(options, dtype);
  const classifier = await chooseClassifier(options, dtype, backend, { unet, schedulerConfig });
  const weights = {
    model: [unet.weights],
    ...(weak && { 'weak-model': [weak.weights] }),
    ...(classifier && { [classifier.option]: [classifier.weights] }),
  };
  return { unet, weak, classifier, schedulerConfig, weights };
}

/** All that is to be known of a run before it begins, and what it takes. */
async function planRun(
  options: ParsedOptions,
  picture: PictureChoice | undefined,
  { unet, weak, classifier, schedulerConfig }: Awaited<ReturnType<typeof loadModels>>,
  dtype: DType,
) {
  const { scheduler, stepCount, begin } = await chooseRun(options, schedulerConfig, picture?.strength ?? 1);
  const { shape, first, noiseSource } = await chooseNoise(options, unet.config, dtype);
  const [count = 0] = shape;
  const { labels, nullLabel } = conditionsOf(options, unet, count);
  const conditions = classConditions(labels, nullLabel);
  const slopeAt = classifier?.slopeFor(
    Array.from({ length: count }, (_, i) => i),
    conditions['given'],
  );
  const guidance = chooseUNetGuidance(options, unet, { weak, slopeAt });
  const models = { main: unet, ...(weak && { weak }) };
  const plan = { models, conditions, guidance, shape };
  const work = plannedWork(() => leastWork({ ...plan, scheduler: withJumps(picture, scheduler) }), shape);
  return { ...plan, scheduler, stepCount, begin, first, noiseSource, labels, work };
}

/** Checks all that can be wrong whatever the model is, before its files are read, which may take long. */
function checkBeforeFiles(options: ParsedOptions): void {
  givenGuidance(options);
  checkSchedulerOptions(options);
  seedsOf(options);
  listedLabels(options);
}
