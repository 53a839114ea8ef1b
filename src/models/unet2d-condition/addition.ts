/** What is added to the embedded time: SDXL's pooled text and time ids, IF's pooled tokens, Kandinsky's picture. */
import { tensorOf } from '../../kernels/kernels.ts';
import type { Context } from '../../nn/context.ts';
import { timestepEmbedding, timestepEmbeddingParameters } from '../../nn/embeddings.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { linearParameters, normParameters, type Parameter } from '../../nn/parameters.ts';
import { tokenPooling, tokenPoolingParameters } from '../../nn/token-pooling.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import type { UNetConditionConfig } from './config.ts';
import type { UNetConditionState } from './state.ts';

const path = 'add_embedding';
/** As torch.nn.LayerNorm has it. */
const eps = 1e-5;

/** An addition: its parameters, and the vector that it makes, [B,D]. */
interface Addition {
  readonly parameters: readonly Parameter[];
  make(context: Context, state: UNetConditionState): Tensor;
}

/** temb + add_embedding(…), for a model that has one. */
export function additionStages(config: UNetConditionConfig): readonly Stage<UNetConditionState>[] {
  const { additionEmbedType } = config;
  if (!additionEmbedType) return [];
  const { parameters, make } = additions[additionEmbedType](config);
  return [
    {
      path,
      kind: 'embedding',
      parameters,
      run: (context, state) => ({ ...state, temb: context.kernels.add(state.temb, make(context, state)) }),
    },
  ];
}

const additions: Readonly<
  Record<NonNullable<UNetConditionConfig['additionEmbedType']>, (config: UNetConditionConfig) => Addition>
> = { text: textAddition, text_time: textTimeAddition, image: imageAddition, text_image: textImageAddition };

/** TextTimeEmbedding: the tokens, as they were given, pooled by attention. */
function textAddition(config: UNetConditionConfig): Addition {
  const { crossAttentionDim, encoderHidDim, timeEmbeddingDim, additionEmbedTypeNumHeads: heads } = config;
  const from = encoderHidDim ?? crossAttentionDim;
  const pooled = tokenPooling(`${path}.pool`, heads);
  return {
    parameters: [
      ...normParameters(`${path}.norm1`, from),
      ...tokenPoolingParameters(`${path}.pool`, from),
      ...linearParameters(`${path}.proj`, from, timeEmbeddingDim),
      ...normParameters(`${path}.norm2`, timeEmbeddingDim),
    ],
    make(context, { given }) {
      const normed = layerNorm(context, `${path}.norm1`, tensorOf(given, 'text'), eps);
      const projected = linear(context, `${path}.proj`, pooled(context, normed));
      return context.tap(path, layerNorm(context, `${path}.norm2`, projected, eps));
    },
  };
}

/** The text as a whole, and sizes as sinusoids, side by side, through two layers. */
function textTimeAddition({ projectionClassEmbeddingsInputDim = 0, timeEmbeddingDim }: UNetConditionConfig): Addition {
  return {
    parameters: timestepEmbeddingParameters(path, projectionClassEmbeddingsInputDim, timeEmbeddingDim),
    make(context, { given }) {
      const both = context.kernels.concatChannels(tensorOf(given, 'pooled'), tensorOf(given, 'ids'));
      return timestepEmbedding(context, path, both);
    },
  };
}

/** ImageTimeEmbedding. */
function imageAddition({ encoderHidDim = 0, timeEmbeddingDim }: UNetConditionConfig): Addition {
  return {
    parameters: [
      ...linearParameters(`${path}.image_proj`, encoderHidDim, timeEmbeddingDim),
      ...normParameters(`${path}.image_norm`, timeEmbeddingDim),
    ],
    make(context, { given }) {
      const projected = linear(context, `${path}.image_proj`, tensorOf(given, 'image'));
      return context.tap(path, layerNorm(context, `${path}.image_norm`, projected, eps));
    },
  };
}

/** TextImageTimeEmbedding. */
function textImageAddition({ crossAttentionDim, timeEmbeddingDim }: UNetConditionConfig): Addition {
  return {
    parameters: [
      ...linearParameters(`${path}.text_proj`, crossAttentionDim, timeEmbeddingDim),
      ...normParameters(`${path}.text_norm`, timeEmbeddingDim),
      ...linearParameters(`${path}.image_proj`, crossAttentionDim, timeEmbeddingDim),
    ],
    make(context, { given }) {
      const projected = linear(context, `${path}.text_proj`, tensorOf(given, 'pooled'));
      const text = layerNorm(context, `${path}.text_norm`, projected, eps);
      const image = linear(context, `${path}.image_proj`, tensorOf(given, 'image'));
      return context.tap(path, context.kernels.add(image, text));
    },
  };
}
