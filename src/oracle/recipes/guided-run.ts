/**
 * The sampling loop itself, with everything that happens in it shown. At step i: `step.i.input` (what the model is
 * given), for each pass its modules and `prediction`, then `step.i.guided`, `.denoised`, `.sample`. The passes are
 * called nothing, `unconditional.` and `perturbed.`.
 */
import type { Pass } from '../../guidance/guidance.ts';
import type { Conditions } from '../../models/condition.ts';
import type { Model } from '../../models/model.ts';
import { groupingDenoiser, type Denoiser, type Prediction } from '../../sampling/denoiser.ts';
import { samplingLoop } from '../../sampling/sample.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { RunSetting } from '../case.ts';
import { input, tracedPasses, watcherOf, type Means } from './recipe.ts';

/** Draws, from the inputs noise and step.<i>.noise. @returns what comes out of the last step */
export function guidedRun<State>(
  means: Means,
  setting: RunSetting,
  model: Model<unknown, never, State>,
  conditions: Conditions,
): Tensor {
  const { implementation, show } = means;
  const scheduler = implementation.scheduler(setting.scheduler, setting.steps, { eta: setting.eta });
  const guidance = implementation.guidance(setting.guidance);
  let index = 0;
  const steps = samplingLoop({
    denoiser: watchedDenoiser(means, model as unknown as Model, conditions, () => ({
      prefix: `step.${index}.`,
      timestep: implementation.timestep(implementation.modelTimestep(scheduler, index)),
    })),
    guidance: { ...guidance, guide: (step) => show(`step.${index}.guided`, guidance.guide(step)) },
    scheduler: {
      ...scheduler,
      step(state, given) {
        const result = scheduler.step(state, given);
        if (result.denoised) show(`step.${index}.denoised`, result.denoised);
        return { ...result, sample: show(`step.${index}.sample`, result.sample) };
      },
    },
    noise: input(means, 'noise'),
    noiseSource: () => input(means, `step.${implementation.noiseStep(index, setting.steps)}.noise`),
  });
  for (; ; index++) {
    const next = steps.next();
    if (next.done) return next.value;
  }
}

/** A denoiser all of whose modules are seen. */
function watchedDenoiser(
  means: Means,
  main: Model,
  conditions: Conditions,
  now: () => { prefix: string; timestep: number },
): Denoiser {
  const { implementation, show } = means;
  return {
    predict(sample, _timestep, asked) {
      const { prefix, timestep } = now();
      const shown = show(`${prefix}input`, sample);
      const outputs = new Map<Pass, Prediction>();
      // The passes that a fault gives another condition are run with it, apart from those that have it, and keep their
      // names.
      for (const condition of ['given', 'null']) {
        const passes = asked.filter((pass) => pass.condition === condition);
        const changed = passes.map((pass) => ({ ...implementation.pass(pass, main.attentionLayers, asked) }));
        const names = new Map(passes.map((pass, i) => [changed[i], prefix + nameOf(pass)]));
        const denoiser = groupingDenoiser({ main }, conditions, (model, given, group) => {
          const named = group.map((pass) => names.get(pass) ?? '');
          const perturbations = group.map(({ perturbation }) => perturbation);
          const found = tracedPasses(means, model, given, perturbations, (pass) => watcherOf(means, named[pass]));
          return found.map((output, i) => ({ output: show(`${named[i]}prediction`, output), taps: {} }));
        });
        denoiser.predict(shown, timestep, changed).forEach((prediction, i) => {
          outputs.set(passes[i], prediction);
        });
      }
      return asked.flatMap((pass) => outputs.get(pass) ?? []);
    },
  };
}

/** What the taps of a pass are called. */
function nameOf({ perturbation, condition }: Pass): string {
  if (perturbation.size > 0) return 'perturbed.';
  return condition === 'null' ? 'unconditional.' : '';
}
