/** A forward pass, plain and perturbed. The taps of the second pass are called `perturbed.<path>`. */
import { conditional, perturbed as perturbedPass } from '../../guidance/guidance.ts';
import type { Model } from '../../models/model.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import type { UNetSubject } from '../case.ts';
import { buildUNet } from './build.ts';
import { input, tracedPasses, watcherOf, type Means, type Recipe } from './recipe.ts';

/** The taps are all modules, and `prediction`. */
export function unetRecipe({ config, timesteps, labels, perturbed }: UNetSubject): Recipe {
  return (means) => {
    const { implementation, inputs } = means;
    const classLabels = (labels && implementation.labels(labels)) ?? inputs.get('class_embedding');
    const given = {
      sample: input(means, 'sample'),
      timesteps: timesteps.map(implementation.timestep),
      ...(classLabels && { classLabels }),
    };
    showPasses(means, buildUNet(config, means), given, perturbed);
  };
}

/** Runs a model, and, where layers are to be perturbed, runs it perturbed; shows every module of both. */
export function showPasses<Input, State>(
  means: Means,
  model: Model<unknown, Input, State>,
  given: Input,
  layers: readonly string[],
): void {
  const { implementation, show } = means;
  const asked = layers.length === 0 ? [conditional] : [conditional, perturbedPass(layers, identity)];
  const passes = asked.map((pass) => implementation.pass(pass, model.attentionLayers, asked).perturbation);
  const prefixes = ['', 'perturbed.'];
  const predictions = tracedPasses(means, model, given, passes, (pass) => watcherOf(means, prefixes[pass]));
  predictions.forEach((prediction, i) => {
    show(`${prefixes[i]}prediction`, prediction);
  });
}
