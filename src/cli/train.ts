/** `pag train`: trains a UNet2DModel, or a classifier that guides one. */
import { writeWhole } from '../formats/node-files.ts';
import type { Backend } from '../kernels/kernels.ts';
import { passLoad } from '../models/cost.ts';
import { learnedParameters } from '../models/given-weights.ts';
import { unperturbed } from '../models/stage.ts';
import { InputError } from '../tensor/errors.ts';
import { extentOf, sizeOf } from '../tensor/tensor.ts';
import type { Checkpoint, TrainingSettings } from '../training/checkpoint.ts';
import { configHelp } from '../training/config.ts';
import { trainingStep, type StepReport } from '../training/step.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import type { Command } from './command.ts';
import { printResult, warn } from './messages.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { createProgress } from './progress.ts';
import { openCheckpoint, openFolder, save, type TrainingFolder } from './training-folder.ts';
import { drawSamples } from './training-samples.ts';
import {
  chooseBatches,
  planTraining,
  readTrainingData,
  type BatchSource,
  type PreparedTraining,
} from './training-set-up.ts';
import { announceWork } from './work.ts';

const kinds: OptionKinds = {
  data: 'text',
  config: 'text',
  out: 'text',
  classifier: 'flag',
  resume: 'flag',
  replay: 'text',
  recompute: 'flag',
  ...backendOptions,
};

const help = `pag train --data FILE|DIR --config CONFIG.json --out DIR [options]

Trains a UNet2DModel to remove noise, from nothing or from a model that there is: AdamW, gradients clipped, weights
averaged. DIR becomes a model that diffusers loads (UNet2DModel.from_pretrained) and pag sample draws with, its
weights the averaged ones. DIR/training has the losses, pictures that were drawn on the way, and the checkpoint, with
all that the training needs to go on: killed at any moment, the same command with --resume ends with the same bits.
Ctrl-C finishes the step and writes a checkpoint.

  --data FILE|DIR                 the pictures: a folder of PNGs, of which subfolders are classes; an .npz or a
                                  safetensors file with images [N,C,H,W], [N,H,W,C] or [N,H,W], bytes or floats from
                                  -1 to 1, and labels [N]
  --config CONFIG.json            what is trained, and how: see below
  --out DIR                       where the model goes
  --classifier                    trains what says which class a noised picture is of, for --guidance classifier: the
                                  model is a UNet2DClassifierModel (the keys of UNet2DModel that say how its way down
                                  and its middle are built, and num_classes), the loss its cross-entropy
  --resume                        goes on with the training in DIR, if there is one; never two at a time in one DIR
  --replay FILE.safetensors       in place of --data: the clean pictures of each step as sample [S,B,C,H,W], timestep
                                  [S,B], noise [S,B,C,H,W], class_labels [S,B]; DIR/training/losses.csv has the losses
  --recompute                     computes each stage again on the way back: less memory, more time, the same bits
${backendHelp}

A training is in f32 or f64.

Keys of CONFIG.json, with their defaults; model and steps must be given:
${configHelp().join('\n')}`;

/** The command `pag train`. */
export const trainCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const [configFile, out] = [options.required('config'), options.required('out')];
  const { dtype, backend } = chooseBackend(options);
  if (dtype !== 'f32' && dtype !== 'f64')
    throw new InputError(`--dtype is ${dtype}; a training is in f32 or f64, for small steps vanish in 16 bits`);
  const planned = await planTraining(configFile, dtype, options.has('classifier') ? 'classifier' : 'denoiser');
  // Before the first weights are drawn: what is wrong with the data is known at once.
  const data = await readTrainingData(planned, options.text('data'), options.text('replay'));
  const prepared = planned.prepare();
  const source = await chooseBatches(prepared.training, data);
  const settings = settingsOf(prepared, source, backend);
  const folder = await openFolder(out, options.has('resume'));
  const started = performance.now();
  const { begin, end } = await trainIn({
    folder,
    prepared,
    source,
    settings,
    backend,
    recompute: options.has('recompute'),
  }).finally(folder.release);
  backend.dispose();
  const { state, reports } = end;
  const seconds = (performance.now() - started) / 1000;
  const steps = state.step - begin.state.step;
  printResult(options, {
    text:
      `${steps} steps to ${state.step} of ${source.steps}, ${lossText(reports)}, ${dtype} on ${backend.name}, ` +
      `in ${seconds.toFixed(1)} s: ${out}`,
    json: { schema: 1, out, steps, step: state.step, loss: meanLoss(reports), dtype, kernels: backend.name, seconds },
  });
  return 0;
}

/** What the numbers of a training depend on. */
function settingsOf(
  { training }: PreparedTraining,
  { steps, sha256 }: BatchSource,
  { name }: Backend,
): TrainingSettings {
  const { config, model } = training;
  return {
    ...config,
    ...(training.kind === 'classifier' && { '--classifier': true }),
    data: { ...config.data, sha256 },
    'steps of the data': steps,
    '--dtype': model.dtype,
    // All other kernels have the same bits.
    '--kernels simd-fma': name.includes('fma'),
  };
}

/** Says what is to be done, and what that takes. */
function announce({ training }: PreparedTraining, source: BatchSource, { state }: Checkpoint): void {
  const { model } = training;
  const parameters = learnedParameters(model).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const steps = source.steps - state.step;
  if (steps === 0) {
    warn([`all ${source.steps} steps are done`]);
    return;
  }
  const batch = source.batch(state.step);
  const { products, numbers } = passLoad(model, training.inputOf(batch), [unperturbed]);
  warn([
    `${parameters} parameters, ${steps} steps of ${extentOf(batch.sample, 0)} pictures` +
      (state.step > 0 ? `, after ${state.step} that are done` : ''),
  ]);
  // Each product has two on the way back; and there are gradients, two moments, an average, and what they become.
  announceWork({ products: 3 * products * steps, bytes: 4 * (numbers + 8 * parameters) });
}

/** What a training runs with. */
interface Run {
  readonly folder: TrainingFolder;
  readonly prepared: PreparedTraining;
  readonly source: BatchSource;
  readonly settings: TrainingSettings;
  readonly backend: Backend;
  readonly recompute: boolean;
}

/** Goes on with the training in the folder, or begins it. */
async function trainIn(run: Run): Promise<{ readonly begin: Checkpoint; readonly end: Checkpoint }> {
  const { folder, prepared, source, settings } = run;
  const begin = await openCheckpoint(folder, prepared, settings);
  announce(prepared, source, begin);
  return { begin, end: await follow(run, begin) };
}

/** Trains to the end, or until a signal asks to stop, which then ends the process as it would have at once. */
async function follow(
  { folder, prepared, source, settings, backend, recompute }: Run,
  begin: Checkpoint,
): Promise<Checkpoint> {
  const { training } = prepared;
  const { samples, checkpoints } = training.config;
  const stop = listen();
  const progress = createProgress('training');
  const reports = [...begin.reports];
  const extents = source.batch(0).sample.shape.slice(1);
  let { state } = begin;
  while (state.step < source.steps) {
    const next = trainingStep(training, backend, state, source.batch(state.step), recompute);
    state = next.state;
    reports.push(next.report);
    const isLast = state.step === source.steps;
    const [done, total] = [state.step - begin.state.step, source.steps - begin.state.step];
    progress.update(done, total, `step ${state.step}, ${lossText(reports)}`);
    const isDrawn = isLast || (samples.every > 0 && state.step % samples.every === 0);
    if (isDrawn && training.kind === 'denoiser') {
      const picture = await drawSamples(prepared, state, backend, extents);
      if (picture) writeWhole(folder.picture(state.step), picture);
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (isLast || stop.signal() !== undefined || state.step % checkpoints.every === 0) {
      save(folder, prepared, settings, { state, reports });
    }
    if (stop.signal() !== undefined && !isLast) {
      progress.end();
      warn([`stopped after step ${state.step} of ${source.steps}, ${lossText(reports)}; --resume goes on`]);
      folder.release();
      await stop.obey();
    }
  }
  progress.end();
  stop.end();
  // Whoever was killed behind the last checkpoint has not written the model of it.
  if (state === begin.state) save(folder, prepared, settings, begin);
  return { state, reports };
}

/** Of the last steps: the loss of one alone says more of its timesteps than of the model. */
function meanLoss(reports: readonly StepReport[]): number | undefined {
  const last = reports.slice(-100);
  return last.length === 0 ? undefined : last.reduce((sum, { loss }) => sum + loss, 0) / last.length;
}

function lossText(reports: readonly StepReport[]): string {
  return `loss ${meanLoss(reports)?.toFixed(5) ?? 'unknown'}`;
}

/** Hears the signals that ask a process to end; a second one ends it at once. (SIGHUP is left to `nohup`.) */
function listen(): { signal(): NodeJS.Signals | undefined; obey(): Promise<void>; end(): void } {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  let heard: NodeJS.Signals | undefined;
  const end = (): void => {
    for (const signal of signals) process.off(signal, hear);
  };
  const hear = (signal: NodeJS.Signals): void => {
    heard = signal;
    end();
  };
  for (const signal of signals) process.on(signal, hear);
  return {
    signal: () => heard,
    async obey() {
      if (heard !== undefined) process.kill(process.pid, heard);
      // What writes files whole holds signals back until the process has been idle twice.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    },
    end,
  };
}
