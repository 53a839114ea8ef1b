/** The attention layers that a guidance perturbs, as the user names them. */
import type { PerSample } from '../tensor/arithmetic.ts';
import type { Check } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { isAll } from './scales.ts';

/** Layers, by name. Whether the model has them, the denoiser finds out; here is refused what no model can mean. */
export const layerNames: Check = (name, layers) => {
  if (!Array.isArray(layers)) {
    throw new InputError(`${name} is ${shown(layers)}; it must be a list of attention layers, as ${example}`);
  }
  for (const layer of layers) {
    if (typeof layer === 'string' && layer !== '') continue;
    throw new InputError(`a layer is ${shown(layer)}; it must be the name of an attention layer, as ${example}`);
  }
};

/**
 * A guidance whose scale asks for a perturbed pass must name layers.
 * @param scaleName how the user calls the scale of the guidance
 * @param scale where it is 0 for all samples, there need not be a layer
 * @throws InputError when there is no layer although there should be
 */
export function checkLayers(layers: readonly string[], scaleName: string, scale: PerSample): void {
  if (layers.length === 0 && !isAll(scale, 0)) {
    throw new InputError(
      `layers is empty, so ${scaleName} would have no effect; name attention layers, as ${example}, or set it to 0`,
    );
  }
}

const example = '["mid_block.attentions.0"]';
