/**
 * CLIP's text encoder as transformers builds it (`transformers.CLIPTextModel`, `CLIPTextModelWithProjection`): tokens
 * become what a UNet's cross-attention asks.
 */
import { tensorOf, type Backend, type Tensors } from '../../kernels/kernels.ts';
import { lookUp } from '../../nn/embeddings.ts';
import { mustBe } from '../../tensor/checks.ts';
import { at } from '../../tensor/at.ts';
import { numbersOf } from '../../tensor/deferred.ts';
import { InputError } from '../../tensor/errors.ts';
import { allocate, reshape, tensor, zeros, type DType, type Tensor } from '../../tensor/tensor.ts';
import { checkIsInput, tableOf } from '../inputs.ts';
import { aModel, createModel, type Architecture, type Model, type Weights } from '../model.ts';
import { runModel, type PassOutput } from '../passes.ts';
import { checkConfig, type ClipTextConfig } from './config.ts';
import { clipTextStages } from './stages.ts';
import type { ClipTextState } from './state.ts';
import { currentNames } from './weights.ts';

/** What a text encoder is given. */
export interface ClipTextInput {
  /** B texts of N tokens each, the token that ends them included; all are as long, which is what padding is for. */
  readonly inputIds: readonly (readonly number[])[];
}

/** A text encoder without its weights. */
export type ClipTextArchitecture = Architecture<ClipTextConfig, ClipTextInput, ClipTextState>;

/** A text encoder. */
export type ClipText = Model<ClipTextConfig, ClipTextInput, ClipTextState>;

/** The architecture that `config` describes. Its output is the last hidden state, [B,N,C]. */
export function clipTextArchitecture(config: ClipTextConfig): ClipTextArchitecture {
  checkConfig(config);
  return {
    family: config.architecture,
    config,
    inChannels: config.hiddenSize,
    outChannels: config.hiddenSize,
    stages: clipTextStages(config),
    check: (input) => checkInput(config, input),
    tensors: (input, weights, dtype) => inputTensors(config, input, weights, dtype),
    begin: (_context, tensors) => ({ hidden: tensorOf(tensors, 'tokens'), given: tensors }),
    end: ({ hidden }) => hidden,
    finish: (output) => output,
  };
}

/**
 * A text encoder from its config and weights, with `text_model.` before their names or without.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError when the weights are not those of the config
 */
export function createClipText(
  config: ClipTextConfig,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): ClipText {
  return createModel(clipTextArchitecture(config), currentNames(weights, source), dtype, source);
}

/** What a text encoder makes of texts. */
export interface EncodedText {
  /** The last layer's output, normed, [B,N,C]. */
  readonly lastHiddenState: Tensor;
  /** Of this, what stands where the text ends, [B,C]. */
  readonly pooled: Tensor;
  /** The pooled text as an embedding, [B,P], where the encoder has a projection. */
  readonly textEmbeds: Tensor | undefined;
  /** What goes into each layer, and what comes out of the last: [B,N,C] each, none of them normed at the end. */
  readonly hiddenStates: readonly Tensor[];
}

/** The inner values of a text encoder that make what it says of a text. */
export function encodedTaps({ numHiddenLayers, architecture }: ClipTextConfig): readonly string[] {
  const projection = architecture === 'CLIPTextModelWithProjection' ? ['text_projection'] : [];
  return [...hiddenTaps(numHiddenLayers), 'pooled', ...projection];
}

const hiddenTaps = (layers: number): readonly string[] => [
  'embeddings',
  ...Array.from({ length: layers }, (_, i) => `encoder.layers.${i}`),
];

/** What a text encoder says of a text, from what a run with `encodedTaps` gave. */
export function encodedFrom(config: ClipTextConfig, { predictions, taps }: PassOutput): EncodedText {
  return {
    lastHiddenState: at(predictions, 0),
    pooled: tensorOf(taps, 'pooled'),
    textEmbeds: taps.text_projection,
    hiddenStates: hiddenTaps(config.numHiddenLayers).map((path) => tensorOf(taps, path)),
  };
}

/**
 * Runs a text encoder.
 * @throws InputError for tokens that it does not know, and texts of different length or of too many tokens
 */
export function encodeText(model: ClipText, backend: Backend, input: ClipTextInput): EncodedText {
  aModel('the model', model);
  return encodedFrom(model.config, runModel(model, backend, input, { taps: encodedTaps(model.config) }));
}

function checkInput({ vocabSize, maxPositionEmbeddings }: ClipTextConfig, input: ClipTextInput): void {
  checkIsInput(input, 'an object { inputIds }');
  const { inputIds } = input;
  areTexts('inputIds', inputIds);
  const [first, ...others] = inputIds;
  if (!first || first.length === 0) throw new InputError('there are no tokens; give at least those that begin and end');
  const other = others.find(({ length }) => length !== first.length);
  if (other) {
    throw new InputError(
      `texts of ${first.length} and of ${other.length} tokens are given together; pad them to one length`,
    );
  }
  if (first.length > maxPositionEmbeddings) {
    throw new InputError(
      `a text has ${first.length} tokens, but the encoder takes ${maxPositionEmbeddings}; cut it before it is encoded`,
    );
  }
  const unknown = inputIds.flat().find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (unknown !== undefined) {
    throw new InputError(`token ${unknown} is outside the vocabulary: whole numbers from 0 to ${vocabSize - 1}`);
  }
}

const areTexts = mustBe(
  'a list of texts, each a list of token ids',
  (texts) => Array.isArray(texts) && texts.every((ids) => Array.isArray(ids)),
);

function inputTensors(config: ClipTextConfig, { inputIds }: ClipTextInput, weights: Weights, dtype: DType): Tensors {
  const batch = inputIds.length;
  const count = at(inputIds, 0).length;
  const shape = [batch, count, config.hiddenSize];
  const rows = lookUp(tableOf(weights, 'embeddings.token_embedding.weight'), inputIds.flat());
  const positions = tableOf(weights, 'embeddings.position_embedding.weight');
  const places = allocate(dtype, rows.data.length);
  for (let b = 0; b < batch; b++)
    places.set(numbersOf(positions, 0, count * config.hiddenSize), b * (rows.data.length / batch));
  const pool = zeros(dtype, [batch, 1, 1, count]);
  inputIds.forEach((ids, b) => {
    pool.data[b * count + endOf(ids, config.eosTokenId)] = 1;
  });
  return { tokens: reshape(rows, shape), positions: tensor(dtype, shape, places), pool };
}

/** What old configs say in place of the token that ends a text. */
const legacyEosTokenId = 2;

/** Where a text ends: at its first end token, or, where it has none, at 0, as in transformers. */
function endOf(ids: readonly number[], eosTokenId: number): number {
  const end = ids.indexOf(eosTokenId === legacyEosTokenId ? ids.reduce((a, b) => Math.max(a, b)) : eosTokenId);
  return Math.max(0, end);
}
