/** Whether an input fits a UNet2DConditionModel. */
import { checkTensor, optional } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { extentOf, shapeText, type Tensor } from '../../tensor/tensor.ts';
import { conditionTensors, expectOnly, type Condition } from '../condition.ts';
import { checkIsInput, checkLabels, checkSample, checkTimesteps, type ClassInput } from '../inputs.ts';
import type { ModelInput } from '../model.ts';
import type { UNetConditionConfig } from './config.ts';

/** @throws InputError when the sample, a number or a condition does not fit the model, is missing, or is not taken */
export function checkInput(config: UNetConditionConfig, input: ModelInput): void {
  checkIsInput(input, 'an object { sample, timesteps, encoderHiddenStates … }');
  checkTensors(input);
  const tensors = takenTensors(config, input);
  const others = [
    ...(config.classEmbedding === 'none' ? [] : (['classLabels'] as const)),
    ...(tensors.encoderHiddenStates ? (['encoderAttentionMask'] as const) : []),
  ];
  expectOnly(input, [...namesOf(tensors), ...others]);
  checkSample(input.sample, config.inChannels, multipleOf(config));
  checkTimesteps(input);
  checkLabels(input, classInputOf(config));
  for (const name of namesOf(tensors)) expectTensor(name, input, tensors[name]);
  checkMask(input);
}

/** Fails unless what is given as a tensor is one. */
function checkTensors(input: ModelInput): void {
  for (const name of conditionTensors) optional(checkTensor)(name, input[name]);
}

/** Blocks that double by a convolution fit their result to the skip; those that do by a ResNet block cannot. */
function multipleOf({ downBlockTypes, upBlockTypes }: UNetConditionConfig): number {
  const cannot = [...downBlockTypes.slice(0, -1), ...upBlockTypes.slice(0, -1)].some((type) =>
    /^(Resnet|Simple)/.test(type),
  );
  return cannot ? 2 ** (downBlockTypes.length - 1) : 1;
}

type TensorName = Exclude<keyof Condition, 'classLabels' | 'encoderAttentionMask'>;

/** The shapes of what the model takes, without the batch; `undefined` stands for any extent. */
type Taken = { readonly [name in TensorName]?: readonly (number | undefined)[] };

const namesOf = (taken: Taken): readonly TensorName[] => Object.keys(taken) as TensorName[];

function takenTensors(
  config: UNetConditionConfig,
  { textEmbeds, timeIds, timestepCond, negativeHiddenStates }: ModelInput,
): Taken {
  const { additionEmbedType: addition, encoderHidDimType: projection, encoderHidDim, crossAttentionDim } = config;
  const takesText = projection !== 'image_proj' || addition === 'text';
  const takesImage = projection === 'image_proj' || projection === 'text_image_proj' || addition?.includes('image');
  const imageSize = projection === 'image_proj' || addition === 'image' ? encoderHidDim : crossAttentionDim;
  return {
    ...(takesText && { encoderHiddenStates: [undefined, encoderHidDim ?? crossAttentionDim] }),
    // Only what is asked as it is given has a counterpart.
    ...(takesText &&
      projection === undefined &&
      negativeHiddenStates && { negativeHiddenStates: [undefined, crossAttentionDim] }),
    ...(takesImage && { imageEmbeds: [imageSize] }),
    ...(addition === 'text_image' && { textEmbeds: [crossAttentionDim] }),
    ...(addition === 'text_time' && textAndTime(config, textEmbeds, timeIds)),
    // What the model is told of the guidance may be left out.
    ...(config.timeCondProjDim !== undefined && timestepCond && { timestepCond: [config.timeCondProjDim] }),
  };
}

/** Pooled text and embedded ids fill one input together; how many of each is left open. */
function textAndTime(config: UNetConditionConfig, textEmbeds: Tensor | undefined, timeIds: Tensor | undefined): Taken {
  const { projectionClassEmbeddingsInputDim: both = 0, additionTimeEmbedDim: size = 0 } = config;
  const [text, ids] = [textEmbeds?.shape[1] ?? 0, timeIds?.shape[1] ?? 0];
  if (textEmbeds && timeIds && text + ids * size !== both) {
    throw new InputError(
      `textEmbeds has ${text} numbers a sample and timeIds ${ids}, which become ${ids * size}; ` +
        `together the model takes ${both}`,
    );
  }
  return { textEmbeds: [undefined], timeIds: [undefined] };
}

function expectTensor(name: TensorName, input: ModelInput, wanted: readonly (number | undefined)[] = []): void {
  const found = input[name];
  const batch = extentOf(input.sample, 0);
  const text = `[${batch} or 1, ${wanted.map((extent) => extent ?? 'n').join(', ')}]`;
  if (!found) throw new InputError(`the model takes ${name}, of shape ${text}, but none is given`);
  const [samples = 0, ...rest] = found.shape;
  const fits =
    rest.length === wanted.length &&
    (samples === batch || samples === 1) &&
    rest.every((extent, i) => extent > 0 && (wanted[i] ?? extent) === extent);
  if (!fits) throw new InputError(`${name} has shape ${shapeText(found.shape)}, but the model takes ${text}`);
}

function checkMask({ encoderAttentionMask: mask, encoderHiddenStates: text, sample }: ModelInput): void {
  if (!mask || !text) return;
  const [samples = 0, tokens = 0] = mask.shape;
  const batch = extentOf(sample, 0);
  if (mask.shape.length === 2 && (samples === batch || samples === 1) && tokens === extentOf(text, 1)) return;
  throw new InputError(
    `encoderAttentionMask has shape ${shapeText(mask.shape)}, but the text has ${extentOf(text, 1)} tokens; ` +
      `expected [${batch} or 1, ${extentOf(text, 1)}]`,
  );
}

/** How it takes class labels. */
export function classInputOf(config: UNetConditionConfig): ClassInput {
  const { classEmbedding: name, timeEmbeddingDim, projectionClassEmbeddingsInputDim, numClassEmbeds } = config;
  switch (name) {
    case 'none':
      return { kind: 'none' };
    case 'identity':
      return { kind: 'vectors', name, size: timeEmbeddingDim };
    case 'projection':
    case 'simple_projection':
      return { kind: 'vectors', name, size: projectionClassEmbeddingsInputDim };
    case 'lookup':
      return { kind: 'numbers', rows: numClassEmbeds };
    case 'timestep':
      return { kind: 'numbers' };
  }
}
