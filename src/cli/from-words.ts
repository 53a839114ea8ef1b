/** `pag sample --prompt`: pictures from words, with a pipeline of Stable Diffusion 1, 2 or XL. */
import { folderReader, readBytes } from '../formats/node-files.ts';
import { maskTensor } from '../formats/picture-tensor.ts';
import { decodePng } from '../formats/png-reader.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Weights } from '../models/model.ts';
import { picturesOf, pixelsPerLatent } from '../pipelines/latents.ts';
import { latentRun, type LatentNoise, type LatentPicture } from '../pipelines/latent-start.ts';
import { pipelineWork } from '../pipelines/pipeline-work.ts';
import { promptConditions } from '../pipelines/prompts.ts';
import { loadStableDiffusion, type StableDiffusion } from '../pipelines/stable-diffusion.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { clamp, mapElements } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, type DType, type Tensor } from '../tensor/tensor.ts';
import { chooseBackend } from './backend.ts';
import type { DrawnRun } from './drawn.ts';
import { follow, whileMeasured } from './follow.ts';
import { refuseClassifier } from './guidance-options.ts';
import { chooseLora } from './lora.ts';
import { warn } from './messages.ts';
import { createMeter, type Meter } from './meter.ts';
import { folderChoices } from './model.ts';
import { chooseNoise, type ChosenNoise } from './noise.ts';
import { refuseIdle, type ParsedOptions } from './options.ts';
import { readPicture, readSized, type PictureChoice } from './picture.ts';
import { choosePipelineGuidance } from './pipeline-guidance.ts';
import { planPictures, runTitle, writeDrawn, type DrawChoices, type OutFiles } from './run-report.ts';
import { chooseRun } from './scheduler-options.ts';
import { chooseSize, chooseSizes, chooseWords, type Words } from './word-options.ts';
import { announceWork, plannedWork, speedOf } from './work.ts';

/** What a run from words does not have. */
const foreign = [
  'labels',
  'null-label',
  'weak-model',
  'noise-classifier',
  'clean-classifier',
  'classifier-labels',
  'invert',
  'preview',
  'animation',
  'inpaint-method',
] as const;

/**
 * Draws pictures of prompts.
 * @param picture that the run begins with
 * @param files where they go
 * @returns what was drawn, and where it is
 * @throws InputError for options that do not fit prompts, and folders that are no pipeline with text
 */
export async function sampleFromWords(
  options: ParsedOptions,
  picture: PictureChoice | undefined,
  files: OutFiles,
  choices: DrawChoices,
): Promise<DrawnRun> {
  refuseIdle(options, foreign, 'with --prompt');
  refuseClassifier(options, '--prompt');
  const meter = createMeter();
  const computing = chooseBackend(options, meter.watch);
  const { dtype, backend } = computing;
  const words = chooseWords(options);
  const pipeline = await loadPipeline(options, dtype);
  warn([...pipeline.warnings, ...cutWords(options, pipeline, words)]);
  const planned = await planRun(options, picture, pipeline, words, dtype);
  announceWork(planned.work, { speed: speedOf(computing) });
  const [count = 0] = planned.noise.shape;
  const pictures = await planPictures(files, options, choices, { model: weightsOf(pipeline) }, count);

  const started = performance.now();
  const { sample, samples, steps, before } = await drawPlanned(pipeline, backend, planned, {
    picture,
    words,
    meter,
    keeps: files.latents !== undefined,
  });
  backend.dispose();
  const title = runTitle(planned.guidance, planned.chosen.scheduler, planned.chosen);
  const drawn = { title, samples, steps, before, behind: { sample, image: brightness(samples) }, pictures };
  return { what: 'picture', shape: samples.shape, title, dtype, backend, started, files: writeDrawn(files, drawn) };
}

/** The weights of all models that a run computes with. */
function weightsOf({ texts, unet, autoencoder }: StableDiffusion): readonly Weights[] {
  const encoders = texts.map(({ encoder }) => encoder);
  return [unet, autoencoder.decoder, autoencoder.encoder, ...encoders].map(({ weights }) => weights);
}

/** What of a run is not its plan. */
interface Drawing {
  /** That it begins with. */
  readonly picture: PictureChoice | undefined;
  readonly words: Words;
  readonly meter: Meter;
  /** Whether the samples after each call are kept. */
  readonly keeps: boolean;
}

/** Runs the models, one after the other: what has been run will not be run again, and the next one takes its place. */
async function drawPlanned(
  pipeline: StableDiffusion,
  backend: Backend,
  { guidance, guidanceScale, chosen, noise, size, sizes, work }: Awaited<ReturnType<typeof planRun>>,
  { picture, words, meter, keeps }: Drawing,
) {
  const [count = 0] = noise.shape;
  const conditions = promptConditions(pipeline, backend, {
    ...eachPicture(words, count),
    clipSkip: words.clipSkip,
    ...(sizes && { sizes }),
    ...(guidanceScale !== undefined && { guidanceScale }),
  });
  backend.release?.();
  const from = picture && (await readLatentPicture(picture, pipeline, size, words.tiling));
  const { unet, ...run } = latentRun(pipeline, backend, chosen.scheduler, from, noise);
  backend.release?.();
  const denoiser = denoiserOf({ main: unet }, backend, conditions);
  const { sample, steps } = await follow({ denoiser, guidance, ...run, noiseSource: noise.noiseSource }, 'drawing', {
    keeps,
    metered: { meter, products: work.drawing ?? work.products },
  });
  backend.release?.();
  const samples = whileMeasured('decoding', { meter, products: work.products - (work.drawing ?? 0) }, () =>
    picturesOf(pipeline, backend, sample, { tiling: words.tiling }),
  );
  return { sample, samples, steps, before: { noise: run.noise, ...(run.start && { start: run.start }) } };
}

/** All that is to be known of a run before it begins, and what it takes. */
async function planRun(
  options: ParsedOptions,
  picture: PictureChoice | undefined,
  pipeline: StableDiffusion,
  words: Words,
  dtype: DType,
) {
  const { guidance, guidanceScale } = choosePipelineGuidance(options, pipeline.unet);
  const chosen = await chooseRun(options, pipeline.schedulerConfig, picture?.strength ?? 1);
  const noise = await chooseLatents(options, pipeline, picture, dtype, words.prompts.length);
  const [, , h = 0, w = 0] = noise.shape;
  const factor = pixelsPerLatent(pipeline);
  const size = [h * factor, w * factor] as const;
  const sizes = chooseSizes(options, pipeline, size);
  const texts = new Set([...firstTexts(words), ...secondTexts(words)]).size;
  const plan = { guidance, scheduler: chosen.scheduler, shape: noise.shape, texts };
  const work = plannedWork(() => pipelineWork(pipeline, plan), noise.shape);
  return { guidance, guidanceScale, chosen, noise, size, sizes, work };
}

/** The pipeline that --model names, with LoRAs merged into it. */
export async function loadPipeline(options: ParsedOptions, dtype: DType): Promise<StableDiffusion> {
  const folder = options.required('model', 'a prompt needs a pipeline, as fixtures/letters-text/model');
  const lora = await chooseLora(options, dtype);
  const choices = { ...folderChoices(options), ...lora.choices };
  const pipeline = await loadStableDiffusion(await folderReader(folder), folder, dtype, choices);
  lora.report();
  return pipeline;
}

/** What of prompts is too long for a text encoder of the pipeline, the first unless said, a line for each. */
export function cutOff({ texts }: StableDiffusion, prompts: readonly string[], encoder = 0): readonly string[] {
  return [...new Set(prompts)].flatMap((prompt) => {
    const { cut } = at(texts, encoder).tokenize(prompt);
    return cut === '' ? [] : [`the prompt is too long; cut off is "${cut}"`];
  });
}

const firstTexts = ({ prompts, negativePrompts }: Words): readonly string[] => [...prompts, ...negativePrompts];
const secondTexts = ({ prompts2, negativePrompts2 }: Words): readonly string[] => [...prompts2, ...negativePrompts2];

/**
 * What of all texts is too long.
 * @throws InputError for texts of a second text encoder that the pipeline does not have
 */
function cutWords(options: ParsedOptions, pipeline: StableDiffusion, words: Words): readonly string[] {
  if (pipeline.texts.length === 1)
    refuseIdle(options, ['prompt-2', 'negative-prompt-2'], 'without a second text encoder');
  return [...cutOff(pipeline, firstTexts(words)), ...cutOff(pipeline, secondTexts(words), 1)];
}

/** The prompts, and those that take their place, one for each picture. */
function eachPicture({ prompts, ...others }: Words, count: number) {
  const each = (texts: readonly string[]): readonly string[] =>
    Array.from({ length: count }, (_, i) => at(texts, Math.floor((i * texts.length) / count)));
  const given = (['negativePrompts', 'prompts2', 'negativePrompts2'] as const).filter((key) => others[key].length > 0);
  return { prompts: each(prompts), ...Object.fromEntries(given.map((key) => [key, each(others[key])])) };
}

/**
 * The noise of the latents, and how many pictures there are: as many of each prompt.
 * @throws InputError for noise that is none of such latents, or cannot be shared among the prompts
 */
async function chooseLatents(
  options: ParsedOptions,
  pipeline: StableDiffusion,
  picture: PictureChoice | undefined,
  dtype: DType,
  prompts: number,
): Promise<ChosenNoise & LatentNoise> {
  const factor = pixelsPerLatent(pipeline);
  const { latentChannels } = pipeline.autoencoder.config;
  const { sampleSize: latents } = pipeline.unet.config;
  const own = latents && ([latents[0] * factor, latents[1] * factor] as const);
  const ofPicture = picture && !picture.resizes ? await sizeOfPicture(picture.init) : undefined;
  const [height, width] = chooseSize(options, factor, ofPicture ?? own) ?? [];
  const sampleSize =
    height === undefined || width === undefined ? undefined : ([height / factor, width / factor] as const);
  const noise = await chooseNoise(options, { sampleSize, inChannels: latentChannels }, dtype, prompts);
  const [count = 0, channels = 0, h = 0, w = 0] = noise.shape;
  const asked = ['height', 'width'].some((name) => options.has(name)) || ofPicture;
  if (channels !== latentChannels || (asked && (h !== sampleSize?.[0] || w !== sampleSize?.[1])))
    throw new InputError(
      `the noise is ${shapeText(noise.shape)}, but the pictures need latents of ` +
        `[N, ${[latentChannels, ...(asked && sampleSize ? sampleSize : ['h', 'w'])].join(', ')}]`,
    );
  if (count % prompts !== 0)
    throw new InputError(`${count} pictures cannot be shared among ${prompts} prompts; give a multiple of ${prompts}`);
  return { ...noise, ofLatents: noise.sourceOf(pipeline.autoencoder.encoder.dtype) };
}

async function sizeOfPicture(file: string): Promise<readonly [number, number]> {
  const { width, height } = decodePng(await readBytes(file), file);
  return [height, width];
}

/** The picture and the mask of a run, as large as what is drawn. */
async function readLatentPicture(
  { init, strength, resizes, mask }: PictureChoice,
  { autoencoder, unet }: StableDiffusion,
  size: readonly [number, number],
  tiling: boolean,
): Promise<LatentPicture> {
  const shape = [1, autoencoder.config.inChannels, ...size];
  const picture = await readPicture(init, shape, unet.dtype, resizes);
  const read = mask && maskTensor(await readSized(mask.file, shape, resizes), unet.dtype);
  return { picture, strength, tiling, ...(read && { mask: read }) };
}

/** From [−1, 1] to [0, 1], cut off beyond. */
function brightness(samples: Tensor): Tensor {
  return clamp(
    mapElements(samples, (value) => value / 2 + 0.5),
    0,
    1,
  );
}
