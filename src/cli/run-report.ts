/** What a run of drawing says of itself, and where it leaves what it has drawn. */
import { grid } from '../formats/grid.ts';
import { encodePng } from '../formats/png.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { writeOut } from './out-files.ts';
import type { ChosenScheduler } from './scheduler-options.ts';

/** Where the results go. */
export type OutFiles = {
  readonly out?: string;
  readonly latents?: string;
};

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

/** Writes what was asked for. */
export function writeDrawn({ out, latents }: OutFiles, { title, samples, steps, before, behind }: Drawn): void {
  if (out !== undefined) writeOut(out, encodePng(grid([{ title, samples }])));
  if (latents === undefined) return;
  const named = Object.fromEntries(steps.map((step, i) => [`step.${i}`, step]));
  writeOut(latents, writeSafetensors({ ...before, ...named, ...behind }));
}
