/** Some stages of a UNet, plain and, where they attend and the case asks for it, perturbed. */
import { InputError } from '../../tensor/errors.ts';
import { zeros } from '../../tensor/tensor.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { conditional, perturbed as perturbedPass } from '../../guidance/guidance.ts';
import { sitesOf } from '../../models/stage.ts';
import type { UNetState } from '../../models/unet2d/state.ts';
import type { StagesSubject } from '../case.ts';
import { input, watcherOf, type Recipe } from './recipe.ts';
import { buildUNet } from './unet.ts';

/** The taps are the modules of the stages; those of the second run are called `perturbed.<path>`. */
export function stagesRecipe({ config, stages: paths, perturbed }: StagesSubject): Recipe {
  return (means) => {
    const { implementation, dtype, inputs } = means;
    const unet = buildUNet(config, means);
    const stages = paths.map((path) => {
      const found = unet.stages.find((stage) => stage.path === path);
      if (!found)
        throw new InputError(
          `the model has no stage "${path}"; it has ${unet.stages.map((stage) => stage.path).join(', ')}`,
        );
      return found;
    });
    const hidden = input(means, 'hidden');
    const skips = [...inputs].filter(([name]) => name.startsWith('skips.')).map(([, value]) => value);
    const start: UNetState = {
      hidden,
      skips,
      temb: inputs.get('temb') ?? zeros(dtype, [hidden.shape[0], unet.config.timeEmbeddingDim]),
    };
    const layers = sitesOf(stages);

    const asked = perturbed ? [conditional, perturbedPass(layers, identity)] : [conditional];
    asked.forEach((pass, i) => {
      const { perturbation } = implementation.pass(pass, layers, asked);
      const context = {
        kernels: implementation.kernels,
        weights: unet.weights,
        ...watcherOf(means, i === 0 ? '' : 'perturbed.'),
      };
      stages.reduce((state, stage) => stage.run(context, state, perturbation), start);
    });
  };
}
