/** `pag restore`: the picture behind a blurred, coarse, noisy or torn one. */
import { grid } from '../formats/grid.ts';
import type { Picture } from '../formats/picture.ts';
import { encodePng } from '../formats/png.ts';
import { classConditions } from '../models/condition.ts';
import { measureBack } from '../restoration/measurement.ts';
import { restoringPixels } from '../restoration/pixels.ts';
import { forEachSample } from '../sampling/from-picture.ts';
import { leastWork } from '../sampling/work.ts';
import { mapElements, mean, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { backendHelp, backendOptions, chooseBackend } from './backend.ts';
import { conditionsOf } from './class-labels.ts';
import type { Command } from './command.ts';
import { follow } from './follow.ts';
import { chooseUNetGuidance, chosenPage, guidanceHelp, guidanceOptions, refuseClassifier } from './guidance-options.ts';
import { printResult } from './messages.ts';
import { folderChoices, loadModel, modelFolder, modelHelp } from './model.ts';
import { chooseNoise, noiseHelp, noiseOptions } from './noise.ts';
import { readOptions, refuseIdle, type OptionKinds, type ParsedOptions } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import {
  bestWeights,
  chooseRestoringRun,
  chooseWeight,
  measuredFor,
  methods,
  readTask,
  restoringWork,
  taskHelp,
  taskOptions,
  tasks,
  type Method,
  type RestorationTask,
} from './restoration-task.ts';
import type { Restored } from './restore-latents.ts';
import { runTitle, writeLatents, type OutFiles } from './run-report.ts';
import { schedulerHelp, schedulerOptions } from './scheduler-options.ts';
import { announceWork } from './work.ts';

const kinds: OptionKinds = {
  model: 'text',
  variant: 'text',
  ...taskOptions,
  method: 'text',
  weight: 'number',
  gluing: 'number',
  prompt: 'texts',
  'negative-prompt': 'texts',
  out: 'text',
  latents: 'text',
  labels: 'text',
  preview: 'flag',
  ...noiseOptions,
  ...schedulerOptions,
  ...guidanceOptions,
  ...backendOptions,
};

/** The weights of a method: lines of the help, of at most four tasks each. */
function weightsText(method: Method): string {
  const all = tasks.map((task) => `${task} ${bestWeights[method][task]}`);
  return [all.slice(0, 4), all.slice(4)].map((line) => line.join(', ')).join(`,\n${' '.repeat(34)}`);
}

const help = (): string => `pag restore --task TASK --input PICTURE.png --out GRID.png [options]

Restores a picture: draws, with a model of whole pictures, what fits the one that is given. That is diffusion posterior
sampling (Chung et al. 2023, arXiv 2209.14687): every step is moved by the gradient of the misfit through the network.
More steps restore better. The scheduler may be ddim, too, whose steps mend less of what a move has spoilt.

${modelHelp}
  --variant NAME                  of the weights, as fp16: diffusion_pytorch_model.fp16.safetensors
${taskHelp}
  --method dps|psld               dps: with a model of pixels; psld (Rout et al. 2023, arXiv 2307.00619): in the latents
                                  of a pipeline, which is told a --prompt (dps)
  --weight W                      how far a step goes towards the picture that is given (what restores letters best in
                                  20 steps, and at most 320 / steps: by dps
                                  ${weightsText('dps')};
                                  by psld
                                  ${weightsText('psld')})
  --gluing G                      of psld: how far towards latents of a picture into which it is glued (W / 10)
  --prompt TEXT                   of psld: what the picture shows; '' says nothing of it
  --negative-prompt TEXT          of psld: what takes the place of no text in passes without the prompt
  --out GRID.png                  where the pictures go: what was given, what was restored, and the whole one
  --latents FILE.safetensors      where the numbers go: noise, measured, step.0 ... (after each call), sample
  --labels 0-4,7                  class labels or ranges of them, repeated as often as needed
${noiseHelp}
${schedulerHelp('ddpm')}
  --preview                       shows in the terminal what is being drawn
${guidanceHelp}
${backendHelp}`;

/** The command `pag restore`. */
export const restoreCommand: Command = { help: (args) => help() + chosenPage(args), options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const files = chooseOutFiles(options, { out: 'PNG', latents: 'safetensors' });
  if (Object.keys(files).length === 0) throw new InputError('give --out GRID.png, --latents FILE.safetensors, or both');
  refuseClassifier(options, 'pag restore');
  const restored = await restore(options, files);
  const { task, noise, measured, steps, sample, pictures, title, weights, dtype, backend, started } = restored;
  if (files.out !== undefined) writeOut(files.out, encodePng(gridOf(title, task, pictures)));
  if (files.latents !== undefined)
    writeLatents(files.latents, { noise, measured }, steps, {
      sample,
      ...(sample !== pictures && { image: pictures }),
    });
  const seconds = (performance.now() - started) / 1000;
  const psnr = task.whole && peakRatios(pictures, task.whole);
  const error = psnr ? `, ${psnr.map((ratio) => ratio.toFixed(1)).join(', ')} dB from the whole one` : '';
  const count = extentOf(sample, 0);
  printResult(options, {
    text: `${count} restored, ${title}${error}, in ${seconds.toFixed(1)} s: ${Object.values(files).join(' and ')}`,
    json: {
      schema: 1,
      count,
      run: title,
      ...weights,
      ...(psnr && { psnr }),
      dtype,
      kernels: backend.name,
      seconds,
      files,
    },
    aside: Object.values(files).some(isStdout),
  });
  return 0;
}

/** By the method that is asked for. @throws InputError for one that there is not, and options that it does not have */
async function restore(options: ParsedOptions, files: OutFiles): Promise<Restored> {
  const method = options.choice('method', methods) ?? 'dps';
  const idle = method === 'psld' ? ['labels', 'null-label', 'preview'] : ['prompt', 'negative-prompt', 'gluing'];
  refuseIdle(options, idle, `with --method ${method}`);
  if (method === 'dps') return restorePixels(options, files);
  // Pipelines are loaded where they are needed.
  const { restoreLatents } = await import('./restore-latents.ts');
  return restoreLatents(options, files);
}

async function restorePixels(options: ParsedOptions, files: OutFiles): Promise<Restored> {
  const { dtype, backend } = chooseBackend(options);
  const { unet, schedulerConfig } = await loadModel(modelFolder(options), dtype, folderChoices(options));
  const { shape, first, noiseSource } = await chooseNoise(options, unet.config, dtype);
  const [count = 0] = shape;
  const task = await readTask(options, shape, dtype);
  const guidance = chooseUNetGuidance(options, unet);
  const chosen = await chooseRestoringRun(options, schedulerConfig);
  const weight = chooseWeight(options, 'dps', task.task, chosen.stepCount);
  const { labels, nullLabel } = conditionsOf(options, unet, count);
  const { scheduler } = chosen;
  const conditions = classConditions(labels, nullLabel);
  announceWork(restoringWork(leastWork({ models: { main: unet }, conditions, guidance, scheduler, shape })));
  const noise = first();
  const measured = measuredFor(task, count, dtype);
  const problem = { measurement: task.measurement, measured, weight };
  const model = restoringPixels(unet, backend, conditions, scheduler, problem, noise);
  const started = performance.now();
  const samplingRun = { ...model, guidance, noise, noiseSource };
  const following = { keeps: files.latents !== undefined, preview: options.has('preview') };
  const { sample, steps } = await follow(samplingRun, 'restoring', following);
  backend.dispose();
  const title = `${task.measurement.name}, ${runTitle(guidance, scheduler, chosen)}`;
  const drawn = { noise, measured, steps, sample, pictures: sample, title };
  return { task, ...drawn, weights: { weight }, dtype, backend, started };
}

/** What was given, as large as a picture; what was restored; and the whole one, where it is known. */
function gridOf(title: string, { measurement, measured, whole }: RestorationTask, sample: Tensor): Picture {
  const size = [extentOf(sample, 2), extentOf(sample, 3)] as const;
  const squares = (size[0] * size[1]) / (extentOf(measured, 2) * extentOf(measured, 3));
  // Of what is coarser every pixel hands its value back to those that it is the mean of.
  const given = squares === 1 ? measured : scale(measureBack(measurement, measured, size), squares);
  return grid([
    { title: 'given', samples: given },
    { title, samples: sample },
    ...(whole ? [{ title: 'whole', samples: whole }] : []),
  ]);
}

/** The peak signal-to-noise ratio of each sample in dB: 10 log₁₀(2² / mean squared error), of pictures within ±1. */
export function peakRatios(sample: Tensor, whole: Tensor): readonly number[] {
  const within = mapElements(sample, (value) => Math.min(Math.max(value, -1), 1));
  const errors = mapElements(subtract(within, forEachSample(whole, sample)), (value) => value * value);
  return mean(errors).map((error) => 10 * Math.log10(4 / error));
}
