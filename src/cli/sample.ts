/** `pag sample`: draws pictures with a model. */
import { InputError } from '../tensor/errors.ts';
import { classConditions } from '../models/condition.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import type { SamplingRun, SamplingStep } from '../sampling/sample.ts';
import { leastWork } from '../sampling/work.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import { conditionsOf, listedLabels } from './class-labels.ts';
import type { Command } from './command.ts';
import { printDrawn, type DrawnRun } from './drawn.ts';
import { follow } from './follow.ts';
import { sampleFromWords } from './from-words.ts';
import { chooseUNetGuidance, chosenPage, givenGuidance, guidanceHelp, guidanceOptions } from './guidance-options.ts';
import { invertPicture } from './invert.ts';
import { loadWithLora, loraHelp, loraOptions } from './lora.ts';
import { createMeter } from './meter.ts';
import { loadWeak, modelHelp } from './model.ts';
import { chooseClassifier, classifierHelp, classifierOptions } from './noise-classifier.ts';
import { chooseNoise, noiseHelp, noiseOptions, seedsOf } from './noise.ts';
import { readOptions, type OptionKinds, type ParsedOptions } from './options.ts';
import { beginWith, choosePicture, pictureHelp, pictureOptions, withJumps } from './picture.ts';
import { checkSchedulerOptions, chooseRun, schedulerHelp, schedulerOptions } from './scheduler-options.ts';
import { chooseRunFiles, planPictures, runTitle, writeDrawn, type DrawChoices } from './run-report.ts';
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

const help = `pag sample --out GRID.png [options]

Draws pictures with a diffusers model and writes them side by side as PNG.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
${loraHelp}
  --weak-model DIR                of auto-guidance: a second, worse model of the same shape
${classifierHelp}
  --out GRID.png                  where the pictures go, side by side, with all that pag again needs to draw them again;
                                  each by itself with {index}, {seed} or {label} in the name: out/{seed}-{label}.png
  --animation FILE.png|FILE.gif   how they become what they are, step by step, as an animated PNG, or as a GIF
  --latents FILE.safetensors      where the numbers go: noise, step.0 ... (after each call of the model), sample;
                                  of --init start, too: the noised picture
  --labels 0-4,7                  class labels or ranges of them, repeated as often as needed
${wordHelp}
${noiseHelp}
${schedulerHelp}
  --preview                       shows in the terminal what is being drawn
${pictureHelp}
${guidanceHelp}
${backendHelp}`;

/** The command `pag sample`. */
export const sampleCommand: Command = { help: (args) => help + chosenPage(args), options: sampleKinds, run };

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
  const { out, animation } = files;
  if (options.has('prompt')) return sampleFromWords(options, picture, files, choices);
  refuseWithoutPrompt(options);
  const meter = createMeter();
  const chosen = chooseBackend(options, meter.watch);
  const { dtype, backend } = chosen;
  const { unet, schedulerConfig } = await loadWithLora(options, dtype);
  if (![1, 3, 4].includes(unet.config.inChannels) && ((out ?? animation) !== undefined || options.has('preview'))) {
    throw new InputError(
      `samples of ${unet.config.inChannels} channels cannot be drawn; ` +
        'leave out --out and --preview, and give --latents FILE.safetensors',
    );
  }
  const weak = await loadWeak(options, dtype);
  const classifier = await chooseClassifier(options, dtype, backend, schedulerConfig);
  const { scheduler: plain, stepCount, begin } = await chooseRun(options, schedulerConfig, picture?.strength ?? 1);
  const { shape: whole, first, noiseSource } = await chooseNoise(options, unet.config, dtype);
  const [count = 0] = whole;
  const slopeAt = classifier?.slopeFor(Array.from({ length: count }, (_, i) => i));
  const guidance = chooseUNetGuidance(options, unet, { weak, slopeAt });
  const conditions = conditionsOf(options, unet, count);
  const models = { main: unet, ...(weak && { weak }) };
  const byName = classConditions(conditions.labels, conditions.nullLabel);
  const plan = { models, conditions: byName, guidance, scheduler: withJumps(picture, plain), shape: whole };
  const work = plannedWork(() => leastWork(plan), whole);
  announceWork(work, { speed: speedOf(chosen) });
  const weights = {
    model: [unet.weights],
    ...(weak && { 'weak-model': [weak.weights] }),
    ...(classifier && { 'noise-classifier': [classifier.model.weights] }),
  };
  const pictures = await planPictures(files, options, choices, weights, count, conditions.labels);
  const noise = first();
  const { scheduler, start } = picture
    ? await beginWith(picture, plain, noise)
    : { scheduler: plain, start: undefined };

  const started = performance.now();
  const samplingRun: SamplingRun = {
    denoiser: denoiserOf(models, backend, byName),
    guidance,
    scheduler,
    noise,
    noiseSource,
    ...(start && { start }),
  };
  const frames: Tensor[] = [];
  const watch = ({ sample, denoised }: SamplingStep): void => {
    if (files.animation !== undefined) frames.push(denoised ?? sample);
  };
  const keeps = files.latents !== undefined;
  const metered = { meter, products: work.products };
  const { sample, steps } = await follow(samplingRun, 'drawing', {
    ...{ keeps, preview: options.has('preview'), watch, metered },
  });
  backend.dispose();

  const title = runTitle(guidance, scheduler, { stepCount, begin });
  const before = { noise, ...(start && { start }) };
  writeDrawn(files, { title, samples: sample, steps, before, behind: { sample }, pictures, frames });
  return { what: 'samples', shape: whole, title, dtype, backend, started, files };
}

/** Checks all that can be wrong whatever the model is, before its files are read, which may take long. */
function checkBeforeFiles(options: ParsedOptions): void {
  givenGuidance(options);
  checkSchedulerOptions(options);
  seedsOf(options);
  listedLabels(options);
}
