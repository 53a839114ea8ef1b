/** The letters model, ready to run. */
import { loadModelFolder } from '../../formats/diffusers.ts';
import type { ReadFile } from '../../formats/read-file.ts';
import type { Backend, Kernels, Program } from '../../kernels/kernels.ts';
import { unetDenoiser, type Denoiser } from '../../sampling/denoiser.ts';
import { createSchedulerOf } from '../../schedulers/create.ts';
import { DDIMScheduler } from '../../schedulers/ddim.ts';
import type { Scheduler } from '../../schedulers/scheduler.ts';
import { createUNet, type UNet } from '../../models/unet2d/unet.ts';
import { noLetter, stepCount } from '../study.ts';
import { createRecall } from './recall.ts';

/** The model, its scheduler, and what computes. */
export interface Model {
  readonly unet: UNet;
  readonly scheduler: Scheduler;
  /** What computes. */
  readonly backend: Backend;
  /** A denoiser for these class labels, one for each sample; with another backend than that, if one likes. */
  denoiser(labels: readonly number[], other?: Backend): Denoiser;
  /** The same on its own backend, but what it has lately predicted it does not compute again. */
  recalling(labels: readonly number[]): Denoiser;
  /** The same backend, but with some kernels changed. The same for the same change. */
  backendWith(change: KernelChange): Backend;
}

/** Kernels that take the place of others. */
export type KernelChange = (kernels: Kernels) => Partial<Kernels>;

/**
 * Loads the letters model.
 * @param readFile reads the files of its folder
 * @throws InputError when files are missing or wrong
 */
export async function loadModel(readFile: ReadFile, backend: Backend): Promise<Model> {
  const { config, weights, schedulerConfig } = await loadModelFolder(readFile, 'model');
  const unet = createUNet(config, weights);
  const changed = new Map<KernelChange, Backend>();
  const recall = createRecall(noLetter);
  const denoiser: Model['denoiser'] = (labels, other = backend) =>
    unetDenoiser(unet, other, { labels, nullLabel: noLetter });
  return {
    unet,
    scheduler: createSchedulerOf(DDIMScheduler, schedulerConfig ?? {}, stepCount),
    backend,
    denoiser,
    recalling: (labels) => recall(denoiser(labels), labels),
    backendWith(change) {
      const known = changed.get(change) ?? withKernels(backend, change);
      changed.set(change, known);
      return known;
    },
  };
}

/**
 * A backend that runs changed programs on another. It remembers them, for a program that is known is not compiled
 * again.
 */
function withKernels(backend: Backend, change: KernelChange): Backend {
  const programs = new WeakMap<Program, Program>();
  return {
    ...backend,
    run(program, inputs) {
      const known: Program =
        programs.get(program) ?? ((kernels, given) => program({ ...kernels, ...change(kernels) }, given));
      programs.set(program, known);
      return backend.run(known, inputs);
    },
  };
}
