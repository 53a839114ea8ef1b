/** A forward pass of the UNet of Stable Diffusion, plain and perturbed. The names of the taps are those of unet.ts. */
import { allocate, extentOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import { at } from '../../tensor/at.ts';
import type { ConditionUNetSubject } from '../case.ts';
import type { Implementation } from '../implementation.ts';
import { buildConditionUNet } from './build.ts';
import { input, type Recipe } from './recipe.ts';
import { showPasses } from './unet.ts';

/** The taps are all modules, and `prediction`. */
export function conditionUNetRecipe({ config, timesteps, perturbed }: ConditionUNetSubject): Recipe {
  return (means) => {
    const { implementation, inputs } = means;
    const [textEmbeds, timeIds] = ['text_embeds', 'time_ids'].map((name) => inputs.get(name));
    const given = {
      sample: input(means, 'sample'),
      timesteps: timesteps.map(implementation.timestep),
      encoderHiddenStates: input(means, 'encoder_hidden_states'),
      ...(textEmbeds && { textEmbeds }),
      ...(timeIds && { timeIds: arranged(timeIds, implementation) }),
    };
    showPasses(means, buildConditionUNet(config, means), given, perturbed);
  };
}

/** The numbers of sizes in the order of an implementation. */
function arranged(ids: Tensor, { timeIds }: Implementation): Tensor {
  if (extentOf(ids, 1) !== 6) return ids;
  const pair = (start: number): readonly [number, number] => [at(ids.data, start), at(ids.data, start + 1)];
  const out = allocate(ids.dtype, ids.data.length);
  for (let start = 0; start < ids.data.length; start += 6)
    out.set(timeIds({ original: pair(start), crop: pair(start + 2), target: pair(start + 4) }), start);
  return tensor(ids.dtype, ids.shape, out);
}
