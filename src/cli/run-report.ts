/** What a run of drawing says of itself, and where it leaves what it has drawn. */
import { grid } from '../formats/grid.ts';
import { writeWhole } from '../formats/node-files.ts';
import { encodePng } from '../formats/png.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ChosenScheduler } from './scheduler-options.ts';

/** Where the results go. */
export interface OutFiles {
  readonly out: string | undefined;
  readonly latentsFile: string | undefined;
}

/** Guidance, scheduler and steps, as the title of a picture. */
export function runTitle(
  guidance: Guidance,
  scheduler: Scheduler,
  { stepCount, begin }: Pick<ChosenScheduler, 'stepCount' | 'begin'>,
): string {
  const calls = scheduler.timesteps.length;
  const stepsText = begin > 0 ? `the last ${stepCount - begin} of ${stepCount} steps` : `${stepCount} steps`;
  const length = calls === stepCount - begin ? stepsText : `${stepsText} of ${calls} calls`;
  return `${guidance.name}, ${scheduler.name.replace(/Scheduler$/, '')}, ${length}`;
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
}

/** Writes what was asked for; returns the names of the files, for a sentence. */
export function writeDrawn({ out, latentsFile }: OutFiles, { title, samples, steps, before, behind }: Drawn): string {
  if (out !== undefined) writeWhole(out, encodePng(grid([{ title, samples }])));
  if (latentsFile !== undefined) {
    const named = Object.fromEntries(steps.map((step, i) => [`step.${i}`, step]));
    writeWhole(latentsFile, writeSafetensors({ ...before, ...named, ...behind }));
  }
  return [out, latentsFile].filter((file) => file !== undefined).join(' and ');
}
