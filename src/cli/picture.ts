/** The picture that a run begins with, and the part of it that is painted anew. */
import { readBytes } from '../formats/node-files.ts';
import { maskTensor, pictureTensor } from '../formats/picture-tensor.ts';
import { decodePng } from '../formats/png-reader.ts';
import type { Picture } from '../formats/picture.ts';
import { resized } from '../formats/resize.ts';
import { noisedPicture } from '../sampling/from-picture.ts';
import { replacing } from '../sampling/inpaint.ts';
import { repaintCalls, repainting, type Jumps } from '../sampling/repaint.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { warn } from './messages.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The options of runs that begin with a picture, and of --invert. */
export const pictureOptions: OptionKinds = {
  init: 'text',
  strength: 'number',
  resize: 'flag',
  inpaint: 'text',
  'inpaint-method': 'text',
  'jump-length': 'number',
  'jump-n-sample': 'number',
  invert: 'text',
  'out-noise': 'text',
};

/** The part of a command's help that explains them. */
export const pictureHelp = `  --init PICTURE.png              a picture to begin with, noised; --count variations of it
  --strength S                    how much of it is redrawn: the last S of all steps are run, above 0, to 1 (0.8);
                                  lcm and tcd space all their steps between there and the picture
  --resize                        brings picture and mask to the model's size (Lanczos); else they must have it
  --inpaint MASK.png              of --init: only what is white in the mask is drawn anew (strength 1, all steps)
  --inpaint-method replace|repaint
                                  puts the rest back after each step (replace, with any scheduler); or RePaint, for
                                  ddpm and ddim, which goes up and down between the noise levels
  --jump-length J                 of repaint: how many steps a jump goes up (10)
  --jump-n-sample R               of repaint: how often each way down is gone (10)
  --invert PICTURE.png            the other way, from a picture to the noise that DDIM draws it from: unguided,
  --out-noise FILE.safetensors    into this file, which --noise takes back`;

/** What is asked of a run that begins with a picture. */
export interface PictureChoice {
  /** The picture's file. */
  readonly init: string;
  /** Above 0, to 1. */
  readonly strength: number;
  /** Whether picture and mask are brought to the samples' size. */
  readonly resizes: boolean;
  /** The mask's file, and how often RePaint goes back up; undefined where the rest is put back. */
  readonly mask?: { readonly file: string; readonly jumps: Jumps | undefined };
}

/** @throws InputError for options that have no effect without others, and for a strength that is none */
export function choosePicture(options: ParsedOptions): PictureChoice | undefined {
  const needs = (names: readonly string[], what: string, isThere: boolean): void => {
    const idle = names.find((name) => options.has(name));
    if (idle !== undefined && !isThere) throw new InputError(`--${idle} has no effect without ${what}`);
  };
  const [init, file] = [options.text('init'), options.text('inpaint')];
  const method = options.choice('inpaint-method', ['replace', 'repaint']) ?? 'replace';
  needs(['strength', 'inpaint'], '--init PICTURE.png, the picture to begin with', init !== undefined);
  needs(['inpaint-method'], '--inpaint MASK.png', file !== undefined);
  needs(['jump-length', 'jump-n-sample'], '--inpaint-method repaint', file !== undefined && method === 'repaint');
  needs(['resize'], '--init or --invert', init !== undefined || options.has('invert'));
  needs(['out-noise'], '--invert PICTURE.png', options.has('invert'));
  if (init === undefined) return undefined;
  const strength = options.number('strength') ?? (file === undefined ? 0.8 : 1);
  if (!(strength > 0 && strength <= 1))
    throw new InputError(`--strength is ${options.text('strength')}; expected a number above 0, to 1 (all steps)`);
  const [jumpLength, jumpNSample] = ['jump-length', 'jump-n-sample'].map((name) => options.integer(name, 1));
  const given = { ...(jumpLength && { jumpLength }), ...(jumpNSample && { jumpNSample }) };
  const jumps = method === 'repaint' ? given : undefined;
  return { init, strength, resizes: options.has('resize'), ...(file !== undefined && { mask: { file, jumps } }) };
}

/** The scheduler with the calls that the run will make, to know what they take. @throws InputError for jumps */
export function withJumps(choice: PictureChoice | undefined, scheduler: Scheduler): Scheduler {
  if (!choice?.mask?.jumps) return scheduler;
  const calls = repaintCalls(scheduler.timesteps.length, choice.mask.jumps);
  return {
    ...scheduler,
    timesteps: calls.map((index) => at(scheduler.timesteps, index)),
    levelAt: (call) => scheduler.levelAt(at(calls, call)),
  };
}

/** How a run begins, and with which steps it goes on. */
export interface Beginning {
  readonly scheduler: Scheduler;
  /** Left out where the run begins with the noise alone. */
  readonly start?: Tensor;
}

/**
 * The beginning of a run with a picture.
 * @param scheduler of the run, without the steps that the strength leaves out
 * @param noise of the run, [N,C,H,W]
 * @throws InputError for files that are no pictures of the samples' size, and for what the scheduler cannot do
 */
export async function beginWith(
  { init, strength, resizes, mask }: PictureChoice,
  scheduler: Scheduler,
  noise: Tensor,
): Promise<Beginning> {
  if (scheduler.name.endsWith('InverseScheduler'))
    throw new InputError(
      `${scheduler.name} leads from a picture to noise; give the picture as --invert, not as --init`,
    );
  const { shape, dtype } = noise;
  const picture = await readPicture(init, shape, dtype, resizes);
  // As in diffusers: with all steps, repainting begins with the noise alone.
  const start = mask && strength === 1 ? {} : { start: noisedPicture(scheduler, picture, noise) };
  if (!mask) return { scheduler, ...start };
  const inpainting = { picture, mask: await readMask(mask.file, shape, dtype, resizes) };
  if (inpainting.mask.data.every((value) => value === 0))
    warn([`${mask.file}: nothing in it is white, so nothing is repainted`]);
  const masked = mask.jumps
    ? repainting(scheduler, inpainting, noise, mask.jumps)
    : replacing(scheduler, inpainting, noise);
  return { scheduler: masked, ...start };
}

/**
 * A picture as a sample, [1,C,H,W].
 * @param shape of the samples, [N,C,H,W]
 * @throws InputError for what is no PNG, is of another size and not to be resized, or samples that are no pictures
 */
export async function readPicture(
  file: string,
  shape: readonly number[],
  dtype: DType,
  resizes: boolean,
): Promise<Tensor> {
  const [, channels] = shape;
  if (channels !== 1 && channels !== 3)
    throw new InputError(`${file}: samples of ${channels} channels cannot begin with a picture; it has 1 or 3`);
  return pictureTensor(await readSized(file, shape, resizes), channels, dtype);
}

async function readMask(file: string, shape: readonly number[], dtype: DType, resizes: boolean): Promise<Tensor> {
  return maskTensor(await readSized(file, shape, resizes), dtype);
}

/**
 * A picture of the samples' size.
 * @param shape of the samples, [N,C,H,W]
 * @throws InputError for what is no PNG, or is of another size and not to be resized
 */
export async function readSized(file: string, shape: readonly number[], resizes: boolean): Promise<Picture> {
  const [, , height = 0, width = 0] = shape;
  const { width: w, height: h, channels, pixels } = decodePng(await readBytes(file), file);
  if (resizes) return resized({ width: w, height: h, channels, pixels }, width, height);
  if (w !== width || h !== height)
    throw new InputError(`${file} has ${w} × ${h} pixels, but the samples have ${width} × ${height}; give --resize`);
  return { width: w, height: h, channels, pixels };
}
