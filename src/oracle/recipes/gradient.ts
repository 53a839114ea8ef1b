/** The loss of a model's prediction, and its gradient for the sample and all parameters. */
import type { Backend } from '../../kernels/kernels.ts';
import { runOn } from '../../kernels/run.ts';
import { lossGradient } from '../../models/loss-gradient.ts';
import { unwatched } from '../../models/passes.ts';
import { extentOf, type Tensor } from '../../tensor/tensor.ts';
import type { GradientSubject } from '../case.ts';
import { buildUNet } from './build.ts';
import { input, tracedOnce, type Recipe } from './recipe.ts';

/** The taps are the prediction, the loss, and the gradients in the order in which they come about: from the end. */
export function gradientRecipe({ config, timesteps, labels }: GradientSubject): Recipe {
  return (means) => {
    const { implementation, show } = means;
    const { kernels, lossScale } = implementation;
    const unet = buildUNet(config, means);
    const given = {
      sample: input(means, 'sample'),
      timesteps: timesteps.map(implementation.timestep),
      ...(labels && { classLabels: implementation.labels(labels) }),
    };
    const target = input(means, 'target');
    show('prediction', tracedOnce(means, unet, given, unwatched));
    const direct: Backend = { name: 'kernels', run: runOn(kernels), dispose: () => {} };
    const { loss, sample, parameters } = lossGradient(unet, direct, given, target);
    const factor = lossScale(target.data.length, extentOf(target, 0));
    const scaled = (x: Tensor): Tensor => (factor === 1 ? x : kernels.affine(x, factor, 0));
    show('loss', scaled(loss));
    for (const [name, value] of [...parameters].reverse()) show(`grad.${name}`, scaled(value));
    show('grad.sample', scaled(sample));
  };
}
