/**
 * The model at one step: which passes of the network are run, which are known already, and what each of them shows.
 */
import { at } from '../tensor/at.ts';
import { checkTensor, mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, shapeText, type Tensor } from '../tensor/tensor.ts';
import { concatChannels, sliceChannels } from '../kernels/plain/rearrange.ts';
import { conditional, type GuidanceStep, type Pass } from '../guidance/guidance.ts';
import { samePass } from '../guidance/same-pass.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Denoiser, Prediction } from './denoiser.ts';

/** What a guidance may ask of the model, and what the scheduler is given besides. */
export interface ModelAtStep extends Pick<GuidanceStep, 'predict' | 'tap'> {
  /**
   * @param guided the guided prediction, [B,C,H,W]
   * @returns [B,2C,H,W], the variance last, if the model predicts one; otherwise `guided` itself
   */
  withVariance(guided: Tensor): Tensor;
}

/**
 * The model at call `index` of a run, for the picture x_t.
 *
 * - A pass is run once, however often it is asked for; `samePass` says which passes are one.
 * - What is not known yet of one request is one call of the denoiser, in the order asked for, so that passes can share
 *   their beginning. Equal passes in it are one, with the taps of all.
 * - A tap for which nobody asked while its pass was run costs a second run, for this tap alone; the prediction stays
 *   the first one.
 * - The denoiser is given pictures as the scheduler scales them for a model: x_t, and the pictures that passes bring
 *   along. Each is scaled once, so that passes of one picture are known to have one.
 * - Predictions come back in the order asked for, and are pictures, [B,C,H,W]. The variance that some models predict
 *   beside them, as C further channels, is that of the unperturbed conditional pass, whatever else is run.
 *
 * Its functions throw an InputError when the denoiser leaves out a prediction or gives one that does not fit the
 * picture, and when a guidance looks at what the model does not have.
 * @param sample x_t, [B,C,H,W]
 */
export function modelAtStep(denoiser: Denoiser, scheduler: Scheduler, sample: Tensor, index: number): ModelAtStep {
  const timestep = at(scheduler.timesteps, index);
  const [, channels] = sample.shape as [number, number, number, number];
  let known: readonly Known[] = [];
  const find = (pass: Pass): Known | undefined => known.find((one) => samePass(one.pass, pass));

  const inputs = new Map<Tensor, Tensor>();
  const inputFrom = (picture: Tensor): Tensor => {
    const input = inputs.get(picture) ?? scheduler.scaleModelInput(picture, index);
    inputs.set(picture, input);
    return input;
  };

  const remember = (pass: Pass, prediction: Prediction): void => {
    checkOutput(prediction.output, pass.sample ?? sample);
    const before = find(pass);
    const { output, taps } = before?.prediction ?? prediction;
    const extended = { pass, prediction: { output, taps: { ...taps, ...prediction.taps } } };
    known = [...known.filter((one) => one !== before), extended];
  };

  const runUnknown = (passes: readonly Pass[]): void => {
    const missing = merged(passes).flatMap((pass) => unknownPart(pass, find(pass)));
    if (missing.length === 0) return;
    const asked = missing.map((pass) => (pass.sample ? { ...pass, sample: inputFrom(pass.sample) } : pass));
    const found = denoiser.predict(inputFrom(sample), timestep, asked);
    aList('what the denoiser predicts', found);
    for (const [i, pass] of missing.entries()) if (found[i]) remember(pass, found[i]);
  };

  const recall = (pass: Pass): Prediction => {
    const found = find(pass);
    if (!found) throw new InputError('the denoiser gave no prediction for a pass that it was asked for');
    return found.prediction;
  };

  const hasVariance = ({ output }: Prediction): boolean => output.shape[1] !== channels;
  return {
    predict(passes) {
      runUnknown(passes);
      return passes
        .map(recall)
        .map((found) => (hasVariance(found) ? sliceChannels(found.output, 0, channels) : found.output));
    },
    tap(pass, path) {
      runUnknown([{ ...pass, taps: [path] }]);
      const value = recall(pass).taps[path];
      if (!value) throw new InputError(`the guidance looks at "${path}", which the model does not have`);
      return value;
    },
    withVariance(guided) {
      // Whether a model predicts a variance, only a run of it shows.
      if (known.length > 0 && !known.some(({ prediction }) => hasVariance(prediction))) return guided;
      runUnknown([conditional]);
      const plain = recall(conditional);
      return hasVariance(plain) ? concatChannels(guided, sliceChannels(plain.output, channels, 2 * channels)) : guided;
    },
  };
}

/** A pass that has been run, and what is known of it: all taps that any of its runs showed. */
interface Known {
  readonly pass: Pass;
  readonly prediction: Prediction;
}

/** Each pass once, in the order of their first appearance, with the taps of all that are equal. */
function merged(passes: readonly Pass[]): readonly Pass[] {
  return passes
    .filter((pass, i) => !passes.slice(0, i).some((earlier) => samePass(earlier, pass)))
    .map((pass) => {
      const taps = passes.filter((other) => samePass(other, pass)).flatMap((equal) => equal.taps ?? []);
      return taps.length === 0 ? pass : { ...pass, taps: [...new Set(taps)] };
    });
}

/** What must be run of a pass: all of it, itself for some taps, or nothing. */
function unknownPart(pass: Pass, known: Known | undefined): readonly Pass[] {
  if (!known) return [pass];
  const taps = (pass.taps ?? []).filter((path) => !Object.hasOwn(known.prediction.taps, path));
  return taps.length > 0 ? [{ ...pass, taps }] : [];
}

const aList = mustBe('a list, one prediction { output, taps } for each pass', Array.isArray);

/** @throws InputError unless a prediction is [B,C,H,W] or [B,2C,H,W], in the precision of the picture */
function checkOutput(output: Tensor, sample: Tensor): void {
  checkTensor("the denoiser's output", output);
  const [batch, channels, height, width] = sample.shape as [number, number, number, number];
  const fits = [channels, 2 * channels].some((count) => sameShape(output.shape, [batch, count, height, width]));
  if (fits && output.dtype === sample.dtype) return;
  throw new InputError(
    `the model predicts ${shapeText(output.shape)} in ${output.dtype} for a picture ${shapeText(sample.shape)} in ` +
      `${sample.dtype}; both must have one precision, and the prediction as many channels, or twice as many with the ` +
      'variance',
  );
}
