/** What has been learned, as diffusers saves a model: files that `from_pretrained` and `loadModelFolder` read. */
import { writeSafetensors } from '../formats/safetensors.ts';
import type { Json } from '../models/config-keys.ts';
import { areWeights, type Weights } from '../models/model.ts';
import type { Config } from '../schedulers/options.ts';
import { anObject } from '../tensor/checks.ts';
import { cast } from '../tensor/rounding.ts';

/** What is to be said of a model besides its weights. */
export interface ModelDescription {
  /** As `config.json` of diffusers, with `_class_name`. */
  readonly modelConfig: Json;
  /** As `scheduler_config.json` of diffusers, with `_class_name`. */
  readonly schedulerConfig: Config;
}

const aConfig = anObject("a config, as { _class_name: 'UNet2DModel' }");

/**
 * The files of a model's folder, by their names.
 * @param weights by the names that diffusers gives them; they are written in float32, in which diffusers builds modules
 * @throws InputError for what cannot be written, as `writeSafetensors`
 */
export function modelFiles(
  { modelConfig, schedulerConfig }: ModelDescription,
  weights: Weights,
): ReadonlyMap<string, Uint8Array> {
  aConfig('modelConfig', modelConfig);
  aConfig('schedulerConfig', schedulerConfig);
  areWeights('the weights', weights);
  const inSingle = [...weights].map(([name, weight]) => [name, cast(weight, 'f32')] as const);
  return new Map([
    ['config.json', jsonBytes(modelConfig)],
    ['scheduler_config.json', jsonBytes(schedulerConfig)],
    ['diffusion_pytorch_model.safetensors', writeSafetensors(Object.fromEntries(inSingle), { format: 'pt' })],
  ]);
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
}
