/**
 * RePaint: a part of a picture is painted anew by a model that was trained for whole pictures, going up and down
 * between the noise levels so that it comes to fit the rest (Lugmayr et al. 2022, arXiv 2201.09865; diffusers'
 * `RePaintScheduler` and `RePaintPipeline`).
 */
import { add, scale } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { aLevel, type NoiseLevel } from '../schedulers/level.ts';
import { aScheduler, type NoiseSource, type Scheduler } from '../schedulers/scheduler.ts';
import { prepared, type Inpainting } from './inpaint.ts';

/** How often, and how far, a run goes back up (the paper's figures 9 and 10). */
export interface Jumps {
  /** j: how many steps a jump goes up, from 1; 10 unless given. Every j-th step has jumps. */
  readonly jumpLength?: number;
  /** r: how often the way down from there is gone in all, from 1, no jump; 10 unless given. */
  readonly jumpNSample?: number;
}

/** The schedulers that RePaint goes with: those that know nothing but the step they are at. */
const supported = ['DDPMScheduler', 'DDIMScheduler'];
/** The most calls of the model that a run may have. */
const mostCalls = 1_000_000;

/** A call of the model, and how many steps the sample is noised back up after it. */
interface Visit {
  readonly index: number;
  readonly ups: number;
}

/**
 * The calls of a run with its jumps: `get_schedule_jump` of the paper's code, `RePaintScheduler.set_timesteps`.
 * @param count how many calls there are without jumps
 */
function visitsOf(count: number, { jumpLength = 10, jumpNSample = 10 }: Jumps): readonly Visit[] {
  for (const [name, value] of Object.entries({ jumpLength, jumpNSample }))
    if (!(Number.isInteger(value) && value >= 1 && value <= mostCalls))
      throw new InputError(`${name} is ${value}; expected a whole number from 1 to ${mostCalls}`);
  if (count * jumpNSample > mostCalls)
    throw new InputError(`${count} steps, ${jumpNSample} times each, are more than ${mostCalls} calls of the model`);
  // Counted from the end: 0 is the last call.
  const left = new Map<number, number>();
  for (let place = 0; place < count - jumpLength; place += jumpLength) left.set(place, jumpNSample - 1);
  const visits: Visit[] = [];
  for (let place = count - 1; place >= 0; place--) {
    const jumps = left.get(place) ?? 0;
    const ups = jumps > 0 ? jumpLength : 0;
    visits.push({ index: count - 1 - place, ups });
    left.set(place, jumps - 1);
    place += ups;
  }
  return visits;
}

/**
 * Which calls of a scheduler a run of RePaint makes, by their index, one after the other.
 * @param count how many calls the scheduler has
 * @throws InputError for jumps that are none, and more than a million calls
 */
export function repaintCalls(count: number, jumps: Jumps = {}): readonly number[] {
  return visitsOf(count, jumps).map(({ index }) => index);
}

/**
 * x' = r x + √(σ'² − r² σ²) z, r = α'/α: x of one level, noised to another (arXiv 2201.09865, eq. 1).
 * @param x α x₀ + σ ε, like z [B,C,H,W]
 * @param z standard normal
 * @throws InputError for levels that are none
 */
export function renoiseStep(x: Tensor, from: NoiseLevel, to: NoiseLevel, z: Tensor): Tensor {
  for (const level of [from, to]) aLevel('a level', level);
  const ratio = to.signal / from.signal;
  const added = Math.sqrt(Math.max(0, to.noise ** 2 - (ratio * from.noise) ** 2));
  return add(scale(x, ratio), scale(z, added));
}

/**
 * The scheduler, but each step is one of RePaint (algorithm 1): what the mask keeps is the picture, noised afresh to
 * the level that the step leads to; then, where there is a jump, the sample goes back up by `jumpLength` steps. Each
 * step draws noise once, for itself and for what is kept, as in diffusers, and once for each step up.
 *
 * A step up leads to the very level that its step began at. In diffusers, with fewer steps than the training had, it
 * leads up to ⌊T/steps⌋ − 1 timesteps higher: there the model is told of less noise than there is.
 * @param scheduler DDPM, or DDIM with any η
 * @param noise of the run, [B,C,H,W]: its shape and precision
 * @throws InputError for another scheduler, jumps that are none, or where picture, mask and noise do not fit
 */
export function repainting<State>(
  scheduler: Scheduler<State>,
  inpainting: Inpainting,
  noise: Tensor,
  jumps: Jumps = {},
): Scheduler<State> {
  aScheduler('the scheduler', scheduler);
  if (!supported.includes(scheduler.name))
    throw new InputError(`RePaint goes with ${supported.join(' and ')}, but the scheduler is ${scheduler.name}`);
  const { picture, keeping } = prepared(inpainting, noise);
  const count = scheduler.timesteps.length;
  const visits = visitsOf(count, jumps);
  const clean: NoiseLevel = { signal: 1, noise: 0 };
  const levelAfter = (index: number): NoiseLevel => (index < count - 1 ? scheduler.levelAt(index + 1) : clean);
  const indexOf = (call: number): number => at(visits, call).index;

  const goUp = (sample: Tensor, index: number, ups: number, source: NoiseSource): Tensor => {
    let x = sample;
    for (let up = 0; up < ups; up++)
      x = renoiseStep(x, levelAfter(index - up), scheduler.levelAt(index - up), source(x.shape));
    return x;
  };
  return {
    ...scheduler,
    timesteps: visits.map(({ index }) => at(scheduler.timesteps, index)),
    scaleModelInput: (sample, call) => scheduler.scaleModelInput(sample, indexOf(call)),
    levelAt: (call) => scheduler.levelAt(indexOf(call)),
    addNoise: (original, added, call) => scheduler.addNoise(original, added, indexOf(call)),
    predictOriginal: (sample, output, call) => scheduler.predictOriginal(sample, output, indexOf(call)),
    step(state, input) {
      const { index, ups } = at(visits, input.index);
      const z = input.noise(input.sample.shape);
      const painted = scheduler.step(state, { ...input, index, noise: () => z });
      const known = index < count - 1 ? scheduler.addNoise(picture, z, index + 1) : picture;
      const sample = keeping(known, painted.sample);
      return { ...painted, sample: goUp(sample, index, ups, input.noise) };
    },
  };
}
