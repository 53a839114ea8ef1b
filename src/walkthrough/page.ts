/** What a section is given, and what it gives back. */
import type { UNetArchitecture } from '../models/unet2d/unet.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Client } from './client.ts';
import type { State } from './state.ts';

/** What every section works with. */
export interface Page {
  /** What computes. */
  readonly client: Client;
  readonly model: ModelPlan;
  /** What the reader has chosen by now. */
  state(): State;
  /** How many steps have been taken: as the reader has chosen, and until then as many as the section opens at. */
  step(): number;
  /** The part of the network that is at hand where the reader is. */
  part(): Part;
  /** Changes a part of it, after which all is drawn anew. */
  change(part: Partial<State>): void;
}

/** A part of the network. */
export interface Part {
  /** The paths of its stages. */
  readonly stages: readonly string[];
  /** What is to be said of it. */
  readonly text: string;
}

/** The part that a section is about. */
export type PartOf = (state: State, model: ModelPlan) => Part;

/** How what a figure shows is computed elsewhere, to the last bit. */
export interface Reproduction {
  /** What the commands draw, or why there are none. */
  readonly note: string;
  /** For a shell in the repository. */
  readonly commands: readonly string[];
  /** The file that they read, where they read one; it gives undefined while that is not drawn yet. */
  readonly input?: () => { readonly name: string; readonly bytes: Uint8Array } | undefined;
}

/** That of a section, in the state of the page. */
export type ReproductionOf = (page: Page) => Reproduction;

/** What is known of the model before its weights have arrived. */
export interface ModelPlan extends UNetArchitecture {
  /** The paths of the self-attention layers. */
  readonly layers: readonly string[];
  readonly scheduler: Scheduler;
}

/**
 * Fills its part of the document once, and returns what draws the state into it. Drawing is called whenever the state,
 * an answer or the colours have changed, at most once a frame, and only while the section is near the reader's eyes.
 */
export type Section = (root: HTMLElement, page: Page) => () => void;
