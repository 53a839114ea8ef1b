/** What the page and the worker that learns say to one another: plain data, as `postMessage` clones it. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Pictures } from '../../training/pictures.ts';
import type { Shape } from './shapes.ts';

/** What is to be learned: points of a shape, or letters like these. */
export type Task = { readonly seed: number } & (
  | { readonly kind: 'points'; readonly shape: Shape }
  | { readonly kind: 'letters'; readonly letters: Pictures }
);

/** A message of the page. A worker learns one thing: who begins anew takes another worker. */
export type ToTrainer =
  /** @param scale s of PAG, with which is drawn, too */
  | { readonly kind: 'learn'; readonly task: Task; readonly scale: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'go on' }
  | { readonly kind: 'guide'; readonly scale: number }
  /** Asks for the model as it is by now. */
  | { readonly kind: 'take' };

/** What the model draws, from the noise to the last step, each [B,C,H,W]. */
export interface Drawing {
  /** Steps of the training by then. */
  readonly step: number;
  readonly alone: readonly Tensor[];
  /** With PAG of this scale. */
  readonly scale: number;
  readonly guided: readonly Tensor[];
}

/** The model as diffusers saves it, with the averaged weights. */
export interface Taken {
  readonly kind: 'taken';
  /** By their names in its folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A message of the worker. */
export type FromTrainer =
  | { readonly kind: 'begun'; readonly steps: number }
  /** The losses of a few more steps, and the seconds that the worker has spent so far, drawings included. */
  | { readonly kind: 'learned'; readonly losses: readonly number[]; readonly seconds: number }
  | { readonly kind: 'drawn'; readonly drawing: Drawing }
  | Taken
  | { readonly kind: 'failed'; readonly problem: string };
