/** What the blocks ask: the text, or a picture, projected to the channels of cross-attention where they have others. */
import { tensorOf } from '../../kernels/kernels.ts';
import type { Context } from '../../nn/context.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { linearParameters, normParameters, type Parameter } from '../../nn/parameters.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import type { UNetConditionConfig } from './config.ts';
import type { UNetConditionState } from './state.ts';

const path = 'encoder_hid_proj';
/** Tokens that a picture becomes: alone, and beside a text. */
const imageTokens = { image_proj: 32, text_image_proj: 10 };

/** The stage `encoder_hid_proj`, for a model that has one. */
export function encoderStages(config: UNetConditionConfig): readonly Stage<UNetConditionState>[] {
  const { encoderHidDimType } = config;
  if (!encoderHidDimType) return [];
  const { parameters, make } = projections[encoderHidDimType](config);
  return [
    {
      path,
      kind: 'embedding',
      parameters,
      run: (context, state) => ({ ...state, encoder: make(context, state) }),
    },
  ];
}

/** A projection: its parameters, and the tokens that it makes, [B,M,D]. */
interface Projection {
  readonly parameters: readonly Parameter[];
  make(context: Context, state: UNetConditionState): Tensor;
}

const projections: Readonly<
  Record<NonNullable<UNetConditionConfig['encoderHidDimType']>, (config: UNetConditionConfig) => Projection>
> = { text_proj: textProjection, image_proj: imageProjection, text_image_proj: textImageProjection };

function textProjection({ encoderHidDim = 0, crossAttentionDim }: UNetConditionConfig): Projection {
  return {
    parameters: linearParameters(path, encoderHidDim, crossAttentionDim),
    make: (context, { given }) => linear(context, path, tensorOf(given, 'text')),
  };
}

/** ImageProjection. */
function imageProjection({ encoderHidDim = 0, crossAttentionDim: size }: UNetConditionConfig): Projection {
  const count = imageTokens.image_proj;
  return {
    parameters: [
      ...linearParameters(`${path}.image_embeds`, encoderHidDim, count * size),
      ...normParameters(`${path}.norm`, size),
    ],
    make(context, { given }) {
      const projected = linear(context, `${path}.image_embeds`, tensorOf(given, 'image'));
      const tokens = context.kernels.reshape(projected, [count, size]);
      return context.tap(path, layerNorm(context, `${path}.norm`, tokens, 1e-5));
    },
  };
}

/** TextImageProjection: the picture's tokens before the text's. */
function textImageProjection({ encoderHidDim = 0, crossAttentionDim: size }: UNetConditionConfig): Projection {
  const count = imageTokens.text_image_proj;
  return {
    parameters: [
      ...linearParameters(`${path}.image_embeds`, size, count * size),
      ...linearParameters(`${path}.text_proj`, encoderHidDim, size),
    ],
    make(context, { given }) {
      const projected = linear(context, `${path}.image_embeds`, tensorOf(given, 'image'));
      const image = context.kernels.reshape(projected, [count, size]);
      const text = linear(context, `${path}.text_proj`, tensorOf(given, 'text'));
      return context.tap(path, context.kernels.concatChannels(image, text));
    },
  };
}
