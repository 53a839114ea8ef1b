/**
 * What runs have in common is computed once. A pass over a picture that is the same bit for bit, at the same timestep
 * and for the same labels, gives the same bits: so it is not run again. CFG that asks for no letter asks twice for one
 * and the same, and from the same noise takes the steps that the model takes alone: its run costs nothing.
 */
import type { Pass } from '../../guidance/guidance.ts';
import type { Denoiser, Prediction } from '../../sampling/denoiser.ts';
import { at } from '../../tensor/at.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** So many predictions are kept: the latest. */
const mostKept = 64;

interface Known {
  /** Timestep, labels and what is perturbed. */
  readonly key: string;
  readonly sample: Tensor;
  readonly prediction: Prediction;
}

/** A denoiser for these labels that asks `denoiser` only for what it does not know. */
export type Recall = (denoiser: Denoiser, labels: readonly number[]) => Denoiser;

/** A memory of predictions, for all denoisers of one model and one backend. @param nullLabel means "no class" */
export function createRecall(nullLabel: number): Recall {
  let known: readonly Known[] = [];
  const recall = (key: string, sample: Tensor): Prediction | undefined =>
    known.find((one) => one.key === key && haveSameBits(one.sample, sample))?.prediction;
  return (denoiser, labels) => ({
    predict(sample, timestep, passes) {
      if (!passes.every(isOrdinary)) return denoiser.predict(sample, timestep, passes);
      const keyOf = ({ condition, perturbation }: Pass): string => {
        const asked = condition === 'null' ? labels.map(() => nullLabel) : labels;
        const mixers = [...perturbation].map(([layer, { key }]) => `${layer}: ${key}`);
        return [timestep, asked.join(), ...mixers.sort()].join(' ');
      };
      const asked = [...new Map(passes.map((pass) => [keyOf(pass), pass]))];
      // All of them or none: a part of the passes is another program, which would have to be compiled.
      if (!asked.every(([key]) => recall(key, sample))) {
        const predictions = denoiser.predict(
          sample,
          timestep,
          asked.map(([, pass]) => pass),
        );
        const learned = asked.map(([key], i) => ({ key, sample, prediction: at(predictions, i) }));
        known = [...known, ...learned].slice(-mostKept);
      }
      return passes.flatMap((pass) => recall(keyOf(pass), sample) ?? []);
    },
  });
}

/** Whether a pass is told by its condition and what it perturbs alone. */
function isOrdinary({ condition, model, sample, against, taps }: Pass): boolean {
  const isNamed = condition === 'given' || condition === 'null';
  return isNamed && [model, sample, against, taps].every((more) => more === undefined);
}

/** Whether all numbers are the same, −0 apart from 0. */
function haveSameBits(a: Tensor, b: Tensor): boolean {
  return a === b || (a.data.length === b.data.length && a.data.every((value, i) => Object.is(value, b.data[i])));
}
