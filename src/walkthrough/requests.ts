/** What the sections ask the worker, made from the reader's state. */
import type { SamplingStep } from '../sampling/sample.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import { present } from './checked.ts';
import type { Answer } from './questions.ts';
import type { Page } from './page.ts';
import type { GuidanceChoice, PassesRequest, PassesResult, RunRequest } from './protocol.ts';
import { letterOf, type State } from './state.ts';
import { heroPictures, labelOf, noLetter, side, stepCount } from './study.ts';
import { noiseOf } from './work/noise.ts';

/** s of PAG wherever the reader has not set it. */
export const usualScale = 1;
/** As captions say it. */
export const usualScaleText = `s\u00a0=\u00a0${usualScale}`;

/** Where PAG acts unless the reader says otherwise: the attention in the middle block. */
export function middleOf(layers: readonly string[]): readonly string[] {
  return layers.filter((path) => path.startsWith('mid_block'));
}

/** PAG there. @param layers all attention layers of the model */
export function middlePag(layers: readonly string[], scale: number | readonly number[] = usualScale): GuidanceChoice {
  return { kind: 'pag', scale, layers: middleOf(layers) };
}

/** The CFG that stands beside it where nobody asks for a letter. */
export const freeCfg = { kind: 'cfg', scale: 3 } as const satisfies GuidanceChoice;

/** g of CFG that goes s of its arrows beyond ε, as PAG does: its arrow begins at ε(∅), and one of it leads to ε. */
export function cfgScale(s: number): number {
  return 1 + s;
}

/** All letters of the word, each from its own noise. */
export function wordRun({ word, seed }: State, guidance: GuidanceChoice): RunRequest {
  const letters = [...word];
  return { seed, slices: letters.map((_, i) => i), labels: letters.map(labelOf), guidance };
}

/** Pictures that nobody asked for, from the first noises of the seed. */
export function freeRun({ seed }: State, guidance: GuidanceChoice): RunRequest {
  const slices = Array.from({ length: heroPictures }, (_, i) => i);
  return { seed, slices, labels: slices.map(() => noLetter), guidance };
}

/** A run of one letter. */
export type LetterRun = RunRequest & { readonly slices: readonly [number]; readonly labels: readonly [number] };

/** The letter under study, or another class from the same noise as in the word. */
export function letterRun(state: State, guidance: GuidanceChoice, label: number = labelOf(letterOf(state))): LetterRun {
  return { seed: state.seed, slices: [state.letter], labels: [label], guidance };
}

/** x_t before step `index` of a run, all samples; undefined while it has not come so far. */
export function pictureAt(request: RunRequest, { results }: Answer<SamplingStep>, index: number): Tensor | undefined {
  return index === 0 ? noiseOf(request) : results[index - 1]?.sample;
}

/** The latest x_t of a run, all samples: the noise until its first step is done. */
export function latestPicture(request: RunRequest, { results }: Answer<SamplingStep>): Tensor {
  return results.at(-1)?.sample ?? noiseOf(request);
}

/** One sample of a batch, [1,1,H,W]. Shares the data. */
export function sampleOf(batch: Tensor, index: number): Tensor {
  const size = side * side;
  return tensor('f32', [1, 1, side, side], batch.data.subarray(index * size, (index + 1) * size));
}

/** The network at the step under study, on the way that the model takes by itself. */
export interface Study {
  /** The number of the step, from 0. */
  readonly index: number;
  /** The run of the model alone. */
  readonly run: RunRequest;
  readonly drawn: Answer<SamplingStep>;
  /** What is asked of the passes at the step, as far as it has been asked and answered. */
  readonly passes: Answer<PassesResult> | undefined;
  /** x_t and what the passes gave; undefined while they are not known. */
  readonly seen: { readonly picture: Tensor; readonly result: PassesResult } | undefined;
}

/** The number of the step under study, from 0: the last one, where the run is at its end. */
export function studiedIndex({ step }: Pick<Page, 'step'>): number {
  return Math.min(step(), stepCount - 1);
}

/**
 * Asks for passes at the step under study, once the run has come so far.
 * @param run of the model alone, whose pictures are all asked for as the same: that of the letter under study, or this
 */
export function studyStep(
  page: Page,
  what: Pick<PassesRequest, 'perturbations' | 'unconditional' | 'taps' | 'hushed'>,
  run: RunRequest = letterRun(page.state(), { kind: 'none' }),
): Study {
  const { client } = page;
  const index = studiedIndex(page);
  const drawn = client.run(run);
  const picture = pictureAt(run, drawn, index);
  if (!picture) return { index, run, drawn, passes: undefined, seen: undefined };
  const request = { sample: picture, index, label: present(run.labels[0], 'label'), ...what };
  const passes = client.passes(request, JSON.stringify(run));
  const [result] = passes.results;
  return { index, run, drawn, passes, seen: result && { picture, result } };
}
