/** What words become: the conditions of a pipeline's UNet. */
import type { Backend } from '../kernels/kernels.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import { createClipText, encodeText, type ClipText } from '../models/clip-text/clip-text.ts';
import type { Condition, Conditions } from '../models/condition.ts';
import { perSample } from '../models/inputs.ts';
import { parametersOf } from '../models/stage.ts';
import { clipTextStages } from '../models/clip-text/stages.ts';
import { guidanceEmbedding } from '../nn/guidance-embedding.ts';
import { at, lastOf } from '../tensor/at.ts';
import { anObject, checkOptions, finite, mustBe, optional, whole, type Check, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { extentOf, reshape, tensor, zeros, type Tensor } from '../tensor/tensor.ts';
import { checkPipeline } from './check-parts.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

/** What is asked of a pipeline in words. */
export interface PromptRequest {
  /** One for each picture. */
  readonly prompts: readonly string[];
  /** What takes their place where nothing is asked: one for each picture, or one for all. */
  readonly negativePrompts?: readonly string[];
  /** What XL's second text encoder is given in the place of `prompts`: one for each picture, or one for all. */
  readonly prompts2?: readonly string[];
  /** The same of `negativePrompts`. */
  readonly negativePrompts2?: readonly string[];
  /** How many of the text encoders' last layers are left out for `prompts`; XL always leaves out one more. 0. */
  readonly clipSkip?: number;
  /** What XL is told of the picture's size. */
  readonly sizes?: PictureSizes;
  /** g, for a UNet that is told it (LCM); 7.5 unless given. */
  readonly guidanceScale?: number;
}

/** Height before width, in pixels, as XL's UNet is told them. */
export interface PictureSizes {
  /** Of the picture that it was trained on, before it was cut. */
  readonly originalSize: readonly [number, number];
  /** Where it was cut, from the top and from the left. */
  readonly cropsCoordsTopLeft: readonly [number, number];
  /** Of what was left. */
  readonly targetSize: readonly [number, number];
}

const areTexts: Check = mustBe(
  'a list of texts, as ["a cat"]',
  (texts) => Array.isArray(texts) && texts.length > 0 && texts.every((text) => typeof text === 'string'),
);
const checks: Checks<PromptRequest> = {
  prompts: areTexts,
  negativePrompts: optional(areTexts),
  prompts2: optional(areTexts),
  negativePrompts2: optional(areTexts),
  clipSkip: optional(whole(0)),
  sizes: optional(anObject('{ originalSize, cropsCoordsTopLeft, targetSize }')),
  guidanceScale: optional(finite()),
};

/**
 * What the UNet is told: `given` of the prompts, `null` of the negative ones. No negative prompt is the empty text, or,
 * with `forceZerosForEmptyPrompt`, zeros, as in diffusers.
 * @throws InputError for as many prompts as fit neither all nor each, some for a second text encoder where there is
 *   none, a pipeline of XL that is told no sizes, and layers to leave out that are not there
 */
export function promptConditions(pipeline: StableDiffusion, backend: Backend, request: PromptRequest): Conditions {
  checkPipeline(pipeline, 'texts', 'unet');
  checkOptions('promptConditions', request, checks);
  const { prompts, negativePrompts = [''], clipSkip = 0, guidanceScale = 7.5 } = request;
  checkSecond(pipeline, request);
  const count = prompts.length;
  const second = forEach(request.prompts2 ?? prompts, 'second prompts', count);
  const given = embedPrompts(pipeline, backend, prompts, clipSkip, second);
  const areZeros = pipeline.forceZerosForEmptyPrompt && request.negativePrompts === undefined;
  const negative = forEach(negativePrompts, 'negative prompts', count);
  const negative2 = forEach(request.negativePrompts2 ?? negative, 'second negative prompts', count);
  const nothing = areZeros ? zerosLike(given) : embedPrompts(pipeline, backend, negative, 0, negative2);
  const { timeCondProjDim: size } = pipeline.unet.config;
  const { dtype } = pipeline.unet;
  const common = {
    ...sizeCondition(pipeline, request.sizes),
    ...(size !== undefined && { timestepCond: guidanceEmbedding(guidanceScale, size, dtype) }),
  };
  return { given: { ...given, ...common }, null: { ...nothing, ...common } };
}

/** @throws InputError for prompts of a second text encoder that there is not, or that would not be looked at */
function checkSecond({ texts }: StableDiffusion, request: PromptRequest): void {
  const name = (['prompts2', 'negativePrompts2'] as const).find((key) => request[key] !== undefined);
  if (name !== undefined && texts.length === 1)
    throw new InputError(`${name} are given, but of the pipelines supported only XL has a second text encoder`);
  if (request.negativePrompts2 && !request.negativePrompts)
    throw new InputError('negativePrompts2 are given without negativePrompts, which say that there are any; give [""]');
}

/** One text for each picture. @throws InputError where they are neither one for all nor one for each */
function forEach(texts: readonly string[], what: string, count: number): readonly string[] {
  if (texts.length !== 1 && texts.length !== count)
    throw new InputError(`there are ${texts.length} ${what} for ${count} pictures; give one for all, or one for each`);
  return perSample(texts, count);
}

/** What prompts alone tell the UNet: `encoderHiddenStates` [N,L,D], and `textEmbeds` [N,P] in XL. */
export type TextCondition = Pick<Condition, 'encoderHiddenStates' | 'textEmbeds'>;

/**
 * What the UNet is told of prompts, one for each sample. Each text is encoded once.
 * @param clipSkip how many of the last layers are left out; XL leaves out one more
 * @param prompts2 of XL's second text encoder, one for each sample
 * @throws InputError for what is no pipeline, prompts that are no list of texts, and where there are not so many layers
 */
export function embedPrompts(
  pipeline: Pick<StableDiffusion, 'texts'>,
  backend: Backend,
  prompts: readonly string[],
  clipSkip = 0,
  prompts2 = prompts,
): TextCondition {
  checkPipeline(pipeline, 'texts');
  areTexts('the prompts', prompts);
  const { texts } = pipeline;
  const isXl = texts.length > 1;
  const encoded = texts.map(({ tokenize, encoder }, i) => {
    const own = i === 0 ? prompts : prompts2;
    const different = [...new Set(own)];
    const places = own.map((prompt) => different.indexOf(prompt));
    const input = { inputIds: different.map((prompt) => tokenize(prompt).ids) };
    checkSkip(encoder, clipSkip + (isXl ? 1 : 0));
    return { text: encodeText(isXl ? encoder : withoutLayers(encoder, clipSkip), backend, input), places };
  });
  const first = at(encoded, 0);
  if (!isXl) return { encoderHiddenStates: rowsOf(first.text.lastHiddenState, first.places) };
  const hidden = encoded.map(({ text: { hiddenStates }, places }) =>
    rowsOf(at(hiddenStates, hiddenStates.length - 2 - clipSkip), places),
  );
  const { text, places } = lastOf(encoded) ?? first;
  if (!text.textEmbeds) throw new InputError('the second text encoder has no projection, so it gives no text_embeds');
  return { encoderHiddenStates: besideOneAnother(hidden), textEmbeds: rowsOf(text.textEmbeds, places) };
}

function checkSkip({ config }: ClipText, skipped: number): void {
  if (skipped <= config.numHiddenLayers) return;
  throw new InputError(
    `clipSkip leaves out ${skipped} layers, but a text encoder of the pipeline has ${config.numHiddenLayers}`,
  );
}

/** The encoder without its last layers, but with the norm behind them. */
function withoutLayers(encoder: ClipText, skipped: number): ClipText {
  if (skipped === 0) return encoder;
  const config = { ...encoder.config, numHiddenLayers: encoder.config.numHiddenLayers - skipped };
  const names = parametersOf(clipTextStages(config)).map(({ name }) => name);
  const weights = new Map([...encoder.weights].filter(([name]) => names.includes(name)));
  return createClipText(config, weights, encoder.dtype);
}

function zerosLike({ encoderHiddenStates: hidden, textEmbeds: pooled }: TextCondition): TextCondition {
  return {
    ...(hidden && { encoderHiddenStates: zeros(hidden.dtype, hidden.shape) }),
    ...(pooled && { textEmbeds: zeros(pooled.dtype, pooled.shape) }),
  };
}

/** Original size, crop and target size, [1,6]. @throws InputError when XL is not told them, or another model is */
function sizeCondition({ texts, unet }: StableDiffusion, sizes: PictureSizes | undefined): Condition {
  if (texts.length === 1) {
    if (sizes) throw new InputError('sizes are given, but of the pipelines supported only XL takes them');
    return {};
  }
  if (!sizes) throw new InputError('the pipeline is of XL, but is not told the sizes of the picture; give sizes');
  const ids = [...sizes.originalSize, ...sizes.cropsCoordsTopLeft, ...sizes.targetSize];
  return { timeIds: cast(tensor('f64', [1, ids.length], Float64Array.from(ids)), unet.dtype) };
}

/** Of [B,…] the samples at these places, in this order. */
function rowsOf(x: Tensor, places: readonly number[]): Tensor {
  return referenceKernels.concatBatch(places.map((place) => referenceKernels.sliceBatch(x, place, place + 1)));
}

/** Texts side by side: [B,L,D₁], [B,L,D₂] … → [B,L,D₁+D₂+…]. @throws InputError for texts of different length */
export function besideOneAnother(parts: readonly Tensor[]): Tensor {
  return parts.reduce((before, part) => {
    const [batch, length, otherLength] = [extentOf(before, 0), extentOf(before, 1), extentOf(part, 1)];
    if (otherLength !== length)
      throw new InputError(`the tokenizers make texts of ${length} and of ${otherLength} tokens; they must be as long`);
    const asRows = (x: Tensor): Tensor => reshape(x, [batch * length, extentOf(x, 2)]);
    const joined = referenceKernels.concatChannels(asRows(before), asRows(part));
    return reshape(joined, [batch, length, extentOf(joined, 1)]);
  });
}
