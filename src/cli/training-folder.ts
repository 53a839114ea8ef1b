/**
 * The folder of a training: a model as diffusers saves it (`config.json`, `scheduler_config.json`,
 * `diffusion_pytorch_model.safetensors`, the averaged weights), and in `training` the checkpoint, the losses, and the
 * pictures that were drawn on the way. Each file is replaced as a whole, the checkpoint before all others.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeWhole } from '../formats/node-files.ts';
import { InputError } from '../tensor/errors.ts';
import { checkpointBytes, readCheckpoint, type Checkpoint, type TrainingSettings } from '../training/checkpoint.ts';
import { modelFiles } from '../training/model-files.ts';
import { initialState } from '../training/step.ts';
import { openSafetensors } from './model.ts';
import { lockFolder } from './training-lock.ts';
import type { PreparedTraining } from './training-set-up.ts';

/** Where the files of a training are. */
export interface TrainingFolder {
  readonly path: string;
  readonly checkpoint: string;
  /** @param step of which pictures are drawn */
  picture(step: number): string;
  /** Leaves the folder to the next training. */
  release(): void;
}

/**
 * Makes the folder, or takes that of a training which has begun; until it is released, nobody else has it.
 * @param resume whether it may have begun
 * @throws InputError for a folder that holds something else, in which somebody trains, or that cannot be written
 */
export async function openFolder(path: string, resume: boolean): Promise<TrainingFolder> {
  const inner = join(path, 'training');
  const checkpoint = join(inner, 'checkpoint.safetensors');
  checkFolder(path, checkpoint, resume);
  makeFolder(join(inner, 'samples'));
  const release = await lockFolder(inner);
  try {
    // Somebody may have trained here meanwhile.
    checkFolder(path, checkpoint, resume);
    for (const folder of [path, inner, join(inner, 'samples')]) removeDrafts(folder);
  } catch (error) {
    release();
    throw error;
  }
  return {
    path,
    checkpoint,
    picture: (step) => join(inner, 'samples', `step-${String(step).padStart(7, '0')}.png`),
    release,
  };
}

function checkFolder(path: string, checkpoint: string, resume: boolean): void {
  const hasBegun = existsSync(checkpoint);
  if (hasBegun && !resume)
    throw new InputError(`${path} holds a training that has begun; --resume goes on with it, or give another --out`);
  const foreign = ['config.json', 'model_index.json'].find((file) => existsSync(join(path, file)));
  if (!hasBegun && foreign !== undefined)
    throw new InputError(`${path} holds a model (${foreign}), but no training; give another --out`);
}

/** What a writer that was killed has left behind. */
function removeDrafts(folder: string): void {
  for (const file of readdirSync(folder))
    if (/^\.pag-[0-9a-f]{12}$/.test(file)) rmSync(join(folder, file), { force: true });
}

/**
 * How far the training is: its checkpoint, or its beginning, which is then written.
 * @throws InputError for a checkpoint of another training
 */
export async function openCheckpoint(
  folder: TrainingFolder,
  prepared: PreparedTraining,
  settings: TrainingSettings,
): Promise<Checkpoint> {
  const begin = initialState(prepared.training);
  if (existsSync(folder.checkpoint)) return readCheckpoint(await openSafetensors(folder.checkpoint), begin, settings);
  const checkpoint = { state: begin, reports: [] };
  save(folder, prepared, settings, checkpoint);
  return checkpoint;
}

/**
 * Writes the checkpoint, the model, and the losses.
 * @throws InputError when one cannot be written; the checkpoint is then the old one or the new one, whole
 */
export function save(
  folder: TrainingFolder,
  prepared: PreparedTraining,
  settings: TrainingSettings,
  checkpoint: Checkpoint,
): void {
  const file = (name: string): string => join(folder.path, name);
  writeWhole(folder.checkpoint, checkpointBytes(checkpoint, settings));
  for (const [name, bytes] of modelFiles(prepared, checkpoint.state.average)) writeWhole(file(name), bytes);
  const rows = checkpoint.reports.map((report, i) =>
    [i + 1, report.loss, report.gradientNorm, report.learningRate].join(','),
  );
  const table = ['step,loss,gradient_norm,learning_rate', ...rows, ''].join('\n');
  writeWhole(file('training/losses.csv'), table);
}
