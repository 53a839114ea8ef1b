/** The UNet of DDPM as diffusers builds it (`diffusers.models.unets.unet_2d.UNet2DModel`). */
import { InputError } from '../../tensor/errors.ts';
import { cast, roundInPlace } from '../../tensor/rounding.ts';
import { shapeText, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import type { Backend, Kernels, Program, Tensors } from '../../kernels/kernels.ts';
import type { Context } from '../../nn/context.ts';
import { fourierFeatures, lookUp, sinusoid, timestepEmbedding } from '../../nn/embeddings.ts';
import type { UNetConfig } from './config.ts';
import { checkWeights } from './parameters.ts';
import { matchesAny } from '../taps.ts';
import { unetStages, type Perturbation, type Stage, type UNetState } from './stages.ts';

export interface UNet {
  readonly config: UNetConfig;
  readonly dtype: DType;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly stages: readonly Stage[];
  /** The paths of the self-attention layers, in the order of the forward pass. */
  readonly attentionLayers: readonly string[];
  /** Programs by what they do, so that a backend recognises one that it has run before. */
  readonly programs: Map<string, Program>;
}

export interface UNetInput {
  /** [B,C,H,W]. */
  readonly sample: Tensor;
  /** One per sample, or one for all. */
  readonly timesteps: readonly number[];
  /** Numbers, one per sample, for the class embeddings `lookup` and `timestep`; a tensor [B,D] for `identity`. */
  readonly classLabels?: readonly number[] | Tensor;
}

export interface UNetOptions {
  /**
   * One pass for each: an empty map is the unperturbed pass. All passes share what comes before their first difference.
   */
  readonly passes?: readonly Perturbation[];
  /** Which inner values to show: module paths, `*` and `?` allowed. Those of pass i > 0 are called `i:path`. */
  readonly taps?: readonly string[];
}

export interface UNetOutput {
  /** The prediction of each pass, [B,C′,H,W]. */
  readonly predictions: readonly Tensor[];
  readonly taps: Tensors;
}

export const unperturbed: Perturbation = new Map();

/** Looks at the inner values of a pass, and may put others in their place: the pass goes on with what `tap` returns. */
export type Watcher = Pick<Context, 'tap' | 'watches'>;

/**
 * A UNet from its config and weights. The weights are rounded to `dtype`.
 * @throws InputError when the weights are not those of the config
 */
export function createUNet(
  config: UNetConfig,
  weights: ReadonlyMap<string, Tensor>,
  dtype: DType = 'f32',
  source?: string,
): UNet {
  checkWeights(config, weights, source);
  const stages = unetStages(config);
  return {
    config,
    dtype,
    weights: new Map([...weights].map(([name, value]) => [name, cast(value, dtype)])),
    stages,
    attentionLayers: stages.filter((stage) => stage.kind === 'attention').map((stage) => stage.path),
    programs: new Map(),
  };
}

/**
 * Runs the UNet, once or with several perturbations of its attention.
 * @throws InputError when the input does not fit the model
 */
export function runUNet(unet: UNet, backend: Backend, input: UNetInput, options: UNetOptions = {}): UNetOutput {
  const passes = options.passes ?? [unperturbed];
  checkInput(unet, input);
  const timesteps = perSample(input.timesteps, input.sample.shape[0]);
  const outputs = backend.run(unetProgram(unet, passes, options.taps ?? []), {
    sample: cast(input.sample, unet.dtype),
    time: embedNumbers(unet, timesteps),
    ...classInput(unet, input, (numbers) => embedNumbers(unet, numbers)),
  });

  const taps = Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith('tap:'))
      .map(([name, value]) => [name.slice(4), value]),
  );
  const predictions = passes.map((_pass, i) => {
    const prediction = outputs[resultName(i)];
    return unet.config.timeEmbeddingType === 'fourier' ? divideByTime(prediction, timesteps) : prediction;
  });
  return { predictions, taps };
}

/**
 * Runs the UNet directly on `kernels`, every pass under a watcher's eyes.
 * @param embed what turns numbers into vectors; the model's own, unless somebody wants to know what another one does
 * @returns the prediction of each pass, [B,C′,H,W]
 * @throws InputError when the input does not fit the model
 */
export function traceUNet(
  unet: UNet,
  kernels: Kernels,
  input: UNetInput,
  passes: readonly Perturbation[],
  watcherOf: (pass: number) => Watcher,
  embed: (numbers: readonly number[]) => Tensor = (numbers) => embedNumbers(unet, numbers),
): readonly Tensor[] {
  checkInput(unet, input);
  const timesteps = perSample(input.timesteps, input.sample.shape[0]);
  const inputs = { sample: cast(input.sample, unet.dtype), time: embed(timesteps), ...classInput(unet, input, embed) };
  const outputs = forwardPasses(unet, kernels, inputs, passes, watcherOf);
  return passes.map((_pass, i) => {
    const prediction = outputs[resultName(i)];
    return unet.config.timeEmbeddingType === 'fourier' ? divideByTime(prediction, timesteps) : prediction;
  });
}

const resultName = (pass: number): string => `result:${pass}`;

/** The forward passes as a program. Passes with the same perturbations and taps are the same program. */
function unetProgram(unet: UNet, passes: readonly Perturbation[], taps: readonly string[]): Program {
  const key = [...passes.map(perturbationKey), ...taps].join(' | ');
  const known = unet.programs.get(key);
  if (known) return known;
  const program: Program = (kernels, inputs) => {
    const seen: Record<string, Tensor> = {};
    const results = forwardPasses(unet, kernels, inputs, passes, (pass) => {
      const prefix = pass === 0 ? '' : `${pass}:`;
      const watches = (path: string): boolean => matchesAny(taps, prefix + path);
      return {
        watches,
        tap: (path, value) => {
          if (watches(path)) seen[`tap:${prefix}${path}`] = value;
          return value;
        },
      };
    });
    return { ...seen, ...results };
  };
  unet.programs.set(key, program);
  return program;
}

function perturbationKey(perturbation: Perturbation): string {
  return [...perturbation].map(([path, mixer]) => `${path}=${mixer.key}`).join('&');
}

function forwardPasses(
  unet: UNet,
  kernels: Kernels,
  inputs: Tensors,
  passes: readonly Perturbation[],
  watcherOf: (pass: number) => Watcher,
): Tensors {
  const outputs: Record<string, Tensor> = {};
  const contextOf = (pass: number): Context => ({ kernels, weights: unet.weights, ...watcherOf(pass) });

  // The first pass keeps its state before every stage; each other pass starts where it first differs from it.
  const states: UNetState[] = [initialState(unet, contextOf(0), inputs)];
  passes.forEach((perturbation, pass) => {
    const context = contextOf(pass);
    const start = pass === 0 ? 0 : firstDifference(unet.stages, passes[0], perturbation);
    let state = states[start];
    unet.stages.slice(start).forEach((stage, i) => {
      state = stage.run(context, state, perturbation);
      const block = blockOf(stage.path);
      if (block && block !== blockOf(unet.stages[start + i + 1].path)) state = seenAs(block, context, state);
      if (pass === 0) states.push(state);
    });
    outputs[resultName(pass)] = state.hidden;
  });
  return outputs;
}

/**
 * Shows the hidden tensor as the output of a block. What the watcher puts in its place is also what the block leaves
 * for the way up.
 */
function seenAs(block: string, context: Context, state: UNetState): UNetState {
  const hidden = context.tap(block, state.hidden);
  if (hidden === state.hidden) return state;
  return { ...state, hidden, skips: state.skips.map((skip) => (skip === state.hidden ? hidden : skip)) };
}

/** `down_blocks.1` for a stage inside it, `mid_block` likewise; undefined for `conv_in` and the output. */
function blockOf(path: string): string | undefined {
  return /^(?:(?:down|up)_blocks\.\d+|mid_block)/.exec(path)?.[0];
}

/** The index of the first stage that two perturbations run differently; the number of stages if there is none. */
export function firstDifference(stages: readonly Stage[], a: Perturbation, b: Perturbation): number {
  const index = stages.findIndex((stage) => a.get(stage.path)?.key !== b.get(stage.path)?.key);
  return index < 0 ? stages.length : index;
}

/** What flows into the first stage: the picture, and the embedded time and class. */
function initialState(unet: UNet, context: Context, inputs: Tensors): UNetState {
  const { kernels } = context;
  const sample = unet.config.centerInputSample ? kernels.affine(inputs['sample'], 2, -1) : inputs['sample'];
  let temb = timestepEmbedding(context, 'time_embedding', context.tap('time_proj', inputs['time']));
  if (inputs['class']) {
    const embedded =
      unet.config.classEmbedding === 'timestep'
        ? timestepEmbedding(context, 'class_embedding', inputs['class'])
        : context.tap('class_embedding', inputs['class']);
    temb = kernels.add(temb, embedded);
  }
  return { hidden: sample, skips: [], temb };
}

/** Numbers → vectors, as the config's `time_proj` does it: [B, n]. */
function embedNumbers(unet: UNet, numbers: readonly number[]): Tensor {
  const { config, dtype, weights } = unet;
  if (config.timeEmbeddingType === 'fourier') return fourierFeatures(numbers, weights.get('time_proj.weight')!);
  if (config.timeEmbeddingType === 'learned') return lookUp(weights.get('time_proj.weight')!, numbers);
  return sinusoid(numbers, config.blockOutChannels[0], config.flipSinToCos, config.freqShift, dtype);
}

function classInput(
  unet: UNet,
  { classLabels: labels, sample }: UNetInput,
  embed: (numbers: readonly number[]) => Tensor,
): Tensors {
  if (labels === undefined) return {};
  if (isTensor(labels)) return { class: cast(labels, unet.dtype) };
  const numbers = perSample(labels, sample.shape[0]);
  if (unet.config.classEmbedding === 'timestep') return { class: embed(numbers) };
  return { class: lookUp(unet.weights.get('class_embedding.weight')!, numbers) };
}

function isTensor(value: readonly number[] | Tensor): value is Tensor {
  return 'dtype' in value;
}

function perSample(values: readonly number[], batch: number): readonly number[] {
  return values.length === 1 ? Array.from({ length: batch }, () => values[0]) : values;
}

/** A model with a Fourier time embedding predicts a score, scaled by the noise level t (score_sde). */
function divideByTime(x: Tensor, timesteps: readonly number[]): Tensor {
  const size = x.data.length / timesteps.length;
  const out = x.data.map((value, i) => value / timesteps[Math.floor(i / size)]);
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}

function checkInput(unet: UNet, input: UNetInput): void {
  const { config } = unet;
  const { shape } = input.sample;
  const [batch, channels, height, width] = shape;
  if (shape.length !== 4 || channels !== config.inChannels) {
    throw new InputError(
      `the sample has shape ${shapeText(shape)}, but the model takes [B, ${config.inChannels}, H, W]`,
    );
  }
  const multiple = 2 ** (config.blockOutChannels.length - 1);
  if (height! % multiple !== 0 || width! % multiple !== 0 || height! * width! * batch! === 0) {
    throw new InputError(
      `the sample is ${height} × ${width}, but height and width must be multiples of ${multiple} for this model`,
    );
  }
  const fits = (count: number): boolean => count === 1 || count === batch;
  if (!fits(input.timesteps.length)) {
    throw new InputError(
      `there are ${input.timesteps.length} timesteps for a batch of ${batch}; give one, or one for each sample`,
    );
  }
  for (const t of input.timesteps) {
    if (!Number.isFinite(t)) throw new InputError(`a timestep is ${t}; it must be a finite number`);
    checkIndex(t, config.timeEmbeddingType === 'learned' ? config.numTrainTimesteps! : undefined, 'timestep');
  }
  checkLabels(unet, input, fits);
}

function checkLabels(
  { config }: UNet,
  { classLabels: labels, sample }: UNetInput,
  fits: (count: number) => boolean,
): void {
  if (config.classEmbedding === 'none') {
    if (labels !== undefined) throw new InputError('class labels are given, but the model is not class-conditional');
    return;
  }
  if (labels === undefined) throw new InputError('the model is class-conditional, but no class labels are given');
  if (config.classEmbedding === 'identity') {
    const wanted = [sample.shape[0], config.timeEmbeddingDim];
    if (!isTensor(labels) || shapeText(labels.shape) !== shapeText(wanted)) {
      const found = isTensor(labels) ? shapeText(labels.shape) : 'numbers';
      throw new InputError(
        `class_embed_type "identity" takes class labels of shape ${shapeText(wanted)}, but ${found} are given`,
      );
    }
    return;
  }
  if (isTensor(labels))
    throw new InputError('the model takes one class label per sample, but a tensor of embeddings is given');
  if (!fits(labels.length)) {
    throw new InputError(
      `there are ${labels.length} class labels for a batch of ${sample.shape[0]}; give one, or one for each sample`,
    );
  }
  for (const label of labels) {
    if (!Number.isFinite(label)) throw new InputError(`a class label is ${label}; it must be a finite number`);
    checkIndex(label, config.classEmbedding === 'lookup' ? config.numClassEmbeds! : undefined, 'class label');
  }
}

function checkIndex(value: number, count: number | undefined, what: string): void {
  if (count !== undefined && (!Number.isInteger(value) || value < 0 || value >= count)) {
    throw new InputError(`${what} ${value} is outside the model's table: whole numbers from 0 to ${count - 1}`);
  }
}
