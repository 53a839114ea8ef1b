/** Some stages of a model, plain and, where they attend and the case asks for it, perturbed. */
import { InputError } from '../../tensor/errors.ts';
import { extentOf, zeros, type Tensor } from '../../tensor/tensor.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import { conditional, perturbed as perturbedPass } from '../../guidance/guidance.ts';
import type { Model } from '../../models/model.ts';
import type { PictureState } from '../../models/picture-stages.ts';
import { sitesOf } from '../../models/stage.ts';
import type { StagesSubject } from '../case.ts';
import { buildAutoencoder, buildConditionUNet, buildUNet } from './build.ts';
import { input, watcherOf, type Means, type Recipe } from './recipe.ts';

/** The taps are the modules of the stages; those of the second run are called `perturbed.<path>`. */
export function stagesRecipe(subject: StagesSubject): Recipe {
  return (means) => {
    switch (subject.family) {
      case 'UNet2DModel': {
        const unet = buildUNet(subject.config, means);
        return runStages(subject, means, unet, withTime(means, unet.config));
      }
      case 'UNet2DConditionModel': {
        const unet = buildConditionUNet(subject.config, means);
        const state = withTime(means, unet.config);
        const text = means.inputs.get('encoder_hidden_states');
        return runStages(subject, means, unet, { ...state, encoder: text, given: {}, ...residualOf(state.hidden) });
      }
      case 'AutoencoderKL': {
        const way = subject.stages[0]?.startsWith('encoder') ? 'encode' : 'decode';
        return runStages(subject, means, buildAutoencoder(subject.config, way, means), pictureOf(means));
      }
    }
  };
}

/** What flows into the first of the stages. */
function pictureOf(means: Means): PictureState {
  const skips = [...means.inputs].filter(([name]) => name.startsWith('skips.')).map(([, value]) => value);
  return { hidden: input(means, 'hidden'), skips };
}

function withTime(means: Means, { timeEmbeddingDim }: { readonly timeEmbeddingDim: number }) {
  const state = pictureOf(means);
  const temb = means.inputs.get('temb') ?? zeros(means.dtype, [extentOf(state.hidden, 0), timeEmbeddingDim]);
  return { ...state, temb };
}

/** Of tokens [B,N,C] inside of a transformer: a picture of one row, which says how they lie. */
function residualOf({ dtype, shape }: Tensor): { readonly residual?: Tensor } {
  const [batch = 0, tokens = 0, channels = 0] = shape;
  return shape.length === 3 ? { residual: zeros(dtype, [batch, channels, 1, tokens]) } : {};
}

function runStages<State>(
  { stages: paths, perturbed }: StagesSubject,
  means: Means,
  model: Pick<Model<unknown, never, State>, 'stages' | 'weights'>,
  start: State,
): void {
  const { implementation } = means;
  const stages = paths.map((path) => {
    const found = model.stages.find((stage) => stage.path === path);
    if (!found)
      throw new InputError(
        `the model has no stage "${path}"; it has ${model.stages.map((stage) => stage.path).join(', ')}`,
      );
    return found;
  });
  const layers = sitesOf(stages);
  const asked = perturbed ? [conditional, perturbedPass(layers, identity)] : [conditional];
  asked.forEach((pass, i) => {
    const { perturbation } = implementation.pass(pass, layers, asked);
    const context = {
      kernels: implementation.kernels,
      weights: model.weights,
      ...watcherOf(means, i === 0 ? '' : 'perturbed.'),
    };
    stages.reduce((state, stage) => stage.run(context, state, perturbation), start);
  });
}
