/** What the page and the worker that learns say to one another: plain data, as `postMessage` clones it. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Shape } from './shapes.ts';

/** What is to be learned. */
export interface Task {
  readonly shape: Shape;
  readonly seed: number;
}

/** A message of the page. A worker learns one thing: who begins anew takes another worker. */
export type ToTrainer =
  /** @param scale s of PAG, with which is drawn, too */
  | { readonly kind: 'learn'; readonly task: Task; readonly scale: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'go on' }
  | { readonly kind: 'guide'; readonly scale: number };

/** What the model draws, from the noise to the last step, each [B,C,H,W]. */
export interface Drawing {
  /** Steps of the training by then. */
  readonly step: number;
  readonly alone: readonly Tensor[];
  /** With PAG of this scale. */
  readonly scale: number;
  readonly guided: readonly Tensor[];
}

/** A message of the worker. */
export type FromTrainer =
  | { readonly kind: 'begun'; readonly steps: number }
  /** The losses of a few more steps, and the seconds that the worker has spent so far, drawings included. */
  | { readonly kind: 'learned'; readonly losses: readonly number[]; readonly seconds: number }
  | { readonly kind: 'drawn'; readonly drawing: Drawing }
  | { readonly kind: 'failed'; readonly problem: string };
