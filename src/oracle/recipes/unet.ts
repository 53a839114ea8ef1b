/** A forward pass, plain and perturbed. The taps of the second pass are called `perturbed.<path>`. */
import { conditional, perturbed as perturbedPass } from '../../guidance/guidance.ts';
import { withWeights } from '../../models/model.ts';
import { parseUNetConfig } from '../../models/unet2d/config.ts';
import { unetArchitecture, type UNet } from '../../models/unet2d/unet.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import type { Config } from '../../schedulers/options.ts';
import type { UNetSubject } from '../case.ts';
import { input, tracedPasses, watcherOf, type Means, type Recipe } from './recipe.ts';

/** The taps are all modules, and `prediction`. */
export function unetRecipe({ config, timesteps, labels, perturbed }: UNetSubject): Recipe {
  return (means) => {
    const { implementation, show, inputs } = means;
    const unet = buildUNet(config, means);
    const asked = perturbed.length === 0 ? [conditional] : [conditional, perturbedPass(perturbed, identity)];
    const passes = asked.map((pass) => implementation.pass(pass, unet.attentionLayers, asked).perturbation);
    const classLabels = (labels && implementation.labels(labels)) ?? inputs.get('class_embedding');
    const given = {
      sample: input(means, 'sample'),
      timesteps: timesteps.map(implementation.timestep),
      ...(classLabels && { classLabels }),
    };
    const prefixes = ['', 'perturbed.'];
    const predictions = tracedPasses(means, unet, given, passes, (pass) => watcherOf(means, prefixes[pass]));
    predictions.forEach((prediction, i) => {
      show(`${prefixes[i]}prediction`, prediction);
    });
  };
}

/** The UNet as an implementation builds it. The weights may be those of some of its modules only. */
export function buildUNet(config: Config, { implementation, weights, dtype }: Means): UNet {
  const understood = implementation.config(parseUNetConfig(config, 'case.json'));
  const architecture = unetArchitecture(understood, implementation);
  const stages = implementation.stages(architecture.stages);
  return withWeights({ ...architecture, stages }, implementation.weights(weights), dtype);
}
