/** What the sections ask the worker, made from the reader's state. */
import type { SamplingStep } from '../sampling/sample.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Answer } from './lab.ts';
import type { GuidanceChoice, TraceRequest } from './protocol.ts';
import type { State } from './state.ts';
import { labelOf, side } from './study.ts';
import { noiseOf } from './work/noise.ts';

/** s of PAG wherever the reader has not set it. */
export const usualScale = 1;

/** Where PAG acts unless the reader says otherwise: the attention in the middle block. */
export function middleOf(layers: readonly string[]): readonly string[] {
  return layers.filter((path) => path.startsWith('mid_block'));
}

/** All letters of the word, each from its own noise. */
export function wordTrace({ word, seed }: State, guidance: GuidanceChoice): TraceRequest {
  const letters = [...word];
  return { seed, slices: letters.map((_, i) => i), labels: letters.map(labelOf), guidance };
}

/** The letter under study, from the same noise as in the word. */
export function letterTrace(
  { word, seed, letter }: State,
  guidance: GuidanceChoice,
  label = labelOf(word[letter]),
): TraceRequest {
  return { seed, slices: [letter], labels: [label], guidance };
}

/** x_t before step `index` of a run, all samples; undefined while it has not come so far. */
export function pictureAt(request: TraceRequest, { results }: Answer<SamplingStep>, index: number): Tensor | undefined {
  return index === 0 ? noiseOf(request) : results[index - 1]?.sample;
}

/** One sample of a batch, [1,1,H,W]. Shares the data. */
export function sampleOf(batch: Tensor, index: number): Tensor {
  const size = side * side;
  return tensor('f32', [1, 1, side, side], batch.data.subarray(index * size, (index + 1) * size));
}

/** α and σ of x_t = α x₀ + σ ε at a step. */
export function noiseLevel(scheduler: Scheduler, index: number): { readonly signal: number; readonly noise: number } {
  const [zero, one] = [0, 1].map((value) => tensor('f64', [1, 1, 1, 1], Float64Array.of(value)));
  return { signal: scheduler.addNoise(one, zero, index).data[0], noise: scheduler.addNoise(zero, one, index).data[0] };
}
