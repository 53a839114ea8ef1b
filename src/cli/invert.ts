/** `pag sample --invert`: from a picture to the noise that DDIM draws it from. */
import { writeSafetensors } from '../formats/safetensors.ts';
import { none } from '../guidance/none.ts';
import { classConditions } from '../models/condition.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { leastWork } from '../sampling/work.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { InputError } from '../tensor/errors.ts';
import { backendOptions, chooseBackend } from './backend.ts';
import { conditionsOf } from './class-labels.ts';
import { follow } from './follow.ts';
import { loadWithLora } from './lora.ts';
import { printResult, warn } from './messages.ts';
import { chooseScheduler } from './model.ts';
import { refuseIdle, type OptionKinds, type ParsedOptions } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import { readPicture } from './picture.ts';
import { announceWork } from './work.ts';

/** What has an effect on an inversion. */
const own = ['model', 'variant', 'lora', 'invert', 'out-noise', 'resize', 'labels', 'null-label', 'steps', 'preview'];

/**
 * DDIM inversion, unguided (Mokady et al. 2022, arXiv 2211.09794): nothing is clipped on the way, for what is cut off
 * does not come back.
 * @param kinds all options of the command
 * @throws InputError for options that have no effect on it, and as drawing does
 */
export async function invertPicture(options: ParsedOptions, kinds: OptionKinds): Promise<number> {
  const idle = Object.keys(kinds).filter((name) => !own.includes(name) && !(name in backendOptions));
  refuseIdle(options, idle, 'with --invert, which is DDIM backwards, unguided');
  const [file, out] = [options.required('invert'), options.required('out-noise')];
  chooseOutFiles(options, { 'out-noise': 'safetensors' });
  const { dtype, backend } = chooseBackend(options);
  const { unet, schedulerConfig } = await loadWithLora(options, dtype);
  const { sampleSize, inChannels } = unet.config;
  if (!sampleSize) throw new InputError('the model has no sample_size; --invert needs one');
  const steps = options.integer('steps', 1) ?? 20;
  const scheduler = createScheduler(await inverseOf(schedulerConfig), steps);
  warn(scheduler.warnings ?? []);
  const { labels, nullLabel } = conditionsOf(options, unet, 1);
  const [models, conditions] = [{ main: unet }, classConditions(labels, nullLabel)];
  const denoiser = denoiserOf(models, backend, conditions);
  const picture = await readPicture(file, [1, inChannels, ...sampleSize], dtype, options.has('resize'));
  const noiseSource = (): never => {
    throw new Error('DDIM inversion draws no noise');
  };
  announceWork(leastWork({ models, conditions, guidance: none, scheduler, shape: picture.shape }));
  const run = { denoiser, guidance: none, scheduler, noise: picture, noiseSource };
  const { sample } = await follow(run, 'inverting', { preview: options.has('preview') });
  backend.dispose();
  writeOut(out, writeSafetensors({ noise: sample }));
  const back = schedulerConfig?.['_class_name'] === 'DDIMScheduler' ? '' : ' --scheduler ddim';
  const way = `--noise ${out}${back} --steps ${steps} leads back`;
  const text = `the noise of ${file}, ${steps} steps, ${dtype}: ${out}; ${way}`;
  printResult(options, { text, json: { schema: 1, noise: out, steps, dtype }, aside: isStdout(out) });
  return 0;
}

/** The inverse of the DDIM that the model's own config describes, or that `--scheduler ddim` makes of it. */
async function inverseOf(ofModel: Config | undefined): Promise<Config> {
  const trained = await chooseScheduler('ddim-inverse', undefined, ofModel);
  const isDdim = ofModel?.['_class_name'] === 'DDIMScheduler';
  const spacing = ['timestep_spacing', 'steps_offset', 'set_alpha_to_one'].flatMap((key) =>
    isDdim && ofModel && Object.hasOwn(ofModel, key) ? [[key, ofModel[key]] as const] : [],
  );
  return { ...trained, ...Object.fromEntries(spacing), clip_sample: false };
}
