/**
 * A whole run, through the sampling loop itself. At step i: `step.i.input` (what the model is given), for each pass its
 * modules and `prediction`, then `step.i.guided`, `.denoised`, `.sample`. The passes are called nothing,
 * `unconditional.` and `perturbed.`.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Pass } from '../../guidance/guidance.ts';
import type { Denoiser } from '../../sampling/denoiser.ts';
import { sampleSteps } from '../../sampling/sample.ts';
import { traceUNet, type UNet } from '../../models/unet2d/unet.ts';
import type { RunSubject } from '../case.ts';
import { watcherOf } from '../trace.ts';
import { input, type Kitchen, type Recipe } from './recipe.ts';
import { buildUNet, embeddingOf } from './unet.ts';

export function runRecipe(subject: RunSubject): Recipe {
  return (kitchen) => {
    const { implementation, weights, dtype, show } = kitchen;
    const scheduler = implementation.scheduler(subject.scheduler, subject.steps, { eta: subject.eta });
    const guidance = implementation.guidance(subject.guidance);
    let index = 0;
    const steps = sampleSteps({
      denoiser: watchedDenoiser(kitchen, subject, buildUNet(subject.config, weights, dtype, implementation), () => ({
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
      noise: input(kitchen, 'noise'),
      noiseSource: () => input(kitchen, `step.${index}.noise`),
    });
    for (; !steps.next().done; index++);
  };
}

/** A denoiser all of whose modules are seen. */
function watchedDenoiser(
  kitchen: Kitchen,
  { labels, nullLabel }: RunSubject,
  unet: UNet,
  now: () => { prefix: string; timestep: number },
): Denoiser {
  const { implementation, show } = kitchen;
  const labelsOf = (pass: Pass): readonly number[] | undefined =>
    pass.condition === 'given' || nullLabel === undefined ? labels : labels?.map(() => nullLabel);
  return {
    predict(sample, _timestep, asked) {
      const { prefix, timestep } = now();
      const shown = show(`${prefix}input`, sample);
      const outputs = new Map<Pass, Tensor>();
      for (const condition of ['given', 'null'] as const) {
        const passes = asked.filter((pass) => pass.condition === condition);
        if (passes.length === 0) continue;
        const changed = passes.map((pass) => implementation.pass(pass, unet.attentionLayers, asked));
        const prefixes = passes.map(
          (pass) => prefix + (pass.perturbation.size > 0 ? 'perturbed.' : condition === 'null' ? 'unconditional.' : ''),
        );
        // The passes that a fault gives another condition are run with it, but keep their names.
        const groups = new Map<string, number[]>();
        changed.forEach((pass, i) => groups.set(pass.condition, [...(groups.get(pass.condition) ?? []), i]));
        for (const members of groups.values()) {
          const classLabels = labelsOf(changed[members[0]]);
          const found = traceUNet(
            unet,
            implementation.kernels,
            { sample: shown, timesteps: [timestep], ...(classLabels && { classLabels }) },
            members.map((i) => changed[i].perturbation),
            (pass) => watcherOf(kitchen, prefixes[members[pass]]),
            embeddingOf(unet, implementation),
          );
          members.forEach((i, place) => outputs.set(passes[i], show(`${prefixes[i]}prediction`, found[place])));
        }
      }
      return asked.map((pass) => ({ output: outputs.get(pass)!, taps: {} }));
    },
  };
}
