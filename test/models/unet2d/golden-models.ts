/** The models of fixtures/goldens/unets, which together have every key of the config, with their inputs. */
import { readNumbers, readTensor, type SafetensorsFile } from '../../../src/formats/safetensors.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import type { UNetConfig } from '../../../src/models/unet2d/config.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../../goldens.ts';
import type { GoldenModel } from '../unet-goldens.ts';

export const goldenModels = [
  'classic',
  'fourier',
  'learned-time',
  'learned-variance',
  'no-middle',
  'odd-widths',
  'one-block',
  'rectangular',
  'skips',
  'skips-below',
  'two-layers',
] as const;

export async function goldenModel(name: (typeof goldenModels)[number]): Promise<GoldenModel<UNetConfig>> {
  const { config, weights } = await loadFixtureModel(`goldens/unets/${name}`);
  const file = openGoldens(`unets/${name}/golden.safetensors`);
  return { config, weights, file, passes: metadataOf(file, 'passes'), input: goldenInput(file, config) };
}

/** What a golden was run with; `read` gives its tensors. */
export function goldenInput(file: SafetensorsFile, { classEmbedding }: UNetConfig, read = readTensor): ModelInput {
  const labels = (): NonNullable<ModelInput['classLabels']> =>
    classEmbedding === 'identity' ? read(file, 'class_labels') : readNumbers(file, 'class_labels').numbers;
  return {
    sample: read(file, 'sample'),
    timesteps: readNumbers(file, 'timestep').numbers,
    ...(file.entries.has('class_labels') && { classLabels: labels() }),
  };
}
