/** The models of fixtures/goldens/text/unets, which together have every key of the config, with their inputs. */
import { componentKinds } from '../../../src/formats/components.ts';
import { readNumbers, readTensor, type SafetensorsFile } from '../../../src/formats/safetensors.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import type { UNetConditionConfig } from '../../../src/models/unet2d-condition/config.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { loadFixtureFiles, metadataOf, openGoldens } from '../../goldens.ts';
import type { GoldenModel } from '../unet-goldens.ts';

export const goldenModels = [
  'distilled',
  'inpainting',
  'odd-size-masked',
  'of-a-picture',
  'of-text-and-picture',
  'only-cross',
  'pixels',
  'sd-1',
  'sd-2',
  'sd-xl',
] as const;

/** What the arguments of diffusers are called here. */
const tensorNames = {
  encoder_hidden_states: 'encoderHiddenStates',
  encoder_attention_mask: 'encoderAttentionMask',
  text_embeds: 'textEmbeds',
  time_ids: 'timeIds',
  timestep_cond: 'timestepCond',
  image_embeds: 'imageEmbeds',
} as const satisfies Readonly<Record<string, keyof ModelInput>>;

export async function goldenModel(name: (typeof goldenModels)[number]): Promise<GoldenModel<UNetConditionConfig>> {
  const { config, weights } = await loadFixtureFiles(`goldens/text/unets/${name}`, componentKinds.UNet2DConditionModel);
  const file = openGoldens(`text/unets/${name}/golden.safetensors`);
  const given = Object.entries(tensorNames).filter(([theirs]) => file.entries.has(theirs));
  return {
    config,
    weights,
    file,
    passes: metadataOf(file, 'passes'),
    input: {
      sample: readTensor(file, 'sample'),
      timesteps: readNumbers(file, 'timestep').numbers,
      ...Object.fromEntries(given.map(([theirs, ours]) => [ours, readTensor(file, theirs)])),
      ...(file.entries.has('class_labels') && { classLabels: labelsOf(file, config) }),
    },
  };
}

function labelsOf(file: SafetensorsFile, { classEmbedding }: UNetConditionConfig): readonly number[] | Tensor {
  return classEmbedding === 'lookup' || classEmbedding === 'timestep'
    ? readNumbers(file, 'class_labels').numbers
    : readTensor(file, 'class_labels');
}
