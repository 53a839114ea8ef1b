/** The attention layers that a guidance perturbs, as the user names them. */
import { InputError } from '../tensor/errors.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import { isAll, shown } from './scales.ts';

/**
 * Whether the model has the layers, the denoiser finds out; here is refused what no model can mean.
 * @param scaleName how the user calls the scale of the guidance
 * @param scale where it is 0 for all samples, there need not be a layer
 * @throws InputError unless `layers` is a list of names, and not empty where the scale asks for a perturbed pass
 */
export function checkLayers(layers: readonly string[], scaleName: string, scale: PerSample): void {
  if (!Array.isArray(layers)) {
    throw new InputError(`layers is ${shown(layers)}; it must be a list of attention layers, as ${example}`);
  }
  for (const layer of layers) {
    if (typeof layer !== 'string' || layer === '') {
      throw new InputError(`a layer is ${shown(layer)}; it must be the name of an attention layer, as ${example}`);
    }
  }
  if (layers.length === 0 && !isAll(scale, 0)) {
    throw new InputError(
      `layers is empty, so ${scaleName} would have no effect; name attention layers, as ${example}, or set it to 0`,
    );
  }
}

const example = '["mid_block.attentions.0"]';
