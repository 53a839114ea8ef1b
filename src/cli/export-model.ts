/** `pag export --model`: a case of one's own model, computed on the spot. */
import { basename } from 'node:path';
import { folderReader, makeFolder } from '../formats/node-files.ts';
import { loadModelFolder } from '../formats/diffusers.ts';
import { located } from '../formats/hub-cache.ts';
import { readJsonFile, type ReadFile } from '../formats/read-file.ts';
import type { Weights } from '../models/model.ts';
import { selectLayers } from '../models/selectors.ts';
import { createUNet } from '../models/unet2d/unet.ts';
import { classConditions } from '../models/condition.ts';
import { pixelsPerLatent } from '../pipelines/latents.ts';
import { pipelineWork } from '../pipelines/pipeline-work.ts';
import { leastWork, type PlannedRun, type Work } from '../sampling/work.ts';
import { loadStableDiffusion, type StableDiffusion } from '../pipelines/stable-diffusion.ts';
import type { GuidanceSetting, RunSetting } from '../oracle/case.ts';
import { readmeOf } from '../oracle/readme.ts';
import { formats } from '../oracle/honest/format.ts';
import { reference } from '../oracle/implementation.ts';
import { compute, planOf, productsOf, type Draft } from '../oracle/own-case.ts';
import { caseFiles, type RunCase } from '../oracle/write-case.ts';
import type { Config } from '../schedulers/options.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { conditionsOf } from './class-labels.ts';
import { tryExpressions } from './expressions.ts';
import { cutOff } from './from-words.ts';
import { filesOfChecker, writeFiles } from './kit.ts';
import { warn } from './messages.ts';
import { chooseScheduler, folderChoices } from './model.ts';
import { seedOf } from './noise.ts';
import { refuseIdle, type OptionKinds, type ParsedOptions } from './options.ts';
import { createProgress } from './progress.ts';

/** The options of cases of one's own model. */
export const ownModelOptions: OptionKinds = {
  model: 'text',
  variant: 'text',
  prompt: 'any text',
  'negative-prompt': 'any text',
  labels: 'text',
  'null-label': 'number',
  height: 'number',
  width: 'number',
  steps: 'number',
  eta: 'number',
  seed: 'text',
  scheduler: 'text',
  'scheduler-config': 'text',
  'guidance-scale': 'number',
  'pag-scale': 'number',
  'pag-adaptive-scale': 'number',
  'pag-layers': 'text',
  'guidance-rescale': 'number',
  taps: 'text',
};

/** The part of a command's help that explains them. */
export const ownModelHelp = `\
  --model DIR        the model: a pipeline or UNet folder as diffusers' save_pretrained writes it
  --variant NAME     of its weights, as fp16
  --prompt TEXT, --negative-prompt TEXT
                     for pipelines of Stable Diffusion 1, 2 and XL
  --labels L, --null-label L
                     for models with classes
  --height H, --width W
                     of the picture in pixels (the model's sample_size)
  --steps N          how many steps (2)
  --seed S, --eta E, --scheduler NAME, --scheduler-config FILE.json
                     as of pag sample
  --guidance-scale G, --pag-scale S, --pag-adaptive-scale A, --pag-layers SEL[,SEL...], --guidance-rescale PHI
                     as of pag sample (G 1 without --prompt or --null-label, else 3; S 1.5; layers mid)
  --taps GLOB[,GLOB...]
                     what the port is to show, as 'step.0.mid_block*'; blocks and attention of the first step and the
                     results of all, unless given`;

/** So many multiplications are done; more would take a day. */
const mostProducts = 2e13;
/** So many numbers of taps are kept; more would not fit in the memory of most machines. */
const mostNumbers = 5e7;
/** Multiplications in a second, about: what is said of time before it is known. */
const speed = 1.5e9;

/**
 * Writes a case of the model that --model names into a folder.
 * @throws InputError for models and options that cannot be used, and for what would be gigantic
 */
export async function exportOwn(options: ParsedOptions, folder: string): Promise<RunCase> {
  const format = formats.f32;
  const seed = seedOf('seed', options.text('seed') ?? '0');
  const { draft, shape, work } = options.has('prompt') ? await fromWords(options) : await fromNoise(options);
  const products = productsOf(draft, format, work.products);
  refuseLong(products);
  const plan = planOf(draft, shape, seed, options.list('taps'));
  refuseMany(plan.numbers);
  const time = timeText(products / speed);
  warn([
    `${products.toExponential(1)} multiplications, about ${time}; ${plan.names.size} taps, ${plan.numbers} numbers`,
  ]);
  makeFolder(folder);
  const progress = createProgress('computing');
  const { case: one, bands } = compute(plan, format, (done, total) => progress.update(done, total));
  progress.end();
  const guide = ['README.md', new TextEncoder().encode(readmeOf(one, folder))] as const;
  await writeFiles(folder, new Map([...(await caseFiles(one, bands, 'f32')), guide, ...(await filesOfChecker())]));
  return one;
}

function refuseLong(products: number): void {
  if (products <= mostProducts) return;
  throw new InputError(
    `this takes ${products.toExponential(1)} multiplications, about ${timeText(products / speed)}; ` +
      'ask for fewer --steps, a smaller --height and --width, or take the small cases that ship (pag cases)',
  );
}

function refuseMany(numbers: number): void {
  if (numbers <= mostNumbers) return;
  throw new InputError(
    `the taps have ${numbers.toExponential(1)} numbers, but at most ${mostNumbers.toExponential(0)} are kept; ` +
      'name fewer with --taps, or ask for a smaller --height and --width',
  );
}

function timeText(seconds: number): string {
  if (seconds < 120) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** What is to be computed, and the shape of its noise. */
interface Asked {
  readonly draft: Draft;
  readonly shape: readonly number[];
  /** Of one run. */
  readonly work: Pick<Work, 'products'>;
}

const truth = "pag's own float64, which agrees with PyTorch's to 1e-11 of its size in the cases that ship";

async function fromNoise(options: ParsedOptions): Promise<Asked> {
  if (options.has('negative-prompt')) throw new InputError('--negative-prompt has no effect without --prompt');
  const folder = options.required('model');
  const found = await loadModelFolder(await folderReader(folder), folder, folderChoices(options));
  warn(found.warnings);
  const unet = createUNet(found.config, found.weights, 'f32', folder);
  const { labels, nullLabel } = conditionsOf(options, unet, 1);
  const subject = {
    kind: 'run' as const,
    config: withoutNotes(found.configJson),
    ...(await runOf(options, found.schedulerConfig)),
    guidance: settingOf(options, unet.attentionLayers, nullLabel === undefined ? 1 : 3),
    labels,
    nullLabel,
  };
  if (subject.guidance.guidanceScale !== 1 && nullLabel === undefined)
    throw new InputError('--guidance-scale needs --null-label, the label that means "no class"');
  const [height, width] = sizeOfPicture(options, found.config.sampleSize, 1);
  const title = `a run of ${subject.steps} steps with PAG, of the model ${basename(folder)}`;
  const shape = [1, found.config.inChannels, height, width];
  const work = leastWork({
    models: { main: unet },
    conditions: classConditions(labels, nullLabel),
    ...plannedBy(subject),
    shape,
  });
  const weights = inSingle(found.weights, '');
  return { draft: { name: basename(folder), title, truth, subject, weights }, shape, work };
}

async function fromWords(options: ParsedOptions): Promise<Asked> {
  refuseIdle(options, ['labels', 'null-label'], 'with --prompt');
  const folder = options.required('model');
  const { readFile, source } = await located(await folderReader(folder), folder, 'model_index.json');
  const pipeline = await loadStableDiffusion(readFile, source, 'f32', folderChoices(options));
  const [prompt, negative] = [options.required('prompt'), options.text('negative-prompt') ?? ''];
  warn([...pipeline.warnings, ...cutOff(pipeline, [prompt, negative])]);
  const { unet, texts, autoencoder } = pipeline;
  const ways = refusal(pipeline);
  if (ways !== undefined) throw new InputError(`${folder}: ${ways}`);
  const perLatent = pixelsPerLatent(pipeline);
  const [height, width] = sizeOfPicture(options, unet.config.sampleSize, perLatent);
  const parts = texts.map((_, i) => (i === 0 ? 'text_encoder' : `text_encoder_${i + 1}`));
  const configs = await Promise.all([...parts, 'unet', 'vae'].map((part) => configOf(readFile, part, source)));
  const subject = {
    kind: 'text-to-image' as const,
    textEncoders: texts.map(({ tokenize }, i) => ({
      config: configs[i] ?? {},
      inputIds: [[...tokenize(prompt).ids]],
      negativeInputIds: [[...tokenize(negative).ids]],
    })),
    hiddenState: texts.length > 1 ? ('penultimate' as const) : ('last' as const),
    zeroNegative: pipeline.forceZerosForEmptyPrompt && !options.has('negative-prompt'),
    sizes:
      texts.length > 1
        ? { original: [height, width] as const, crop: [0, 0] as const, target: [height, width] as const }
        : undefined,
    unet: configs.at(-2) ?? {},
    vae: configs.at(-1) ?? {},
    ...(await runOf(options, pipeline.schedulerConfig)),
    guidance: settingOf(options, unet.attentionLayers, 3),
  };
  const title = `from the tokens of a prompt to its picture in ${subject.steps} steps with PAG, by ${basename(folder)}`;
  const weights = new Map([
    ...texts.flatMap(({ encoder }, i) => [...inSingle(encoder.weights, `${parts[i]}.`)]),
    ...inSingle(unet.weights, 'unet.'),
    ...inSingle(autoencoder.decoder.weights, 'vae.'),
  ]);
  const shape = [1, unet.config.inChannels, height / perLatent, width / perLatent];
  const work = pipelineWork(pipeline, { ...plannedBy(subject), shape, texts: 2 });
  return { draft: { name: basename(folder), title, truth, subject, weights }, shape, work };
}

/** Guidance and scheduler of a run that is to be. */
function plannedBy({ guidance, scheduler, steps, eta }: RunSetting): Pick<PlannedRun, 'guidance' | 'scheduler'> {
  return { guidance: reference.guidance(guidance), scheduler: reference.scheduler(scheduler, steps, { eta }) };
}

/** Why a pipeline cannot be made a case of. */
function refusal({ unet, autoencoder }: StableDiffusion): string | undefined {
  if (!('blockOutChannels' in autoencoder.config))
    return 'its autoencoder is an AutoencoderTiny; cases have AutoencoderKL';
  if (unet.config.timeCondProjDim !== undefined)
    return 'its UNet is told the guidance scale (LCM); cases have none of it';
  if (unet.config.inChannels !== unet.config.outChannels)
    return 'its UNet repaints (9 channels); cases have none of it';
  return undefined;
}

async function configOf(readFile: ReadFile, part: string, source: string): Promise<Config> {
  return withoutNotes((await readJsonFile(readFile, `${part}/config.json`, source)) ?? {});
}

/** Keys that begin with _ say where a file comes from. */
function withoutNotes(json: Config): Config {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !key.startsWith('_')));
}

function inSingle(weights: Weights, prefix: string): Weights {
  return new Map([...weights].map(([name, value]) => [prefix + name, cast(value, 'f32')]));
}

async function runOf(
  options: ParsedOptions,
  ofModel: Config | undefined,
): Promise<{ readonly scheduler: Config; readonly steps: number; readonly eta: number }> {
  return {
    scheduler: await chooseScheduler(options.text('scheduler'), options.text('scheduler-config'), ofModel),
    steps: options.integer('steps', 1, 1000) ?? 2,
    eta: options.number('eta', 0) ?? 0,
  };
}

function settingOf(options: ParsedOptions, layers: readonly string[], guidanceScale: number): GuidanceSetting {
  const selectors = options.list('pag-layers') ?? ['mid'];
  tryExpressions(selectors, layers);
  return {
    guidanceScale: options.number('guidance-scale') ?? guidanceScale,
    pagScale: options.number('pag-scale', 0) ?? 1.5,
    pagAdaptiveScale: options.number('pag-adaptive-scale', 0) ?? 0,
    pagLayers: selectLayers(selectors, layers),
    guidanceRescale: options.number('guidance-rescale', 0) ?? 0,
  };
}

/** In pixels. @param multiple what height and width must be multiples of */
function sizeOfPicture(
  options: ParsedOptions,
  sampleSize: readonly [number, number] | undefined,
  multiple: number,
): readonly [number, number] {
  const asked = ['height', 'width'].map((name, i) => {
    const side = options.integer(name, 1, 65536) ?? (sampleSize?.[i] ?? 0) * multiple;
    if (side === 0) throw new InputError(`the model has no sample_size; give --height and --width`);
    if (side % multiple !== 0)
      throw new InputError(`--${name} is ${side}; a latent stands for ${multiple} pixels, so give a multiple of that`);
    return side;
  });
  return [asked[0] ?? 0, asked[1] ?? 0];
}
