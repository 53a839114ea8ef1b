/** A guidance whose passes are all changed in one way: what changes the model itself is under any other guidance. */
import { perturbed, type Guidance, type MixerChoice, type Pass } from './guidance.ts';

/** What is done to the passes of a guidance. */
export interface EveryPass {
  /** What the guidance is called. */
  readonly name: string;
  /** The layers that are perturbed in addition, and how. */
  readonly layers: readonly string[];
  readonly mixer: MixerChoice;
  /** Whether a pass is among those that are changed. */
  readonly concerns: (pass: Pass) => boolean;
  /** The condition whose text the perturbed layers go away from, where they do. */
  readonly against?: string;
}

/** `guidance`, but the passes of the main model that are concerned have the perturbation besides their own. */
export function onEveryPass(guidance: Guidance, { name, layers, mixer, concerns, against }: EveryPass): Guidance {
  const added = perturbed(layers, mixer).perturbation;
  const change = (pass: Pass): Pass => {
    if (pass.model === 'weak' || !concerns(pass)) return pass;
    return {
      ...pass,
      perturbation: new Map([...pass.perturbation, ...added]),
      ...(against !== undefined && { against }),
    };
  };
  return {
    name,
    guide: (step) =>
      guidance.guide({
        ...step,
        predict: (passes) => step.predict(passes.map(change)),
        tap: (pass, path) => step.tap(change(pass), path),
      }),
  };
}
