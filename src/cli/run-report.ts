/** What a run of drawing says of itself, and where it leaves what it has drawn. */
import { dirname } from 'node:path';
import { framesOf } from '../formats/animation.ts';
import { encodeGif } from '../formats/gif.ts';
import { grid } from '../formats/grid.ts';
import { makeFolder } from '../formats/node-files.ts';
import type { Picture } from '../formats/picture.ts';
import { encodeApng, encodePng } from '../formats/png.ts';
import { samplePicture } from '../formats/sample-picture.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { InputError } from '../tensor/errors.ts';
import { counted } from '../tensor/shown.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { seedsOf } from './noise.ts';
import type { ParsedOptions } from './options.ts';
import { checkApart, chooseOutFiles, writeOut } from './out-files.ts';
import { isTemplate, namesFrom } from './out-template.ts';
import { recordOf, textsOf, type RunRecord } from './run-record.ts';
import type { ChosenScheduler } from './scheduler-options.ts';

/** Where the results go. */
export type OutFiles = {
  readonly out?: string;
  readonly latents?: string;
  readonly animation?: string;
};

/** @throws InputError for no file at all, and as `chooseOutFiles` */
export function chooseRunFiles(options: ParsedOptions): OutFiles {
  const formats = { out: 'PNG', latents: 'safetensors', animation: 'PNG or GIF' } as const;
  const files = chooseOutFiles(options, formats, ['out', 'animation']);
  if (Object.keys(files).length === 0) throw new InputError('give at least one of --out, --animation and --latents');
  return files;
}

/** What may be asked of a run that is drawn again. */
export interface DrawChoices {
  /** Sees the record of the run before anything is drawn, and may throw. */
  readonly check?: (record: RunRecord) => void;
  /** Writes one picture alone, by its number. */
  readonly only?: number;
}

/** Guidance, scheduler and steps, as the title of a picture. */
export function runTitle(
  guidance: Guidance,
  scheduler: Scheduler,
  { stepCount, begin }: Pick<ChosenScheduler, 'stepCount' | 'begin'>,
): string {
  const calls = scheduler.timesteps.length;
  const whole = counted(stepCount, 'step');
  const stepsText = begin > 0 ? `the last ${stepCount - begin} of ${whole}` : whole;
  const length = calls === stepCount - begin ? stepsText : `${stepsText} of ${counted(calls, 'call')}`;
  return `${guidance.name}, ${scheduler.name.replace(/Scheduler$/, '')}, ${length}`;
}

/** Where the pictures of a run go, and what they carry. */
export interface PlannedPictures {
  readonly out: string;
  /** How the run can be had again. */
  readonly record: RunRecord;
  /** The file of each picture, where each has one; else they are side by side in one. */
  readonly names: readonly string[] | undefined;
  /** Of which picture alone there is to be a file, by itself. */
  readonly only: number | undefined;
}

/** Where the animations of a run go. */
export interface PlannedAnimations {
  readonly file: string;
  /** The file of each picture's, where each has one; else they are side by side in one. */
  readonly names: readonly string[] | undefined;
}

/**
 * What is to become of the pictures of a run that is not begun.
 * @param models the weights that it computes with, by the option that names them
 * @param labels of the pictures, where they have some
 * @throws InputError when two pictures would have the same name, and what `check` throws
 */
export async function planPictures(
  { out }: OutFiles,
  options: ParsedOptions,
  { check, only }: DrawChoices,
  models: Parameters<typeof recordOf>[1],
  count: number,
  labels?: readonly number[],
): Promise<PlannedPictures | undefined> {
  if (out === undefined) return undefined;
  const record = await recordOf(options, models);
  check?.(record);
  return { out, record, names: pictureNames('--out', out, options, count, labels), only };
}

/**
 * What is to become of the steps of a run that is not begun.
 * @param pictures that it leaves, too
 * @throws InputError when two files would have the same name
 */
export function planAnimations(
  { animation: file }: OutFiles,
  options: ParsedOptions,
  pictures: PlannedPictures | undefined,
  count: number,
  labels?: readonly number[],
): PlannedAnimations | undefined {
  if (file === undefined) return undefined;
  const names = pictureNames('--animation', file, options, count, labels);
  const ofPictures = pictures ? (pictures.names ?? [pictures.out]) : [];
  checkApart([
    { option: '--out', files: ofPictures },
    { option: '--animation', files: names ?? [file] },
  ]);
  return { file, names };
}

/** What a run has drawn. */
export interface Drawn {
  readonly title: string;
  /** As pictures, [N,C,H,W]. */
  readonly samples: Tensor;
  /** After each call of the model. */
  readonly steps: readonly Tensor[];
  /** What else goes to the file of numbers, before the steps and behind them. */
  readonly before: Readonly<Record<string, Tensor>>;
  readonly behind: Readonly<Record<string, Tensor>>;
  /** Where pictures go; undefined where none are wanted. */
  readonly pictures: PlannedPictures | undefined;
  /** Where animations go; none, unless given. */
  readonly animations?: PlannedAnimations | undefined;
  /** The pictures that the steps aim at, for animations. */
  readonly frames?: readonly Tensor[];
}

/** Files by the options that name them: one, or one for each picture. */
export type WrittenFiles = Readonly<Record<string, string | readonly string[]>>;

/** Writes what was asked for, and gives the files that are there then. */
export function writeDrawn(files: OutFiles, drawn: Drawn): WrittenFiles {
  const { latents } = files;
  const { title, samples, steps, before, behind, pictures, animations, frames = [] } = drawn;
  if (pictures) writePictures(pictures, title, samples);
  if (animations) writeAnimations(animations, title, [...frames, samples]);
  if (latents !== undefined) writeLatents(latents, before, steps, behind);
  return {
    ...files,
    ...(pictures?.names && pictures.only === undefined && { out: pictures.names }),
    ...(animations?.names && { animation: animations.names }),
  };
}

/** Writes the numbers of a run: those after each call of the model as `step.0` and so on, between the others. */
export function writeLatents(
  file: string,
  before: Readonly<Record<string, Tensor>>,
  steps: readonly Tensor[],
  behind: Readonly<Record<string, Tensor>>,
): void {
  const named = Object.fromEntries(steps.map((step, i) => [`step.${i}`, step]));
  writeOut(file, writeSafetensors({ ...before, ...named, ...behind }));
}

function writePictures({ out, record, names, only }: PlannedPictures, title: string, samples: Tensor): void {
  const single = (file: string, index: number): void =>
    writeOut(file, encodePng(samplePicture(samples, index), textsOf({ ...record, picture: index }, title)));
  if (only !== undefined) single(out, only);
  else if (!names) writeOut(out, encodePng(grid([{ title, samples }]), textsOf(record, title)));
  writeEach(names, single);
}

function writeAnimations({ file, names }: PlannedAnimations, title: string, frames: readonly Tensor[]): void {
  const write = (name: string, pictureOf: (frame: Tensor) => Picture): void => {
    const shown = framesOf(frames.map(pictureOf));
    writeOut(name, /\.gif$/i.test(name) ? encodeGif(shown) : encodeApng(shown, { Title: title }));
  };
  if (!names) write(file, (samples) => grid([{ title, samples }]));
  writeEach(names, (name, index) => write(name, (frame) => samplePicture(frame, index)));
}

/** Writes the file of each picture, into folders that are made where they are missing. */
function writeEach(names: readonly string[] | undefined, write: (name: string, index: number) => void): void {
  for (const folder of new Set(names?.map((name) => dirname(name)))) makeFolder(folder);
  for (const [index, name] of names?.entries() ?? []) write(name, index);
}

/**
 * The file of each picture, where the option has places for what tells them apart.
 * @throws InputError when two pictures would have the same name
 */
function pictureNames(
  option: string,
  file: string,
  options: ParsedOptions,
  count: number,
  labels?: readonly number[],
): readonly string[] | undefined {
  if (!isTemplate(file)) return undefined;
  const seeds = [seedsOf(options)].flat();
  const pictures = Array.from({ length: count }, (_, index) => ({
    index,
    seed: String(seeds[Math.min(index, seeds.length - 1)]),
    label: String(labels?.[index] ?? 'none'),
  }));
  return namesFrom(file, pictures, option);
}
