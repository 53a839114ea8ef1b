/**
 * The folder of a noise-aware classifier, as `pag train --classifier` writes it: `config.json`,
 * `diffusion_pytorch_model.safetensors` and, for the noise that it knows, `scheduler_config.json`.
 */
import { readUNetClassifierConfig, type UNetClassifierConfig } from '../models/unet2d-classifier/config.ts';
import { unetClassifierArchitecture } from '../models/unet2d-classifier/unet-classifier.ts';
import { schedulerOf, type FolderOf } from './diffusers.ts';
import { loadModelFiles, type ComponentKind } from './model-files.ts';
import { aReader, type ReadFile } from './read-file.ts';

/** A classifier that guides. */
export const classifierKind: ComponentKind<UNetClassifierConfig> = {
  read: readUNetClassifierConfig,
  stages: (config) => unetClassifierArchitecture(config).stages,
};

/**
 * Loads a classifier's folder.
 * @param source the folder's name, for messages
 * @throws InputError when files are missing or wrong, or are those of another class
 */
export async function loadClassifierFolder(
  readFile: ReadFile,
  source: string,
): Promise<FolderOf<UNetClassifierConfig>> {
  aReader('what reads files', readFile);
  const files = await loadModelFiles(readFile, '', source, classifierKind);
  const scheduler = await schedulerOf({ readFile, source, index: undefined });
  return { ...files, schedulerConfig: scheduler.config, warnings: [...files.warnings, ...scheduler.warnings] };
}
