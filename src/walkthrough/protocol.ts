/**
 * What the page and its worker say to one another. All of it is plain data, so it survives the structured cloning of
 * `postMessage`. The page asks for work; the worker streams results, one message for each, until the work is done.
 */
import type { SamplingStep } from '../sampling/sample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Files } from './models.ts';
import type { Ink } from './work/own.ts';
import type { Loaded } from './work/promised.ts';

/**
 * How a run is guided. `spoilt` follows ε̂ alone: what comes out when the attention of `layers` is the identity
 * throughout.
 */
export type GuidanceChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'pag'; readonly scale: number | readonly number[]; readonly layers: readonly string[] }
  | { readonly kind: 'cfg'; readonly scale: number | readonly number[] }
  | { readonly kind: 'spoilt'; readonly layers: readonly string[] };

/** The mistakes that can be switched on, as the oracle calls them. */
export const faultNames = [
  'pag-sign',
  'guide-scale-for-g',
  'pag-leaks',
  'attention-scale-missing',
  'timestep-of-next-step',
  'silu-is-gelu',
  'softmax-base-two',
  'norm-eps-1e-6',
] as const;
/** The name of such a mistake. */
export type FaultName = (typeof faultNames)[number];

/** A run from noise to pictures, for all samples of a batch at once. */
export interface RunRequest {
  readonly seed: number;
  /** For each sample, which of the noise pictures of this seed it starts from. */
  readonly slices: readonly number[];
  /** One class label for each sample. */
  readonly labels: readonly number[];
  readonly guidance: GuidanceChoice;
  /** The letter of the reader's own that it begins with, noised, and how many steps are left from there. */
  readonly from?: { readonly own: Ink; readonly steps: number };
  /** A mistake that is made on purpose. */
  readonly fault?: FaultName;
}

/** Passes of the network at one step, from one and the same x_t. */
export interface PassesRequest {
  /** x_t, [B,1,H,W]. */
  readonly sample: Tensor;
  /** The number of the step, from 0. */
  readonly index: number;
  /** Of all samples. */
  readonly label: number;
  /** One perturbed pass for each list of layers. */
  readonly perturbations: readonly (readonly string[])[];
  /** Whether to ask for no letter in particular, too. */
  readonly unconditional: boolean;
  /** Inner values of the plain pass to be seen: module paths. */
  readonly taps: readonly string[];
  /** Cells that nobody hears in a further pass, in any layer (`hushedAttention`); without it there is no such pass. */
  readonly hushed?: readonly number[];
  /** Whether the loops compute that define every operation, instead of the fast kernels. */
  readonly plainLoops?: boolean;
}

/** What the passes gave. */
export interface PassesResult {
  /** ε(c), [B,1,H,W]. */
  readonly plain: Tensor;
  /** ε̂(c), one for each of `perturbations`. */
  readonly perturbed: readonly Tensor[];
  /** ε̂ with the hushed cells. */
  readonly hushed?: Tensor;
  /** ε(∅). */
  readonly unconditional?: Tensor;
  readonly taps: Readonly<Record<string, Tensor>>;
  /** What all passes together took, in milliseconds. */
  readonly milliseconds: number;
}

/**
 * Whether what computes here gives the right numbers for a case of the oracle; with a mistake in its kernels, if one is
 * named.
 */
export interface CheckRequest {
  readonly fault?: FaultName;
}

/** What the oracle finds. */
export interface CheckResult {
  readonly taps: number;
  /** How many of them are right. */
  readonly within: number;
  readonly passes: boolean;
  /** In a line, as `pag check` says it. */
  readonly verdict: string;
  /** Where the numbers first go wrong, if they do. */
  readonly where?: string;
  /**
   * The mistakes that explain the numbers, by the names of the oracle; undefined while they have not been looked for.
   */
  readonly named?: readonly string[];
}

/** Pictures, [B,1,H,W], that the letter classifier is to look at. */
export interface JudgeRequest {
  readonly pictures: Tensor;
}

/** How sure it is of each that it is a letter, whichever, from 0 to 1. */
export interface JudgeResult {
  readonly confidences: readonly number[];
}

/** Pictures, each [B,1,H,W], that are to follow one another. */
export interface FilmRequest {
  readonly title: string;
  /** Of the file: an animated PNG, or a GIF for programs that know no such PNG. */
  readonly format: 'png' | 'gif';
  readonly pictures: readonly Tensor[];
}

/** The bytes of the file. */
export interface FilmResult {
  readonly file: Uint8Array;
}

/** Pictures of what words ask for. */
export interface WordsRequest {
  /** What is asked for; the empty text asks for nothing in particular. */
  readonly prompt: string;
  readonly seed: number;
  /** g of CFG, and s of PAG in the middle block. */
  readonly guidanceScale: number;
  readonly pagScale: number;
}

/** How far the text model has been loaded, or what it believes in after a step. */
export type WordsResult =
  | ({ readonly kind: 'loading' } & Loaded)
  | {
      readonly kind: 'step';
      /** x̂₀, and after the last step the pictures, [B,1,H,W]. */
      readonly pictures: Tensor;
      /** What of the prompt was cut off, for it is too long. */
      readonly cut: string;
    };

/** The kinds of work: what is asked, and what each message of the answer holds. */
export interface Works {
  readonly run: { readonly request: RunRequest; readonly result: SamplingStep };
  readonly passes: { readonly request: PassesRequest; readonly result: PassesResult };
  readonly check: { readonly request: CheckRequest; readonly result: CheckResult };
  readonly judge: { readonly request: JudgeRequest; readonly result: JudgeResult };
  readonly film: { readonly request: FilmRequest; readonly result: FilmResult };
  readonly words: { readonly request: WordsRequest; readonly result: WordsResult };
}
/** The name of a kind of work. */
export type WorkKind = keyof Works;

/**
 * `fast`: what the browser has. `plain`: the loops that define every operation, as a reader may check. The same bits.
 */
export type KernelChoice = 'fast' | 'plain';

/** What computes, for the reader. */
export interface EngineReport {
  readonly kernels: 'simd' | 'reference';
  readonly threads: number;
  /** Why it is not faster, where there is something to say. */
  readonly note?: string;
}

/** A message of the page. */
export type ToWorker =
  /** Makes the kernels ready on which the model is to run. */
  | { readonly kind: 'open'; readonly kernels: KernelChoice }
  /** The files of the letters model, packed. */
  | { readonly kind: 'model'; readonly files: Files }
  | {
      [K in WorkKind]: {
        readonly kind: 'ask';
        readonly job: number;
        readonly work: K;
        readonly request: Works[K]['request'];
      };
    }[WorkKind]
  | { readonly kind: 'cancel'; readonly job: number }
  /** What the section needs that the reader looks at: it goes first. */
  | { readonly kind: 'focus'; readonly jobs: readonly number[] };

/** A message of the worker. */
export type FromWorker = { readonly kind: 'ready'; readonly engine: EngineReport } | JobNews;

/** What a worker says of its jobs. */
export type JobNews =
  | { readonly kind: 'result'; readonly job: number; readonly result: Works[WorkKind]['result'] }
  | { readonly kind: 'done'; readonly job: number; readonly seconds: number }
  /** Without a job it is the worker itself that cannot go on. */
  | { readonly kind: 'failed'; readonly job?: number; readonly problem: string };
