/** The letters model, ready to run. */
import { loadModelFolder, type ReadFile } from '../../formats/diffusers.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { unetDenoiser, type Denoiser } from '../../sampling/denoiser.ts';
import { createScheduler } from '../../schedulers/registry.ts';
import type { Scheduler } from '../../schedulers/scheduler.ts';
import { createUNet, type UNet } from '../../unet/unet.ts';
import { noLetter, stepCount } from '../study.ts';

export interface Model {
  readonly unet: UNet;
  readonly scheduler: Scheduler;
  /** A denoiser for these class labels, one for each sample; with another backend than the model's own, if one likes. */
  denoiser(labels: readonly number[], other?: Backend): Denoiser;
}

/** @throws InputError when files are missing or wrong */
export async function loadModel(readFile: ReadFile, backend: Backend): Promise<Model> {
  const { config, weights, schedulerConfig } = await loadModelFolder(readFile, 'model');
  const unet = createUNet(config, weights);
  return {
    unet,
    scheduler: createScheduler(schedulerConfig ?? { _class_name: 'DDIMScheduler' }, stepCount),
    denoiser: (labels, other = backend) => unetDenoiser(unet, other, { labels, nullLabel: noLetter }),
  };
}
