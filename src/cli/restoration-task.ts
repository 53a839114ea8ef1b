/** What `pag restore` is given: which damage has been done to which picture. */
import { readBytes } from '../formats/node-files.ts';
import { maskTensor, pictureTensor } from '../formats/picture-tensor.ts';
import { decodePng } from '../formats/png-reader.ts';
import type { Picture } from '../formats/picture.ts';
import { measure, type Measurement } from '../restoration/measurement.ts';
import { everything, gaussianBlur, inpainting, motionBlur, superResolution } from '../restoration/measurements.ts';
import { forEachSample } from '../sampling/from-picture.ts';
import type { Work } from '../sampling/work.ts';
import type { Config } from '../schedulers/options.ts';
import { add, scale } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import { allocate, tensor, zeros, type DType, type Tensor } from '../tensor/tensor.ts';
import { chooseScheduler } from './model.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';
import { chooseRun, type ChosenScheduler } from './scheduler-options.ts';

/** The tasks that there are. */
export const tasks = ['denoise', 'inpaint', 'inpaint-random', 'sr4', 'sr8', 'gaussian-blur', 'motion-blur'] as const;
/** One of them. */
export type Task = (typeof tasks)[number];

/** How pictures are restored: by DPS in pixels, or by PSLD in latents. */
export const methods = ['dps', 'psld'] as const;
/** One of them. */
export type Method = (typeof methods)[number];

/** The options that say what has happened to a picture. */
export const taskOptions: OptionKinds = {
  task: 'text',
  input: 'text',
  degrade: 'flag',
  'noise-level': 'number',
  mask: 'text',
};

/** The part of the command's help that explains them. */
export const taskHelp = `  --task denoise|inpaint|inpaint-random|sr4|sr8|gaussian-blur|motion-blur
                                  what has happened to the picture: noise; a part is missing (--mask); pixels are
                                  missing (seven of ten); it is 4 or 8 times too small; blurred (sigma 2 pixels), or
                                  along the diagonal (9 pixels)
  --input PICTURE.png             the picture that is to be restored
  --degrade                       it is whole: the task's damage is done to it first, and how well that is undone is
                                  told
  --noise-level SIGMA             of --degrade: noise on what is measured, of pictures from -1 to 1 (0.05)
  --mask MASK.png                 of inpaint: what is white in it is missing; without it the middle`;

/** Of `inpaint-random`: the share of pixels that are missing, and the seed of which. */
const [missing, missingSeed] = [0.7, 0];
/** Of the noise that `--degrade` adds: another one than that of the run. */
const degradingSeed = 1_000_003;

/** A picture that was measured, and, where it is known, what it was. */
export interface RestorationTask {
  readonly task: Task;
  readonly measurement: Measurement;
  /** y, [1,C,H′,W′]. */
  readonly measured: Tensor;
  /** [1,C,H,W]. */
  readonly whole: Tensor | undefined;
}

/**
 * Reads the picture and, with `--degrade`, damages it.
 * @param shape of the samples, [N,C,H,W]
 * @throws InputError for a task that there is not, options that have no effect on it, and pictures of another size
 */
export async function readTask(
  options: ParsedOptions,
  [, channels = 0, height = 0, width = 0]: readonly number[],
  dtype: DType,
): Promise<RestorationTask> {
  const task = options.choice('task', tasks);
  if (task === undefined) throw new InputError(`--task is missing; expected ${tasks.join(', ')}`);
  if (options.has('mask') && task !== 'inpaint') throw new InputError('--mask has no effect without --task inpaint');
  if (options.has('noise-level') && !options.has('degrade'))
    throw new InputError('--noise-level has no effect without --degrade: the noise of a picture is in it already');
  if (channels !== 1 && channels !== 3)
    throw new InputError(`samples of ${channels} channels cannot be restored from a picture; it has 1 or 3`);
  const size = [height, width] as const;
  const measurement = await measurementOf(task, size, options.text('mask'));
  const degrades = options.has('degrade');
  const file = options.required('input');
  const advice = degrades
    ? 'as the model draws'
    : `as ${task} leaves of one of ${height} × ${width}; or give --degrade`;
  const given = pictureTensor(await readOf(file, degrades ? size : measurement.sizeOf(size), advice), channels, dtype);
  if (!degrades) return { task, measurement, measured: hiddenAsZero(measurement, given), whole: undefined };
  const clean = measure(measurement, given);
  const noise = manualSeed(degradingSeed).randn(clean.shape, dtype);
  return {
    task,
    measurement,
    measured: add(clean, scale(noise, options.number('noise-level', 0) ?? 0.05)),
    whole: given,
  };
}

/** The measurement once for each sample. */
export function measuredFor({ measured }: RestorationTask, count: number, dtype: DType): Tensor {
  return forEachSample(measured, zeros(dtype, [count, ...measured.shape.slice(1)]));
}

/**
 * The run: by DDPM on the levels of the model's own scheduler, unless another is asked for. A step of DDPM adds noise,
 * so that the model mends in the next ones what a move towards the measurement has spoilt; one of DDIM does not.
 * @param ofModel the config of the model's own; where it has none, DDIM is assumed, as by every command
 * @throws InputError as `chooseRun`
 */
export async function chooseRestoringRun(
  options: ParsedOptions,
  ofModel: Config | undefined,
): Promise<ChosenScheduler> {
  const isChosen = options.has('scheduler') || options.has('scheduler-config');
  return chooseRun(options, isChosen || !ofModel ? ofModel : await chooseScheduler('ddpm', undefined, ofModel));
}

/**
 * The weights, powers of two, with which each method restored letters best by DDPM in 20 steps without guidance
 * (fixtures/evaluation/restoration-weights.json).
 */
export const bestWeights: Readonly<Record<Method, Readonly<Record<Task, number>>>> = {
  dps: { denoise: 2, inpaint: 4, 'inpaint-random': 4, sr4: 8, sr8: 16, 'gaussian-blur': 8, 'motion-blur': 8 },
  psld: { denoise: 2, inpaint: 8, 'inpaint-random': 4, sr4: 8, sr8: 16, 'gaussian-blur': 8, 'motion-blur': 8 },
};

/** How much PSLD's gluing counts beside a measurement of this weight, unless told otherwise. */
export const usualGluing = (weight: number): number => weight / 10;

/** How much the measurement counts: what --weight says, or what is best in 20 steps; the less the more there are. */
export function chooseWeight(options: ParsedOptions, method: Method, task: Task, steps: number): number {
  return options.number('weight', 0) ?? Math.min(bestWeights[method][task], 320 / steps);
}

/** What restoring takes where drawing takes this: each slope is a pass and the way back, as long as the pass. */
export function restoringWork({ products, bytes }: Work): Work {
  return { products: 3 * products, bytes: 3 * bytes };
}

/**
 * What a task measures of pictures of a size.
 * @param mask the file that --mask names
 */
export async function measurementOf(
  task: Task,
  size: readonly [number, number],
  mask: string | undefined,
): Promise<Measurement> {
  switch (task) {
    case 'denoise':
      return everything;
    case 'inpaint':
      return inpainting(
        task,
        mask === undefined ? middleOf(size) : maskTensor(await readOf(mask, size, 'as the picture'), 'f32'),
      );
    case 'inpaint-random':
      return inpainting(task, scattered(size));
    case 'sr4':
    case 'sr8':
      return superResolution(Number(task.slice(2)));
    case 'gaussian-blur':
      return gaussianBlur(2);
    case 'motion-blur':
      return motionBlur(9);
  }
}

/** A picture with the hidden pixels as they are measured: 0. Of what hides none, the picture. */
function hiddenAsZero(measurement: Measurement, given: Tensor): Tensor {
  return measurement.name.startsWith('inpaint') ? measure(measurement, given) : given;
}

/** 1 in the middle half of height and width. */
function middleOf([height, width]: readonly [number, number]): Tensor {
  const inMiddle = (place: number, count: number): boolean => place >= count / 4 && place < (3 * count) / 4;
  return maskOf([height, width], (i) => inMiddle(Math.floor(i / width), height) && inMiddle(i % width, width));
}

/** 1 in pixels here and there. */
function scattered(size: readonly [number, number]): Tensor {
  const { data } = manualSeed(missingSeed).rand([1, 1, ...size]);
  return maskOf(size, (i) => (data[i] ?? 0) < missing);
}

function maskOf([height, width]: readonly [number, number], isHidden: (i: number) => boolean): Tensor {
  const data = allocate('f32', height * width).map((_, i) => (isHidden(i) ? 1 : 0));
  return tensor('f32', [1, 1, height, width], data);
}

/** @throws InputError for what is no PNG, or is of another size */
async function readOf(file: string, [height, width]: readonly [number, number], advice: string): Promise<Picture> {
  const picture = decodePng(await readBytes(file), file);
  if (picture.width === width && picture.height === height) return picture;
  throw new InputError(
    `${file} has ${picture.width} × ${picture.height} pixels; expected ${width} × ${height}, ${advice}`,
  );
}
